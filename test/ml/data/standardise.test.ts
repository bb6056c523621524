import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { matrix } from '../../../src/ml/data/matrix.ts';
import { applyScaler, fitScaler } from '../../../src/ml/data/standardise.ts';
import { loadReference, near } from '../../support/tables.ts';

describe('standardise', () => {
  it('agrees with StandardScaler, constant column included', () => {
    const { X, mean, scale } = loadReference().scaler;
    const A = matrix(Float64Array.from(X.flat()), X.length, X[0]!.length);
    const scaler = fitScaler(A);
    mean.forEach((value, j) => {
      ok(near(scaler.mean[j]!, value, 1e-12), `mean ${j}`);
      ok(near(scaler.scale[j]!, scale[j]!, 1e-9), `scale ${j}`);
    });
    deepEqual([...scaler.constant], [0, 1, 0]);
  });

  it('gives columns of mean 0 and variance 1, and zeros for a constant', () => {
    const A = matrix(Float64Array.of(1, 5, 2, 5, 3, 5, 10, 5), 4, 2);
    const scaler = fitScaler(A);
    const Z = applyScaler(scaler, A).values;
    const first = [Z[0]!, Z[2]!, Z[4]!, Z[6]!];
    ok(Math.abs(first.reduce((sum, z) => sum + z, 0)) < 1e-15);
    ok(near(first.reduce((sum, z) => sum + z * z, 0) / 4, 1, 1e-15));
    deepEqual([Z[1], Z[3], Z[5], Z[7]], [0, 0, 0, 0]);
    equal(applyScaler(scaler, matrix(Float64Array.of(4, 99), 1, 2)).values[1], 0);
  });

  it('measures a single row and a large offset', () => {
    deepEqual([...fitScaler(matrix(Float64Array.of(3, 4), 1, 2)).constant], [1, 1]);
    const scaler = fitScaler(matrix(Float64Array.of(1e9, 1e9 + 1), 2, 1));
    deepEqual([scaler.constant[0], scaler.scale[0]], [0, 0.5]);
  });

  it('refuses non-finite values by position, no rows, another width', () => {
    throws(() => fitScaler(matrix(Float64Array.of(0, 1, 2, NaN), 2, 2)), /row 1, column 1/);
    throws(() => fitScaler(matrix(Float64Array.of(1e200, -1e200), 2, 1)), /column 0/);
    throws(() => fitScaler(matrix(new Float64Array(), 0, 2)), /at least one row/);
    const scaler = fitScaler(matrix(Float64Array.of(1, 2), 2, 1));
    throws(() => applyScaler(scaler, matrix(Float64Array.of(1, 2), 1, 2)), /1 columns, got 2/);
  });
});
