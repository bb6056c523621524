import { deepEqual, throws } from 'node:assert/strict';
import { matrix } from '../../../src/ml/data/matrix.ts';
import { assertLabels, fitAccelerated, predictLinear } from '../../../src/ml/linear/model.ts';

const X = matrix(Float64Array.of(1, 10, 2, 20, 3, 35), 3, 2);

describe('linear model', () => {
  it('predicts from raw features', () => {
    const z = predictLinear({ weights: Float64Array.of(2, -1), intercept: 0.5 }, X);
    deepEqual([...z], [-7.5, -15.5, -28.5]);
  });

  it('refuses block widths, epochs and labels that do not fit', () => {
    const zero = (): number => 0;
    const tryFit = (blockWidths: number[], epochs: number): void => {
      fitAccelerated(X, zero, 1, { blockWidths, epochs });
    };
    throws(() => tryFit([1], 1), /blockWidths/);
    throws(() => tryFit([], 1), /blockWidths/);
    throws(() => tryFit([3, -1], 1), /range/);
    throws(() => tryFit([1, 1], 0), /epochs/);
    throws(() => assertLabels(X, Float64Array.of(1)), /3 entries/);
    throws(() => assertLabels(X, Float64Array.of(1, NaN, 2)), /row 1/);
  });
});
