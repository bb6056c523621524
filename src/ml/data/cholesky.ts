import { type Matrix, zeros } from './matrix.ts';

/** A = L L^T on the independent columns; see {@link factorSemidefinite}. */
export interface CholeskyFactor {
  /** [d, d] lower triangular; row and column of a dependent index are those of the identity. */
  readonly L: Matrix;
  /** 1 where a column is a combination of those before it. */
  readonly dependent: Uint8Array;
}

/**
 * Cholesky factor of a symmetric positive *semi*definite A: column j is set aside, as R's `lm` aliases
 * a predictor, when its pivot (what the columns before it leave unexplained) is at most
 * `tolerance * A[j][j]`, or A[j][j] is zero. No jitter is added: the other columns' factor is exact.
 */
export function factorSemidefinite(A: Matrix, tolerance: number): CholeskyFactor {
  const d = A.rows;
  if (A.columns !== d) throw new RangeError(`"A" expected square, got ${d} x ${A.columns}`);
  const L = zeros(d, d);
  const l = L.values;
  const dependent = new Uint8Array(d);
  for (let j = 0; j < d; j++) {
    for (let k = 0; k < j; k++) {
      if (dependent[k]) continue;
      let sum = A.values[j * d + k]!;
      for (let i = 0; i < k; i++) sum -= l[j * d + i]! * l[k * d + i]!;
      l[j * d + k] = sum / l[k * d + k]!;
    }
    let pivot = A.values[j * d + j]!;
    for (let k = 0; k < j; k++) pivot -= l[j * d + k]! ** 2;
    if (pivot > 0 && pivot > tolerance * A.values[j * d + j]!) {
      l[j * d + j] = Math.sqrt(pivot);
    } else {
      dependent[j] = 1;
      l.fill(0, j * d, j * d + j);
      l[j * d + j] = 1;
    }
  }
  return { L, dependent };
}

/** Cholesky factor L of a positive definite A = L L^T. Throws RangeError naming the failing column. */
export function cholesky(A: Matrix): Matrix {
  const { L, dependent } = factorSemidefinite(A, 0);
  const bad = dependent.indexOf(1);
  if (bad >= 0) {
    throw new RangeError(
      `"A" expected positive definite, got a pivot <= 0 at column ${bad}: it depends on those before`,
    );
  }
  return L;
}

/** x with L x = b. */
export function solveLower(L: Matrix, b: Float64Array): Float64Array {
  const d = lengthChecked(L, b);
  const x = b.slice();
  for (let i = 0; i < d; i++) {
    for (let k = 0; k < i; k++) x[i]! -= L.values[i * d + k]! * x[k]!;
    x[i]! /= L.values[i * d + i]!;
  }
  return x;
}

/** x with L^T x = b. */
export function solveLowerTransposed(L: Matrix, b: Float64Array): Float64Array {
  const d = lengthChecked(L, b);
  const x = b.slice();
  for (let i = d - 1; i >= 0; i--) {
    for (let k = i + 1; k < d; k++) x[i]! -= L.values[k * d + i]! * x[k]!;
    x[i]! /= L.values[i * d + i]!;
  }
  return x;
}

/** x with A x = b, given A's factor L. */
export function solveFactored(L: Matrix, b: Float64Array): Float64Array {
  return solveLowerTransposed(L, solveLower(L, b));
}

/** L^{-T}: [d, d] upper triangular. */
export function invertLowerTransposed(L: Matrix): Matrix {
  const d = L.rows;
  const result = zeros(d, d);
  const unit = new Float64Array(d);
  for (let j = 0; j < d; j++) {
    unit[j] = 1;
    solveLowerTransposed(L, unit).forEach((value, i) => {
      result.values[i * d + j] = value;
    });
    unit[j] = 0;
  }
  return result;
}

function lengthChecked(L: Matrix, b: Float64Array): number {
  if (L.rows !== L.columns || b.length !== L.rows) {
    throw new RangeError(
      `"b" expected ${L.rows} entries for L of ${L.rows} x ${L.columns}, got ${b.length}`,
    );
  }
  return L.rows;
}
