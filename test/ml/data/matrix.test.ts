import { deepEqual, throws } from 'node:assert/strict';
import {
  assertFinite,
  concatColumns,
  gram,
  matrix,
  multiply,
  multiplyMatrices,
  multiplyTransposed,
  takeColumns,
  takeRows,
} from '../../../src/ml/data/matrix.ts';

const A = matrix(Float64Array.of(1, 2, 3, 4, 5, 6), 3, 2);

describe('matrix', () => {
  it('multiplies', () => {
    deepEqual([...multiply(A, Float64Array.of(1, -1))], [-1, -1, -1]);
    deepEqual([...multiplyTransposed(A, Float64Array.of(1, 0, 2))], [11, 14]);
    deepEqual([...gram(A).values], [35, 44, 44, 56]);
    deepEqual([...gram(A, Float64Array.of(0, 1, 0)).values], [9, 12, 12, 16]);
    const B = matrix(Float64Array.of(1, 0, 2, 0, 1, 3), 2, 3);
    deepEqual([...multiplyMatrices(A, B).values], [1, 2, 8, 3, 4, 18, 5, 6, 28]);
  });

  it('takes rows and columns and joins blocks', () => {
    deepEqual([...takeRows(A, Uint32Array.of(2, 0)).values], [5, 6, 1, 2]);
    deepEqual([...takeColumns(A, 1, 2).values], [2, 4, 6]);
    deepEqual([...concatColumns([takeColumns(A, 1, 2), A]).values], [2, 1, 2, 4, 3, 4, 6, 5, 6]);
    deepEqual(concatColumns([takeColumns(A, 0, 0), A]).values, A.values);
  });

  it('handles empty shapes', () => {
    const none = matrix(new Float64Array(), 3, 0);
    deepEqual([...multiply(none, new Float64Array())], [0, 0, 0]);
    deepEqual([...multiplyTransposed(none, new Float64Array(3))], []);
    deepEqual(gram(none).values.length, 0);
  });

  it('refuses shapes that do not fit', () => {
    throws(() => matrix(new Float64Array(5), 2, 3), /2 x 3 = 6 entries, got 5/);
    throws(() => matrix(new Float64Array(), -1, 0), /shape/);
    throws(() => multiply(A, new Float64Array(3)), /2 entries, got 3/);
    throws(() => multiplyTransposed(A, new Float64Array(2)), /3 entries, got 2/);
    throws(() => multiplyMatrices(A, A), /2 rows, got 3/);
    throws(() => gram(A, new Float64Array(1)), /weights/);
    throws(() => takeRows(A, Uint32Array.of(3)), /< 3, got 3/);
    throws(() => takeColumns(A, 1, 3), /within 2/);
    throws(() => concatColumns([A, matrix(new Float64Array(), 2, 0)]), /3 rows each/);
    throws(() => assertFinite(matrix(Float64Array.of(1, Infinity), 2, 1), 'X'), /row 1, column 0/);
  });
});
