/**
 * Whitening: a change of coordinates in which one column block's share of the objective is perfectly
 * conditioned, so that first-order iterations need no tuning and converge in tens of steps.
 *
 * For an objective (1/n) sum_i loss(z_i) + (l2 / 2n) ||w||^2 with z = X w, X standardised and
 * loss'' <= curvature, factor the Hessian bound
 *
 *   curvature * X^T X / n + (l2/n) I = L L^T   and let   W = L^{-T},  U = X W,  w = W v.
 *
 * Then z = U v, the penalty is v^T M v / 2 with M = (l2/n) W^T W, and curvature * U^T U / n + M = I.
 * A model over m blocks whitened apart has Hessian <= m I (Cauchy-Schwarz), so 1/m is a safe step.
 *
 * The penalty falls on the weights of *standardised* features, as in scikit-learn's
 * `make_pipeline(StandardScaler(), LogisticRegression(C=1/l2))`; the intercept is not penalised.
 *
 * X: [n, d]   U: [n, D], D = d or d + 1 with the intercept, which is the last column
 */

import { factorSemidefinite, invertLowerTransposed } from './cholesky.ts';
import { gram, type Matrix, multiply, multiplyMatrices, zeros } from './matrix.ts';
import { applyScaler, fitScaler, type Scaler } from './standardise.ts';

/**
 * A column whose pivot is below this share of its diagonal is set aside (weight exactly 0). Large
 * against double rounding; and it bounds W by 1e4 / sqrt(curvature), the factor by which fixed-point
 * noise in v can grow in w.
 */
const DEPENDENCE_TOLERANCE = 1e-8; // own choice

export interface WhitenOptions {
  /** Bound on the second derivative of one row's loss in z: 1/4 for log loss, 1 for squared error. */
  readonly curvature: number;
  /** Ridge penalty l2/2 ||w||^2, on the scale of the sum (not the mean) of row losses. */
  readonly l2: number;
  /** Whether this block carries the intercept: one of a model's blocks does, the label holder's. */
  readonly intercept: boolean;
}

export interface Whitening {
  readonly scaler: Scaler;
  /** [d, d] lower triangular factor; the identity's row and column where `dependent`. */
  readonly L: Matrix;
  /** W = L^{-T}: [d, d] upper triangular; row and column zero where `dependent`. */
  readonly W: Matrix;
  /** M: [D, D]; zero in the intercept's row and column. */
  readonly ridge: Matrix;
  /** 1 for a column that is constant or depends on those before it: U's column and w are zero. */
  readonly dependent: Uint8Array;
  /** The intercept's entry in every row of U, 1 / sqrt(curvature); 0 when there is none. */
  readonly interceptValue: number;
}

/** What of a whitening turns rows into the block's coordinates. */
export type RowTransformation = Pick<Whitening, 'scaler' | 'W' | 'interceptValue'>;

/** Measures the whitening on the training rows `X` (raw features). Works for d = 0 and any rank. */
export function fitWhitening(X: Matrix, options: WhitenOptions): Whitening {
  const { curvature, l2, intercept } = options;
  if (!(curvature > 0 && curvature < Infinity)) {
    throw new RangeError(`"curvature" expected > 0, got ${curvature}`);
  }
  if (!(l2 >= 0 && l2 < Infinity)) throw new RangeError(`"l2" expected >= 0, got ${l2}`);
  const d = X.columns;
  const scaler = fitScaler(X);
  const H = gram(applyScaler(scaler, X));
  for (let at = 0; at < d * d; at++) {
    const diagonal = at % (d + 1) === 0;
    H.values[at] = (curvature * H.values[at]! + (diagonal ? l2 : 0)) / X.rows;
  }
  const { L, dependent } = factorSemidefinite(H, DEPENDENCE_TOLERANCE);
  // With a penalty a constant column would pass as a pivot of l2/n; its optimal weight is zero.
  for (let j = 0; j < d; j++) if (scaler.constant[j]) dependent[j] = 1;
  const W = invertLowerTransposed(L);
  for (let i = 0; i < d; i++) {
    for (let j = i; j < d; j++) if (dependent[i] || dependent[j]) W.values[i * d + j] = 0;
  }
  const D = intercept ? d + 1 : d;
  const ridge = zeros(D, D);
  const WtW = gram(W);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      ridge.values[i * D + j] = (l2 / X.rows) * WtW.values[i * d + j]!;
    }
  }
  const interceptValue = intercept ? 1 / Math.sqrt(curvature) : 0;
  return { scaler, L, W, ridge, dependent, interceptValue };
}

/** U: [n, D] for any rows with the block's columns, training rows or not. */
export function applyWhitening(whitening: RowTransformation, X: Matrix): Matrix {
  const { scaler, W, interceptValue } = whitening;
  const U = multiplyMatrices(applyScaler(scaler, X), W);
  if (interceptValue === 0) return U;
  const result = zeros(U.rows, U.columns + 1);
  for (let i = 0; i < U.rows; i++) {
    const row = i * (U.columns + 1);
    result.values.set(U.values.subarray(i * U.columns, (i + 1) * U.columns), row);
    result.values[row + U.columns] = interceptValue;
  }
  return result;
}

/**
 * The map from whitened weights to the model on standardised features: [d + 1, D]. Its product with v
 * is w followed by this block's part of the intercept.
 */
export function standardisedMap(whitening: Whitening): Matrix {
  const d = whitening.W.rows;
  const D = whitening.ridge.rows;
  const map = zeros(d + 1, D);
  for (let i = 0; i < d; i++) {
    map.values.set(whitening.W.values.subarray(i * d, (i + 1) * d), i * D);
  }
  if (D > d) map.values[d * D + d] = whitening.interceptValue;
  return map;
}

/**
 * The map from whitened weights to the model on raw features: [d + 1, D]. Weights are divided by the
 * scales; the last row is the block's part of the intercept, which takes up the means. The parts of
 * all blocks add up.
 */
export function rawMap(whitening: Whitening): Matrix {
  const { mean, scale } = whitening.scaler;
  const map = standardisedMap(whitening);
  const { rows, columns: D, values } = map;
  for (let i = 0; i < rows - 1; i++) {
    for (let j = 0; j < D; j++) {
      values[i * D + j]! /= scale[i]!;
      values[(rows - 1) * D + j]! -= mean[i]! * values[i * D + j]!;
    }
  }
  return map;
}

/** Weights of one block and its part of the intercept. */
export interface BlockWeights {
  readonly weights: Float64Array;
  readonly intercept: number;
}

/** w = W v: the weights of standardised features. */
export function toStandardisedWeights(whitening: Whitening, v: Float64Array): BlockWeights {
  return split(multiply(standardisedMap(whitening), v));
}

/** The weights of raw features. */
export function toRawWeights(whitening: Whitening, v: Float64Array): BlockWeights {
  return split(multiply(rawMap(whitening), v));
}

function split(product: Float64Array): BlockWeights {
  const d = product.length - 1;
  return { weights: product.slice(0, d), intercept: product[d]! };
}
