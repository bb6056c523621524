/**
 * Quantile bins of columns. Values are compared as 32-bit floats, as XGBoost compares them: a model that
 * is exported then sends every row the same way.
 */
import type { Matrix } from '../data/matrix.ts';

/** How the values of one column fall into bins. */
export interface ColumnBins {
  /**
   * Strictly ascending 32-bit floats: bin b holds cuts[b - 1] <= x < cuts[b]. There are cuts.length
   * bins; the last cut is above every value that was seen, and larger values fall into the last bin.
   */
  readonly cuts: Float64Array;
}

/** Rows by bin. */
export interface BinnedMatrix {
  readonly rows: number;
  /** One a column. */
  readonly columns: readonly ColumnBins[];
  /** By column, [rows]: the bin, or the number of the column's bins where the value is missing. */
  readonly bins: readonly Uint16Array[];
}

/**
 * The bins of a column: one a distinct value where these are few enough, else about as many rows in
 * each. A column without a value has one bin, which is empty.
 *
 * @param values - NaN where missing.
 */
export function fitColumn(values: Float64Array, numBins: number): ColumnBins {
  const sorted = Float32Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  const bad = sorted.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new RangeError(`"values" expected numbers a 32-bit float holds, got ${sorted[bad]}`);
  }
  if (sorted.length === 0) return { cuts: Float64Array.of(0) };
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  const largest = sorted[sorted.length - 1]!;
  const above = Math.fround(largest + (Math.abs(largest) + 1e-5));
  const inner = distinct.length <= numBins ? distinct.subarray(1) : quantiles(sorted, numBins);
  return { cuts: Float64Array.of(...inner, above) };
}

/** At most numBins - 1 different values above the smallest, at equal distances in rank. */
function quantiles(sorted: Float32Array, numBins: number): Float32Array {
  const cuts = new Float32Array(numBins - 1);
  let last = sorted[0]!;
  let found = 0;
  for (let b = 1; b < numBins; b++) {
    const value = sorted[Math.floor((b * sorted.length) / numBins)]!;
    if (value > last) cuts[found++] = last = value;
  }
  return cuts.subarray(0, found);
}

/** The bin of a value, or the number of bins where it is missing. */
export function binOf({ cuts }: ColumnBins, value: number): number {
  if (Number.isNaN(value)) return cuts.length;
  const x = Math.fround(value);
  let [low, high] = [0, cuts.length - 1]; // cuts[high] > x, or it is the last bin
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x < cuts[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The bins of every row of X, NaN for missing values. */
export function binMatrix(X: Matrix, columns: readonly ColumnBins[]): BinnedMatrix {
  if (columns.length !== X.columns) {
    throw new RangeError(`"columns" expected ${X.columns}, got ${columns.length}`);
  }
  const bins = columns.map((column, j) => {
    const of = new Uint16Array(X.rows);
    for (let i = 0; i < X.rows; i++) of[i] = binOf(column, X.values[i * X.columns + j]!);
    return of;
  });
  return { rows: X.rows, columns, bins };
}

/** The bins of every column of X. */
export function fitBins(X: Matrix, numBins: number): ColumnBins[] {
  return Array.from({ length: X.columns }, (_, j) => fitColumn(columnOf(X, j), numBins));
}

function columnOf(X: Matrix, j: number): Float64Array {
  return Float64Array.from({ length: X.rows }, (_, i) => X.values[i * X.columns + j]!);
}
