/**
 * Scores of predicted values against labels. Arrays are parallel; a metric that the rows do not
 * define is null, never NaN. Values agree with scikit-learn's.
 */

import { meanOver } from './rows.ts';

/** Mean squared error. */
export function mse(y: Float64Array, predicted: Float64Array): number {
  return meanOver(y, predicted, (label, guess) => (label - guess) ** 2);
}

/** Root of the mean squared error. */
export function rmse(y: Float64Array, predicted: Float64Array): number {
  return Math.sqrt(mse(y, predicted));
}

/** Mean absolute error. */
export function mae(y: Float64Array, predicted: Float64Array): number {
  return meanOver(y, predicted, (label, guess) => Math.abs(label - guess));
}

/** 1 - (squared error) / (squared error of the mean); null when all labels are equal. */
export function r2(y: Float64Array, predicted: Float64Array): number | null {
  const error = mse(y, predicted);
  if (y.every((label) => label === y[0])) return null;
  const mean = meanOver(y, y, (label) => label);
  return 1 - error / meanOver(y, y, (label) => (label - mean) ** 2);
}
