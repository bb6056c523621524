/**
 * Logistic regression: P(y = 1) = sigmoid(X w + b). Minimises
 *
 *   sum_i c_i loss(z_i, y_i) + l2/2 ||w||^2
 *
 * with c_i the weight of row i's class, w the weights of standardised features, b free. `logloss` and
 * `exact` give scikit-learn's `make_pipeline(StandardScaler(), LogisticRegression(C=1/l2))`.
 * `mse` is (s - y)^2 / 2, which is not convex: `auto` and `sgd` only.
 */

import { factorSemidefinite, solveFactored } from '../data/cholesky.ts';
import { gram, type Matrix, multiply, multiplyTransposed } from '../data/matrix.ts';
import { DEFAULT_ITERATIONS } from './acceleration.ts';
import {
  brierGradientSeries,
  evaluateSeries,
  type FourierSize,
  sigmoidSeries,
} from './fourier-link.ts';
import { brierLossGradient, CURVATURE, logLoss, logLossGradient, sigmoid } from './link.ts';
import {
  assertLabels,
  type FitOptions,
  fitAccelerated,
  fitStochastic,
  type LinearModel,
  predictLinear,
  unwhitenModel,
  whitenBlocks,
} from './model.ts';
import type { RowGradient } from './whitened-descent.ts';

/** Weight of each class's rows; `balanced` = n / (2 n_k). */
export type ClassWeight = 'none' | 'balanced' | { readonly '0': number; readonly '1': number };

export interface LogisticOptions extends FitOptions {
  /** Default `logloss`. */
  readonly loss?: 'logloss' | 'mse';
  /** Default `none`. */
  readonly classWeight?: ClassWeight;
  /** Replaces the link by its Fourier series, as joint training evaluates it. Not with `exact`. */
  readonly fourier?: FourierSize;
}

/** X: [n, d] raw features; y: [n] of 0 and 1. */
export function fitLogisticRegression(
  X: Matrix,
  y: Float64Array,
  options: LogisticOptions = {},
): LinearModel {
  assertLabels(X, y);
  const { solver = 'exact', loss = 'logloss', fourier, classWeight = 'none' } = options;
  const weights = classWeights(y, classWeight);
  if (solver === 'exact') {
    if (loss === 'mse') throw new RangeError('"loss" expected logloss with solver exact, got mse');
    if (fourier) throw new RangeError('"fourier" expected solver auto or sgd, got exact');
    return newton(X, y, weights, options);
  }
  const slope = linkGradient(loss, fourier);
  const rowGradient: RowGradient = (z, row) => weights[y[row]!]! * slope(z, y[row]!);
  if (solver === 'sgd') return fitStochastic(X, rowGradient, options);
  const curvature = Math.max(...weights) * CURVATURE[loss === 'mse' ? 'brierLoss' : 'logLoss'];
  const { epochs = DEFAULT_ITERATIONS.logistic } = options;
  return fitAccelerated(X, rowGradient, curvature, { ...options, epochs });
}

/** P(y = 1) of every row: [n]. */
export function predictProba(model: LinearModel, X: Matrix): Float64Array {
  return predictLinear(model, X).map(sigmoid);
}

/** 1 where the probability reaches the threshold, else 0: [n]. */
export function predictClasses(model: LinearModel, X: Matrix, threshold = 1 / 2): Float64Array {
  return predictProba(model, X).map((p) => (p >= threshold ? 1 : 0));
}

/** The weights of class 0 and class 1. Throws RangeError unless the labels are 0 and 1. */
export function classWeights(y: Float64Array, classWeight: ClassWeight): [number, number] {
  const positives = y.reduce((sum, label, row) => {
    if (label !== 0 && label !== 1) {
      throw new RangeError(`"y" expected labels 0 or 1, got ${label} in row ${row}`);
    }
    return sum + label;
  }, 0);
  const negatives = y.length - positives;
  if (classWeight === 'none') return [1, 1];
  if (classWeight === 'balanced') {
    if (!positives || !negatives) {
      throw new RangeError('"classWeight" expected rows of both classes for balanced');
    }
    return [y.length / (2 * negatives), y.length / (2 * positives)];
  }
  const weights: [number, number] = [classWeight['0'], classWeight['1']];
  if (!weights.every((weight) => weight >= 0 && weight < Infinity) || !Math.max(...weights)) {
    throw new RangeError(`"classWeight" expected weights >= 0, not both 0, got ${weights.join()}`);
  }
  return weights;
}

function linkGradient(
  loss: 'logloss' | 'mse',
  fourier: FourierSize | undefined,
): (z: number, y: number) => number {
  if (!fourier) return loss === 'mse' ? brierLossGradient : logLossGradient;
  if (loss === 'mse') {
    const series = [brierGradientSeries(fourier, 0), brierGradientSeries(fourier, 1)];
    return (z, y) => evaluateSeries(series[y]!, z);
  }
  const series = sigmoidSeries(fourier);
  return (z, y) => evaluateSeries(series, z) - y;
}

/**
 * With an optimum Newton converges quadratically, in 5 to 20 iterations. Without one (separable classes,
 * no penalty) the decrement falls by a factor e each, and is not below the tolerance after 40.
 */
const NEWTON_LIMIT = 40;
const NEWTON_TOLERANCE = 1e-22; // of the squared decrement: the objective is right to rounding
const QUADRATIC_REGION = 1e-9; // below it full steps are safe, and a line search would see rounding

/** Damped Newton on whitened features: v -= t H^{-1} g, H = U^T diag(c s (1 - s)) U / n + M. */
function newton(
  X: Matrix,
  y: Float64Array,
  weights: readonly [number, number],
  options: FitOptions,
): LinearModel {
  const n = X.rows;
  const blocks = whitenBlocks(X, CURVATURE.logLoss * Math.max(...weights), {
    ...options,
    blockWidths: [X.columns],
  });
  const { U, ridge } = blocks[0]!;
  const c = y.map((label) => weights[label]!);
  const objective = (v: Float64Array, z: Float64Array): number =>
    z.reduce((sum, z_i, i) => sum + c[i]! * logLoss(z_i, y[i]!), 0) / n +
    dot(v, multiply(ridge, v)) / 2;

  let v: Float64Array = new Float64Array(U.columns);
  let z: Float64Array = new Float64Array(n);
  let value = objective(v, z);
  for (let iteration = 0; iteration < NEWTON_LIMIT; iteration++) {
    const e = z.map((z_i, i) => c[i]! * logLossGradient(z_i, y[i]!));
    const penalty = multiply(ridge, v);
    const g = multiplyTransposed(U, e).map((sum, j) => sum / n + penalty[j]!);
    const curvatures = z.map((z_i, i) => (c[i]! * sigmoid(z_i) * sigmoid(-z_i)) / n);
    const H = gram(U, curvatures);
    ridge.values.forEach((entry, at) => {
      H.values[at]! += entry;
    });
    const direction = solveFactored(factorSemidefinite(H, 1e-13).L, g);
    const decrement = dot(g, direction);
    if (!(decrement > NEWTON_TOLERANCE * Math.max(1, value))) return unwhitenModel(blocks, [v]);
    for (let t = 1; ; t /= 2) {
      const trial = v.map((v_j, j) => v_j - t * direction[j]!);
      const trialZ = multiply(U, trial);
      const trialValue = objective(trial, trialZ);
      if (trialValue <= value - (t * decrement) / 4 || decrement < QUADRATIC_REGION || t < 1e-9) {
        [v, z, value] = [trial, trialZ, trialValue];
        break;
      }
    }
  }
  throw new RangeError('"l2" expected > 0: without it these classes have no finite optimum');
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
