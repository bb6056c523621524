/**
 * From a party's aligned table to what the solvers take: split, coordinates, fixed point, encodings.
 * Everything here is local to one party.
 */

import { encodeMatrix } from '../../../protocols/he/encoded-matrix.ts';
import { type Matrix, matrix, takeRows, zeros } from '../../data/matrix.ts';
import { permutation, seededGenerator } from '../../data/random.ts';
import { holdoutSplit, type Split } from '../../data/split.ts';
import { applyScaler, fitScaler } from '../../data/standardise.ts';
import {
  applyWhitening,
  fitWhitening,
  type RowTransformation,
  type Whitening,
} from '../../data/whiten.ts';
import type { TrainingContext } from './context.ts';
import { FEATURE_BITS, MAX_ROWS, RIDGE_BITS, toFixedInt32 } from './fixed-point.ts';
import type { LinearParameters } from './parameters.ts';
import type { ClearMatrix, MatrixShape } from './products.ts';
import type { Batch } from './solver.ts';

/**
 * A column of a table; with a level, the indicator of one value of a categorical column. Which value
 * that is only the owner knows.
 */
export interface ColumnName {
  readonly column: string;
  readonly level?: number;
}

/** A party's aligned rows: row i is the same record at every party. */
export interface PartyTable {
  /** [n, d], categorical columns expanded. */
  readonly features: Matrix;
  /** What the d columns are. */
  readonly columns: readonly ColumnName[];
  /** Label holder only: [n]; 0 or 1 for logistic regression. */
  readonly labels?: Float64Array;
}

/** The rows that train and those that are scored: the same when nothing is held out. */
export function splitRows(n: number, parameters: LinearParameters): Split {
  if (n > MAX_ROWS) throw new RangeError(`"n" expected at most ${MAX_ROWS} rows, got ${n}`);
  if (parameters.use_validation_set) {
    return holdoutSplit(n, parameters.validation_set_rate, parameters.seed);
  }
  const all = Uint32Array.from({ length: n }, (_, i) => i);
  return { train: all, validation: all };
}

/** How the target is scaled: trained on (y - centre) / 2^exponent. Identity for logistic regression. */
export interface TargetScale {
  readonly centre: number;
  readonly exponent: number;
}

/**
 * Centre and power of two next to the standard deviation of the training rows' target. Without an intercept
 * nothing takes up the centre: then it is 0, and the power is next to the root mean square.
 */
export function targetScale(y: Float64Array, intercept: boolean): TargetScale {
  const { mean, scale } = fitScaler(matrix(y, y.length, 1));
  return intercept
    ? { centre: mean[0]!, exponent: exponentOf(scale[0]!) }
    : { centre: 0, exponent: exponentOf(Math.hypot(mean[0]!, scale[0]!)) };
}

/** The exponent k with 2^(k-1) < s <= 2^k. */
export function exponentOf(s: number): number {
  return Math.ceil(Math.log2(s));
}

/** The coordinates a solver works in, measured on the training rows. */
export function coordinates(
  train: Matrix,
  parameters: LinearParameters,
  curvature: number,
  intercept: boolean,
): Whitening {
  if (parameters.solver === 'auto') {
    return fitWhitening(train, { curvature, l2: parameters.l2, intercept });
  }
  // sgd: standardised only, W = 1; the ridge is public and applied by the solver
  const scaler = fitScaler(train);
  const d = train.columns;
  const D = intercept ? d + 1 : d;
  const L = identity(d);
  const W = identity(d);
  for (let j = 0; j < d; j++) if (scaler.constant[j]) W.values[j * d + j] = 0;
  const ridge = zeros(D, D);
  return { scaler, L, W, ridge, dependent: scaler.constant, interceptValue: intercept ? 1 : 0 };
}

function identity(d: number): Matrix {
  const I = zeros(d, d);
  for (let j = 0; j < d; j++) I.values[j * d + j] = 1;
  return I;
}

/**
 * The larger of two explicit class weights. Rows are weighted relative to it, so penalty and learning rate are
 * taken relative to it as well. That of `balanced` would tell the label holder's counts: there it is 1.
 */
export function largestClassWeight(classWeight: LinearParameters['class_weight']): number {
  return typeof classWeight === 'string' ? 1 : Math.max(classWeight['0'], classWeight['1']);
}

/** Weights of the rows, at most 1: the larger class weight is 1, the other in proportion. */
export function rowWeights(
  labels: Float64Array,
  classWeight: LinearParameters['class_weight'],
): Float64Array | undefined {
  if (classWeight === 'none') return undefined;
  let [zero, one] = [0, 0];
  if (classWeight === 'balanced') {
    one = labels.reduce((count, y) => count + y, 0);
    zero = labels.length - one;
    [zero, one] = [1 / Math.max(1, zero), 1 / Math.max(1, one)];
  } else {
    [zero, one] = [classWeight['0'], classWeight['1']];
  }
  const largest = Math.max(zero, one);
  return labels.map((y) => (y === 1 ? one : zero) / largest);
}

