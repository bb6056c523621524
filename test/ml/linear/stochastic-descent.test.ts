import { deepEqual, notDeepEqual, ok, throws } from 'node:assert/strict';
import { matrix } from '../../../src/ml/data/matrix.ts';
import { descendStochastically } from '../../../src/ml/linear/stochastic-descent.ts';

// y = 2 a - b + 1 on a small grid; the last column is the intercept's.
const rows = [-1, 0, 1].flatMap((a) => [-1, 0, 1].map((b) => [a, b, 1]));
const X = matrix(Float64Array.from(rows.flat()), 9, 3);
const y = rows.map(([a, b]) => 2 * a! - b! + 1);
const gradient = (z: number, row: number): number => z - y[row]!;
const OPTIONS = {
  ...{ learningRate: 0.1, momentum: 0.5, batchSize: 4, epochs: 200, l2: 0, penalised: 2, seed: 1 },
};

describe('stochastic descent', () => {
  it('finds the exact solution of a consistent system', () => {
    const w = descendStochastically(X, gradient, OPTIONS);
    [2, -1, 1].forEach((value, j) => {
      ok(Math.abs(w[j]! - value) < 1e-6, `w[${j}] = ${w[j]}`);
    });
  });

  it('in one full batch is one gradient step', () => {
    const options = { ...OPTIONS, batchSize: 9, epochs: 1 };
    const w = descendStochastically(X, gradient, options);
    // (1/9) sum a_i y_i = 2 * 6/9, (1/9) sum b_i y_i = -6/9, mean y = 1.
    [0.1 * (4 / 3), -0.1 * (2 / 3), 0.1].forEach((value, j) => {
      ok(Math.abs(w[j]! - value) < 1e-15, `w[${j}]`);
    });
  });

  it('penalises on the scale of the sum, but not the intercept', () => {
    const w = descendStochastically(X, gradient, { ...OPTIONS, l2: 6, batchSize: 9 });
    // Normal equations: (6 + l2) w = 6 * (2, -1), intercept 1.
    [1, -0.5, 1].forEach((value, j) => {
      ok(Math.abs(w[j]! - value) < 1e-6, `w[${j}] = ${w[j]}`);
    });
  });

  it('depends on the seed only', () => {
    const options = { ...OPTIONS, epochs: 2 };
    const w = descendStochastically(X, gradient, options);
    deepEqual(w, descendStochastically(X, gradient, options));
    notDeepEqual(w, descendStochastically(X, gradient, { ...options, seed: 2 }));
  });

  it('refuses rates out of range', () => {
    throws(() => descendStochastically(X, gradient, { ...OPTIONS, learningRate: 0 }), /learningR/);
    throws(() => descendStochastically(X, gradient, { ...OPTIONS, momentum: 1 }), /momentum/);
  });
});
