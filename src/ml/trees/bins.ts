/**
 * Quantile bins of columns. Values are compared as 32-bit floats, as XGBoost compares them: a model that
 * is exported then sends every row the same way.
 */
import type { Matrix } from '../data/matrix.ts';
import { quantileCuts } from './quantile-sketch.ts';

/** How the values of one column fall into bins. */
export interface ColumnBins {
  /**
   * Strictly ascending 32-bit floats: bin b holds cuts[b - 1] <= x < cuts[b]. There are cuts.length
   * bins; the last cut is above every value that was seen. Larger values count as the last bin too, but
   * are not below its cut: rows that were not seen follow a split by its threshold, not by their bin.
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

/** Values up to this size have a 32-bit float above them that a last cut can take. */
export const LARGEST_VALUE = 2 ** 126;

/** Columns that are copied at a time: what one cache line of a row holds. */
const BLOCK_COLUMNS = 8;

/**
 * The bins of a column: one a distinct value where these are few enough, else about as many rows in
 * each, cut where XGBoost cuts. A column without a value has one bin, which is empty.
 *
 * @param values - of the rows in their order, NaN where missing.
 */
export function fitColumn(values: Float64Array, numBins: number): ColumnBins {
  return fitFloats(Float32Array.from(values), numBins, 'values');
}

/**
 * The bins of every column of X.
 *
 * @param order - the rows to look at, in the order to see them: cuts depend on it a little. Default: all.
 */
export function fitBins(X: Matrix, numBins: number, order?: Uint32Array): ColumnBins[] {
  return mapColumns(X, (values, j) => {
    const seen = order ? Float32Array.from(order, (i) => values[i]!) : values;
    return fitFloats(seen, numBins, `column ${j}`);
  });
}

/** The bin of a value, or the number of bins where it is missing. */
export function binOf({ cuts }: ColumnBins, value: number): number {
  return Number.isNaN(value) ? cuts.length : search(cuts, Math.fround(value));
}

/** The bins of every row of X, NaN for missing values. */
export function binMatrix(X: Matrix, columns: readonly ColumnBins[]): BinnedMatrix {
  if (columns.length !== X.columns) {
    throw new RangeError(`"columns" expected ${X.columns}, got ${columns.length}`);
  }
  const bins = mapColumns(X, (values, j) => {
    const { cuts } = columns[j]!;
    const of = new Uint16Array(X.rows);
    for (let i = 0; i < of.length; i++) {
      const value = values[i]!;
      of[i] = Number.isNaN(value) ? cuts.length : search(cuts, value);
    }
    return of;
  });
  return { rows: X.rows, columns, bins };
}

function fitFloats(values: Float32Array, numBins: number, name: string): ColumnBins {
  const present = withoutMissing(values);
  if (present.length === 0) return { cuts: Float64Array.of(0) };
  let [smallest, largest] = [present[0]!, present[0]!];
  for (let i = 1; i < present.length; i++) {
    smallest = Math.min(smallest, present[i]!);
    largest = Math.max(largest, present[i]!);
  }
  if (smallest < -LARGEST_VALUE || largest > LARGEST_VALUE) {
    throw new RangeError(`"${name}" expected numbers up to 2^126 in size, got a larger one`);
  }
  const above = Math.fround(largest + (Math.abs(largest) + 1e-5));
  return { cuts: Float64Array.of(...quantileCuts(present, numBins), above) };
}

/** The values that are there, in their order; not copied where all are. */
function withoutMissing(values: Float32Array): Float32Array {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (!Number.isNaN(values[i]!)) count++;
  if (count === values.length) return values;
  const present = new Float32Array(count);
  for (let i = 0, at = 0; i < values.length; i++) {
    if (!Number.isNaN(values[i]!)) present[at++] = values[i]!;
  }
  return present;
}

/** The first bin whose cut is above x, or the last bin. */
function search(cuts: Float64Array, x: number): number {
  let [low, high] = [0, cuts.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x < cuts[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** `of` every column of X as 32-bit floats. */
function mapColumns<T>(X: Matrix, of: (values: Float32Array, j: number) => T): T[] {
  const found: T[] = [];
  for (let first = 0; first < X.columns; first += BLOCK_COLUMNS) {
    const width = Math.min(BLOCK_COLUMNS, X.columns - first);
    const block = Array.from({ length: width }, () => new Float32Array(X.rows));
    for (let i = 0; i < X.rows; i++) {
      const row = i * X.columns + first;
      for (let j = 0; j < width; j++) block[j]![i] = X.values[row + j]!;
    }
    found.push(...block.map((values, j) => of(values, first + j)));
  }
  return found;
}