/** A clear matrix in fixed point and encoded for the encrypted products. */
export function clearMatrix(
  context: TrainingContext,
  entries: Int32Array,
  rows: number,
): ClearMatrix {
  const columns = rows === 0 ? 0 : entries.length / rows;
  return { entries, rows, columns, encoded: encodeMatrix(context.he, entries, rows, columns) };
}

/** Rows that are transformed at a time: the reals of a large table are never all there twice. */
const ROWS_AT_ONCE = 1 << 14;

/**
 * Largest absolute value of a row's entry; larger ones, never of training rows, are clipped to it. Of a row to
 * be scored it bounds the norm: then |X_p w_p| < 2^22 while |w_p| < 2^9, and what is truncated is below 2^62.
 */
const LARGEST_ENTRY = 2 ** 13;

/** A row that lies outside what fixed point holds. */
export class RowOutOfRangeError extends RangeError {
  readonly row: number;
  /** The column that is farthest out. */
  readonly column: number;

  constructor(row: number, column: number) {
    super(`row ${row} lies outside the fixed-point range, in column ${column}`);
    this.name = 'RowOutOfRangeError';
    this.row = row;
    this.column = column;
  }
}

/** Rows in the solver's coordinates, [rows, D], in fixed point. */
export function designRows(whitening: RowTransformation, X: Matrix): Int32Array {
  return transformRows(whitening, X, ({ values: U }) => {
    for (let i = 0; i < U.length; i++) {
      U[i] = Math.max(-LARGEST_ENTRY, Math.min(LARGEST_ENTRY, U[i]!));
    }
  });
}

/**
 * Rows that were not there when the model was trained, in its coordinates, [rows, D], in fixed point. Throws
 * `RowOutOfRangeError` where that cannot be.
 */
export function scoringRows(transformation: RowTransformation, X: Matrix): Int32Array {
  return transformRows(transformation, X, (U, from) => {
    for (let i = 0; i < U.rows; i++) {
      const row = U.values.subarray(i * U.columns, (i + 1) * U.columns);
      let square = 0;
      for (const u of row) square += u * u;
      if (square <= LARGEST_ENTRY ** 2) continue;
      throw new RowOutOfRangeError(from + i, farthestColumn(transformation, X, from + i, row));
    }
  });
}

/** The raw column that adds most to the largest entry of row `i`, which is `u` in the coordinates. */
function farthestColumn(
  { scaler, W }: RowTransformation,
  X: Matrix,
  i: number,
  u: Float64Array,
): number {
  const d = X.columns;
  const x = applyScaler(scaler, takeRows(X, Uint32Array.of(i))).values;
  let largest = 0;
  for (let j = 1; j < d; j++) if (Math.abs(u[j]!) > Math.abs(u[largest]!)) largest = j;
  const part = x.map((value, k) => Math.abs(value * W.values[k * d + largest]!));
  return part.indexOf(Math.max(...part));
}

/** `adjust` sees, and may change, some transformed rows at a time, the first of them row `from`. */
function transformRows(
  transformation: RowTransformation,
  X: Matrix,
  adjust: (U: Matrix, from: number) => void,
): Int32Array {
  const d = X.columns;
  const D = d + (transformation.interceptValue === 0 ? 0 : 1);
  const entries = new Int32Array(X.rows * D);
  for (let from = 0; from < X.rows; from += ROWS_AT_ONCE) {
    const to = Math.min(X.rows, from + ROWS_AT_ONCE);
    const some = matrix(X.values.subarray(from * d, to * d), to - from, d);
    const U = applyWhitening(transformation, some);
    adjust(U, from);
    entries.set(toFixedInt32(U.values, FEATURE_BITS), from * D);
  }
  return entries;
}

/** The single batch of `auto`: all training rows, then the ridge matrix. */
export function fullBatch(
  context: TrainingContext,
  whitening: Whitening,
  train: Matrix,
  peerColumns: number,
): Batch {
  const n = train.rows;
  const data = designRows(whitening, train);
  const ridge = toFixedInt32(whitening.ridge.values, RIDGE_BITS);
  const stacked = new Int32Array(data.length + ridge.length);
  stacked.set(data);
  stacked.set(ridge, data.length);
  const rows = n + whitening.ridge.rows;
  return {
    matrix: clearMatrix(context, stacked, rows),
    peer: { rows: n + peerColumns, columns: peerColumns },
    rows: n,
  };
}

/** The batches of `sgd`: one public partition for all epochs, so that rows are encoded once. */
export function miniBatches(
  context: TrainingContext,
  whitening: Whitening,
  train: Matrix,
  peerColumns: number,
  batchSize: number,
  seed: number,
): { readonly batch: Batch; readonly rows: Uint32Array }[] {
  const order = permutation(train.rows, seededGenerator(seed));
  const batches = [];
  for (let from = 0; from < order.length; from += batchSize) {
    const rows = order.slice(from, from + batchSize);
    const peer: MatrixShape = { rows: rows.length, columns: peerColumns };
    const entries = designRows(whitening, takeRows(train, rows));
    const batch = { matrix: clearMatrix(context, entries, rows.length), peer, rows: rows.length };
    batches.push({ batch, rows });
  }
  return batches;
}
