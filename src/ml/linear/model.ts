import { type Matrix, matrix, multiply, takeColumns, zeros } from '../data/matrix.ts';
import { applyScaler, fitScaler } from '../data/standardise.ts';
import { applyWhitening, fitWhitening, toRawWeights, type Whitening } from '../data/whiten.ts';
import { descendStochastically, type StochasticOptions } from './stochastic-descent.ts';
import { type RowGradient, type WhitenedBlock, whitenedIterates } from './whitened-descent.ts';

/** A linear predictor of raw features: z = X weights + intercept. */
export interface LinearModel {
  /** [d]. */
  readonly weights: Float64Array;
  readonly intercept: number;
}

/** z of every row: [n]. */
export function predictLinear(model: LinearModel, X: Matrix): Float64Array {
  return multiply(X, model.weights).map((z) => z + model.intercept);
}

/**
 * What both regressions take. The objective is the sum of row losses + l2/2 ||w||^2, w the weights of
 * standardised features (training rows' mean and population deviation), the intercept free.
 */
export interface FitOptions {
  /**
   * `exact` (default): the optimum, to rounding. `auto`: accelerated descent on whitened blocks, as
   * joint training runs it. `sgd`: mini-batches, as the numbers below say.
   */
  readonly solver?: 'exact' | 'auto' | 'sgd';
  /** Default 1. */
  readonly l2?: number;
  /** Default true. Without, z is 0 at the columns' means. */
  readonly useIntercept?: boolean;
  /** Iterations of `auto` (default {@link DEFAULT_ITERATIONS}), passes of `sgd` (default 10). */
  readonly epochs?: number;
  /**
   * `auto` only: widths of consecutive column groups, each whitened on its own as when each belongs
   * to another party. The first carries the intercept. Default: one group.
   */
  readonly blockWidths?: readonly number[];
  /** `sgd` only; defaults 256, 0.1, 0.9, 0. */
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly momentum?: number;
  readonly seed?: number;
}

/** One block of columns in whitened coordinates, with the way back. */
interface FittedBlock extends WhitenedBlock {
  readonly whitening: Whitening;
}

/** The column groups of X, whitened apart; the first carries the intercept if there is one. */
export function whitenBlocks(
  X: Matrix,
  curvature: number,
  options: FitOptions,
): readonly FittedBlock[] {
  const { l2 = 1, useIntercept = true, blockWidths = [X.columns] } = options;
  const total = blockWidths.reduce((sum, width) => sum + width, 0);
  if (blockWidths.length === 0 || total !== X.columns) {
    throw new RangeError(`"blockWidths" expected a sum of ${X.columns}, got ${total}`);
  }
  let from = 0;
  return blockWidths.map((width, p) => {
    const block = takeColumns(X, from, from + width);
    from += width;
    const intercept = useIntercept && p === 0;
    const whitening = fitWhitening(block, { curvature, l2, intercept });
    return { U: applyWhitening(whitening, block), ridge: whitening.ridge, whitening };
  });
}

/** The model of raw features that whitened weights v_1..v_m stand for. */
export function unwhitenModel(
  blocks: readonly FittedBlock[],
  v: readonly Float64Array[],
): LinearModel {
  const parts = blocks.map(({ whitening }, p) => toRawWeights(whitening, v[p]!));
  return {
    weights: Float64Array.from(parts.flatMap(({ weights }) => [...weights])),
    intercept: parts.reduce((sum, { intercept }) => sum + intercept, 0),
  };
}

/** Solver `auto`. `curvature` bounds the slope of `rowGradient`. */
export function fitAccelerated(
  X: Matrix,
  rowGradient: RowGradient,
  curvature: number,
  options: FitOptions & { readonly epochs: number },
): LinearModel {
  assertCount(options.epochs, 'epochs');
  const blocks = whitenBlocks(X, curvature, options);
  const iterates = whitenedIterates(blocks, rowGradient);
  let v = iterates.next().value;
  for (let k = 1; k < options.epochs; k++) v = iterates.next().value;
  return unwhitenModel(blocks, v);
}

/** Solver `sgd`, on standardised features. */
export function fitStochastic(
  X: Matrix,
  rowGradient: RowGradient,
  options: FitOptions,
): LinearModel {
  const { epochs = 10, batchSize = 256, learningRate = 0.1, momentum = 0.9, seed = 0 } = options;
  const { l2 = 1, useIntercept = true } = options;
  assertCount(epochs, 'epochs');
  if (!(l2 >= 0 && l2 < Infinity)) throw new RangeError(`"l2" expected >= 0, got ${l2}`);
  const scaler = fitScaler(X);
  const d = X.columns;
  const Z = applyScaler(scaler, X);
  const settings: StochasticOptions = {
    ...{ learningRate, momentum, batchSize, epochs, l2, seed },
    penalised: d,
  };
  const w = descendStochastically(useIntercept ? appendOnes(Z) : Z, rowGradient, settings);
  const weights = w.slice(0, d).map((value, j) => value / scaler.scale[j]!);
  const shift = weights.reduce((sum, weight, j) => sum + weight * scaler.mean[j]!, 0);
  return { weights, intercept: (useIntercept ? w[d]! : 0) - shift };
}

/** Throws RangeError unless the labels are finite and one a row. */
export function assertLabels(X: Matrix, y: Float64Array): void {
  if (y.length !== X.rows) {
    throw new RangeError(`"y" expected ${X.rows} entries, one a row, got ${y.length}`);
  }
  const bad = y.findIndex((label) => !Number.isFinite(label));
  if (bad >= 0) throw new RangeError(`"y" expected finite labels, got ${y[bad]} in row ${bad}`);
}

function assertCount(value: number, name: string): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`"${name}" expected a positive integer, got ${value}`);
  }
}

function appendOnes(A: Matrix): Matrix {
  const result = zeros(A.rows, A.columns + 1);
  for (let i = 0; i < A.rows; i++) {
    result.values.set(A.values.subarray(i * A.columns, (i + 1) * A.columns), i * result.columns);
    result.values[i * result.columns + A.columns] = 1;
  }
  return matrix(result.values, A.rows, result.columns);
}
