/**
 * The hint of an owner of bins: for every bucket r the linear form h_r with <h_r, s> = sum of (a s)_i over the rows i in
 * r, modulo 2^32, for any s. A sum of rotations of the public a; computed once a task, without a message.
 */
import { setImmediate } from 'node:timers/promises';
import { HINT_DEGREE, type HintKernel, MAX_BINS } from '../../kernels/hint-kernel.ts';
import type { RlweKernel } from '../../kernels/rlwe-kernel.ts';
import { type BatchMatrix, encodeBatch } from '../he/batch-matrix.ts';
import { MAX_BUCKETS, MAX_ROWS, PIECE_ROWS } from './parameters.ts';

/** Rows by column in bins. Missing values are a bin like any other. */
export interface BinnedColumns {
  /** n */
  readonly rows: number;
  /** One array a column: [n], the bin of each row. */
  readonly bins: readonly Uint16Array[];
  /** How many bins each column has; some may be empty. */
  readonly counts: readonly number[];
}

/** Where each column's buckets start, and R at the end: [columns + 1]. Throws `RangeError` on a shape that cannot be. */
export function bucketOffsets({ rows, bins, counts }: BinnedColumns): number[] {
  checkRange('rows', rows, MAX_ROWS);
  checkRange('columns', bins.length, MAX_BUCKETS);
  if (counts.length !== bins.length) {
    throw new RangeError(`"counts" expected ${bins.length} columns, got ${counts.length}`);
  }
  const offsets = [0];
  counts.forEach((count, f) => {
    checkRange(`counts[${f}]`, count, MAX_BINS);
    const column = bins[f]!;
    if (column.length !== rows) {
      throw new RangeError(`"bins[${f}]" expected ${rows} rows, got ${column.length}`);
    }
    if (largestOf(column) >= count) {
      throw new RangeError(`"bins[${f}]" expected bins below ${count}`);
    }
    offsets.push(offsets.at(-1)! + count);
  });
  checkRange('buckets', offsets.at(-1)!, MAX_BUCKETS);
  return offsets;
}

function largestOf(bins: Uint16Array): number {
  let largest = 0;
  for (let i = 0; i < bins.length; i++) largest = Math.max(largest, bins[i]!);
  return largest;
}

/** A sum over the first `bins` bins of a column, and over its last one, too, if `andLast`. */
export interface PartialSum {
  readonly column: number;
  readonly bins: number;
  readonly andLast: boolean;
}

/**
 * Rows of `width` words by partial sum, modulo 2^32, from rows by bucket. Throws `RangeError` for a sum that
 * the columns do not have, or that counts its last bin twice.
 */
export function partialSums(
  rows: Uint32Array,
  width: number,
  offsets: readonly number[],
  sums: readonly PartialSum[],
): Uint32Array {
  checkRange('sums', sums.length, MAX_BUCKETS);
  for (const { column, bins, andLast } of sums) {
    const count = (offsets[column + 1] ?? 0) - (offsets[column] ?? 0);
    if (!Number.isInteger(bins) || bins < 0 || bins > count - Number(andLast)) {
      throw new RangeError(`"sums" expected bins of column ${column}, got ${bins}`);
    }
  }
  const out = new Uint32Array(sums.length * width);
  const order = Array.from(sums.keys()).sort(
    (c, d) => sums[c]!.column - sums[d]!.column || sums[c]!.bins - sums[d]!.bins,
  );
  const running = new Uint32Array(width);
  let [at, done] = [-1, 0];
  for (const c of order) {
    const { column, bins, andLast } = sums[c]!;
    if (column !== at) {
      running.fill(0);
      [at, done] = [column, 0];
    }
    for (; done < bins; done++) addRow(running, rows, offsets[column]! + done);
    const sum = out.subarray(c * width, (c + 1) * width);
    sum.set(running);
    if (andLast) addRow(sum, rows, offsets[column + 1]! - 1);
  }
  return out;
}

function addRow(sum: Uint32Array, rows: Uint32Array, row: number): void {
  const from = row * sum.length;
  for (let k = 0; k < sum.length; k++) sum[k]! += rows[from + k]!;
}

/** Throws `RangeError` unless `value` is an integer from 1 to `most`. */
export function checkRange(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(`"${name}" expected 1 to ${most}, got ${value}`);
  }
}

/** h: [R, 2048], words modulo 2^32. a: of the same rows. */
export async function bucketHints(
  kernel: HintKernel,
  a: Uint32Array,
  { rows, bins, counts }: BinnedColumns,
): Promise<Uint32Array> {
  const buckets = counts.reduce((sum, count) => sum + count, 0);
  const hints = new Uint32Array(buckets * HINT_DEGREE);
  let at = 0;
  for (const [f, column] of bins.entries()) {
    const end = at + counts[f]! * HINT_DEGREE;
    for (let from = 0; from < rows; from += PIECE_ROWS) {
      const piece = column.subarray(from, from + PIECE_ROWS);
      kernel.addRotations(hints.subarray(at, end), a.subarray(from, from + PIECE_ROWS), piece);
      await setImmediate();
    }
    at = end;
  }
  return hints;
}

/**
 * The hints, as signed words, as the matrix of the homomorphic product with `batch` secrets at a time. Its noise is
 * bounded for any hints, `hintError`.
 */
export function encodeHints(
  kernel: RlweKernel,
  words: Uint32Array,
  batch: number,
): Promise<BatchMatrix> {
  const hints = new Int32Array(words.buffer, words.byteOffset, words.length);
  const shape = { n: hints.length / HINT_DEGREE, d: HINT_DEGREE };
  return encodeBatch(kernel, hints, shape, batch);
}
