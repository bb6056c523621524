/**
 * Mini-batch gradient descent with heavy-ball momentum: the solver `sgd`. For a batch B,
 *
 *   g = (1/|B|) sum_{i in B} loss'(z_i) x_i + (l2/n) w      the intercept's column without penalty
 *   u = momentum * u + g,   w = w - learningRate * u
 *
 * so the expected step is the gradient of (1/n) (sum_i loss_i + l2/2 ||w||^2).
 */

import { type Matrix, multiply, multiplyTransposed, takeRows } from '../data/matrix.ts';
import { shuffledBatches } from '../data/split.ts';
import type { RowGradient } from './whitened-descent.ts';

export interface StochasticOptions {
  readonly learningRate: number;
  readonly momentum: number;
  readonly batchSize: number;
  readonly epochs: number;
  /** Ridge penalty l2/2 ||w||^2 on the scale of the sum of row losses. */
  readonly l2: number;
  /** Columns of X, from the first, that the penalty covers. */
  readonly penalised: number;
  /** Public seed of the batches. */
  readonly seed: number;
}

/** Weights of the columns of `X`: [d], from zero. */
export function descendStochastically(
  X: Matrix,
  rowGradient: RowGradient,
  options: StochasticOptions,
): Float64Array {
  const { learningRate, momentum, batchSize, epochs, l2, penalised, seed } = options;
  if (!(learningRate > 0 && learningRate < Infinity)) {
    throw new RangeError(`"learningRate" expected > 0, got ${learningRate}`);
  }
  if (!(momentum >= 0 && momentum < 1)) {
    throw new RangeError(`"momentum" expected 0 <= x < 1, got ${momentum}`);
  }
  const w = new Float64Array(X.columns);
  const u = new Float64Array(X.columns);
  for (const rows of shuffledBatches(X.rows, batchSize, epochs, seed)) {
    const batch = takeRows(X, rows);
    const e = multiply(batch, w).map((z, i) => rowGradient(z, rows[i]!));
    multiplyTransposed(batch, e).forEach((sum, j) => {
      const penalty = j < penalised ? (l2 / X.rows) * w[j]! : 0;
      u[j] = momentum * u[j]! + sum / rows.length + penalty;
    });
    u.forEach((velocity, j) => {
      w[j]! -= learningRate * velocity;
    });
  }
  return w;
}
