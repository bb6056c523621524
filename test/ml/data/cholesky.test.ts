import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import {
  cholesky,
  factorSemidefinite,
  invertLowerTransposed,
  solveFactored,
} from '../../../src/ml/data/cholesky.ts';
import { gram, matrix, multiply, multiplyMatrices } from '../../../src/ml/data/matrix.ts';

const entries = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), {
  minLength: 24,
  maxLength: 24,
});

describe('cholesky', () => {
  it('factors and solves positive definite systems', () => {
    fc.assert(
      fc.property(entries, (values) => {
        const A = gram(matrix(Float64Array.from(values), 6, 4));
        for (let j = 0; j < 4; j++) A.values[j * 5]! += 0.5;
        const L = cholesky(A);
        const x = Float64Array.of(1, -2, 0.5, 3);
        solveFactored(L, multiply(A, x)).forEach((value, j) => {
          ok(Math.abs(value - x[j]!) < 1e-10, `x[${j}] = ${value}`);
        });
        const identity = multiplyMatrices(transpose(L), invertLowerTransposed(L));
        identity.values.forEach((value, at) => {
          ok(Math.abs(value - (at % 5 === 0 ? 1 : 0)) < 1e-10);
        });
      }),
      { seed: 2 },
    );
  });

  it('names the column that fails', () => {
    throws(() => cholesky(matrix(Float64Array.of(1, 2, 2, 4), 2, 2)), /column 1/);
    throws(() => cholesky(matrix(Float64Array.of(0, 0, 0, 1), 2, 2)), /column 0/);
    throws(() => cholesky(matrix(Float64Array.of(NaN), 1, 1)), /column 0/);
    throws(() => cholesky(matrix(new Float64Array(2), 1, 2)), /square/);
  });

  it('sets dependent columns aside and factors the others exactly', () => {
    // Columns: a, 2a, b, a + b, 0.
    const X = matrix(
      Float64Array.from([1, 2, 0, 1, 0, 2, 4, 1, 3, 0, 3, 6, -1, 2, 0, 0, 0, 5, 5, 0]),
      4,
      5,
    );
    const { L, dependent } = factorSemidefinite(gram(X), 1e-8);
    deepEqual([...dependent], [0, 1, 0, 1, 1]);
    const kept = matrix(Float64Array.of(1, 0, 2, 1, 3, -1, 0, 5), 4, 2);
    const reduced = cholesky(gram(kept)).values;
    deepEqual([L.values[0], L.values[10], L.values[12]], [reduced[0], reduced[2], reduced[3]]);
    deepEqual([...L.values.slice(15, 20)], [0, 0, 0, 1, 0]);
  });

  it('handles the empty matrix', () => {
    equal(cholesky(matrix(new Float64Array(), 0, 0)).values.length, 0);
  });
});

function transpose(A: { rows: number; columns: number; values: Float64Array }) {
  return matrix(
    A.values.map((_, at) => A.values[(at % A.rows) * A.columns + Math.floor(at / A.rows)]!),
    A.columns,
    A.rows,
  );
}
