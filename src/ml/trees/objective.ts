import { sigmoid } from '../linear/link.ts';
import type { BoostingParameters, Objective } from './parameters.ts';

/** First and second derivatives of the loss at every row's margins: [n] for each class. */
export interface Gradients {
  readonly g: Float64Array;
  readonly h: Float64Array;
}

/** No second derivative is smaller: XGBoost's bound, so that no leaf divides by nothing. */
const SMALLEST_H = 1e-16;

/** The margin that every row starts from. */
export function baseMargin({ objective, baseScore }: BoostingParameters): number {
  return objective === 'binary:logistic' ? Math.log(baseScore / (1 - baseScore)) : baseScore;
}

/**
 * g and h of every row for each class.
 *
 * @param margins - [numClass] arrays of n sums of leaf weights.
 * @param y - [n]: 0 or 1, a class from 0 to numClass - 1, or a number.
 */
export function gradients(
  parameters: BoostingParameters,
  margins: readonly Float64Array[],
  y: Float64Array,
): readonly Gradients[] {
  switch (parameters.objective) {
    case 'reg:squarederror':
      return [{ g: margins[0]!.map((z, i) => z - y[i]!), h: new Float64Array(y.length).fill(1) }];
    case 'binary:logistic':
      return [logisticGradients(margins[0]!, y, parameters.scalePosWeight)];
    case 'multi:softprob':
      return softmaxGradients(margins, y);
  }
}

/** g = w (s - y), h = w s (1 - s), w the weight of the row's class. */
function logisticGradients(
  margins: Float64Array,
  y: Float64Array,
  scalePosWeight: number,
): Gradients {
  const [g, h] = [new Float64Array(y.length), new Float64Array(y.length)];
  for (let i = 0; i < y.length; i++) {
    const weight = y[i] === 1 ? scalePosWeight : 1;
    const s = sigmoid(margins[i]!);
    g[i] = weight * (s - y[i]!);
    h[i] = weight * Math.max(s * sigmoid(-margins[i]!), SMALLEST_H);
  }
  return { g, h };
}

/** g_k = p_k - [y = k], h_k = 2 p_k (1 - p_k): twice the diagonal, a bound of the whole Hessian. */
function softmaxGradients(margins: readonly Float64Array[], y: Float64Array): Gradients[] {
  const p = softmax(margins);
  return p.map((p_k, k) => ({
    g: p_k.map((value, i) => value - (y[i] === k ? 1 : 0)),
    h: p_k.map((value) => Math.max(2 * value * (1 - value), SMALLEST_H)),
  }));
}

/** Predictions from margins: probabilities of class 1, of each class, or values. [numClass] x [n]. */
export function transformMargins(
  objective: Objective,
  margins: readonly Float64Array[],
): readonly Float64Array[] {
  switch (objective) {
    case 'reg:squarederror':
      return margins;
    case 'binary:logistic':
      return margins.map((z) => z.map(sigmoid));
    case 'multi:softprob':
      return softmax(margins);
  }
}

function softmax(margins: readonly Float64Array[]): Float64Array[] {
  const n = margins[0]!.length;
  const p = margins.map(() => new Float64Array(n));
  for (let i = 0; i < n; i++) {
    let largest = -Infinity;
    for (const z of margins) largest = Math.max(largest, z[i]!);
    let sum = 0;
    margins.forEach((z, k) => {
      p[k]![i] = Math.exp(z[i]! - largest);
      sum += p[k]![i]!;
    });
    for (const p_k of p) p_k[i]! /= sum;
  }
  return p;
}

/** Throws `RangeError` unless the labels are what the objective learns. */
export function assertLabels({ objective, numClass }: BoostingParameters, y: Float64Array): void {
  const bad = y.findIndex((label) => {
    if (objective === 'reg:squarederror') return !Number.isFinite(label);
    const classes = objective === 'binary:logistic' ? 2 : numClass;
    return !Number.isInteger(label) || label < 0 || label >= classes;
  });
  if (bad < 0) return;
  const expected =
    objective === 'reg:squarederror'
      ? 'finite labels'
      : `classes from 0 to ${objective === 'binary:logistic' ? 1 : numClass - 1}`;
  throw new RangeError(`"y" expected ${expected}, got something else in row ${bad}`);
}
