import { equal, throws } from 'node:assert/strict';
import { mae, mse, r2, rmse } from '../../../src/ml/metrics/regression.ts';

describe('regression metrics', () => {
  const y = Float64Array.of(1, 2, 3, 6);
  const predicted = Float64Array.of(2, 2, 3, 3);

  it('match a hand calculation', () => {
    equal(mse(y, predicted), 10 / 4);
    equal(rmse(y, predicted), Math.sqrt(2.5));
    equal(mae(y, predicted), 1);
    equal(r2(y, predicted), 1 - 10 / 14);
  });

  it('r2 is 1 for exact predictions, 0 for the mean, null for equal labels', () => {
    equal(r2(y, y), 1);
    equal(r2(y, Float64Array.of(3, 3, 3, 3)), 0);
    equal(r2(Float64Array.of(0.1, 0.1, 0.1), Float64Array.of(0, 1, 2)), null);
  });

  it('refuse arrays of different lengths', () => {
    throws(() => mse(y, Float64Array.of(1)), RangeError);
  });
});
