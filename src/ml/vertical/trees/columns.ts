/** One party's columns as both training and prediction see them: a bin for every row. */

import { rowNumbers } from '../../../protocols/primitives/rows.ts';
import { type Matrix, matrix, takeRows } from '../../data/matrix.ts';
import { type BinnedMatrix, binMatrix, type ColumnBins, fitBins } from '../../trees/bins.ts';
import type { SplitRule } from './joint-tree.ts';

/**
 * Rows by bin. A row whose value is missing has the number of the column's bins; one that is not below the last cut,
 * which rows that did not train may be, has one more: no split sends it to the left.
 */
export type PlacedColumns = BinnedMatrix;

/**
 * The rows that train, then the others. Bins are those of the training rows.
 *
 * @param fileRows - where each row stands in its owner's table. Rows come in an order that nobody chooses and that
 *   differs from run to run; bins are found in that of the table, so that they do not. Default: they are in it.
 */
export function placeColumns(
  X: Matrix,
  { train, others }: { readonly train: Uint32Array; readonly others: Uint32Array },
  numBins: number,
  fileRows?: Uint32Array,
): PlacedColumns {
  const ordered = inOrder(X, train, others);
  const d = X.columns;
  const trained = matrix(ordered.values.subarray(0, train.length * d), train.length, d);
  const columns = fitBins(trained, numBins, fileRows && placesInFile(train, fileRows));
  const placed = binMatrix(ordered, columns);
  placed.bins.forEach((bins, j) => {
    const { cuts } = columns[j]!;
    const above = cuts[cuts.length - 1]!;
    for (let i = train.length; i < bins.length; i++) {
      if (Math.fround(ordered.values[i * d + j]!) >= above) bins[i] = cuts.length + 1;
    }
  });
  return placed;
}

/** The places of training rows, in the order of the table. */
function placesInFile(train: Uint32Array, fileRows: Uint32Array): Uint32Array {
  const at = Uint32Array.from(train, (row) => fileRows[row]!);
  return rowNumbers(train.length).sort((a, b) => at[a]! - at[b]!);
}

/** The rows in that order; X itself where they are in it. */
function inOrder(X: Matrix, train: Uint32Array, others: Uint32Array): Matrix {
  if (train.length === X.rows && train.every((row, i) => row === i)) return X;
  const order = new Uint32Array(train.length + others.length);
  order.set(train);
  order.set(others, train.length);
  return takeRows(X, order);
}

/** A split in bins. */
export interface BinSplit {
  readonly feature: number;
  /** Rows of this bin and those below go to the left. */
  readonly bin: number;
  readonly defaultLeft: boolean;
}

/** Packed bits of rows from .. from + n - 1: 1 for those that a split sends to the left. */
export function binBits(
  { columns, bins }: PlacedColumns,
  { feature, bin, defaultLeft }: BinSplit,
  from: number,
  n: number,
): Uint8Array {
  const missing = columns[feature]!.cuts.length;
  const rows = bins[feature]!;
  const bits = new Uint8Array(Math.ceil(n / 8));
  for (let i = 0; i < n; i++) {
    const of = rows[from + i]!;
    const isLeft = of === missing ? Number(defaultLeft) : Number(of <= bin);
    bits[i >> 3]! |= isLeft << (i & 7);
  }
  return bits;
}

/** Packed bits of rows of X, as `binBits`. */
export function valueBits(
  X: Matrix,
  { feature, threshold, defaultLeft }: SplitRule,
  from: number,
  n: number,
): Uint8Array {
  const bits = new Uint8Array(Math.ceil(n / 8));
  for (let i = 0; i < n; i++) {
    const value = X.values[(from + i) * X.columns + feature]!;
    const isLeft = Number.isNaN(value) ? defaultLeft : Math.fround(value) < threshold;
    bits[i >> 3]! |= Number(isLeft) << (i & 7);
  }
  return bits;
}

/** The threshold of a split in bins. */
export function thresholdOf(columns: readonly ColumnBins[], { feature, bin }: BinSplit): number {
  return columns[feature]!.cuts[bin]!;
}
