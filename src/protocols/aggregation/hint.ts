/**
 * The hint of an owner of bins: for every bucket r the linear form h_r with <h_r, s> = sum of (a s)_i over the rows i in
 * r, modulo 2^32, for any s. A sum of rotations of the public a; computed once a task, without a message.
 */
import { setImmediate } from 'node:timers/promises';
import { HINT_DEGREE, type HintKernel, MAX_BINS } from '../../kernels/hint-kernel.ts';
import type { Polynomial, RlweKernel } from '../../kernels/rlwe-kernel.ts';
import { type EncodedMatrix, encodeBlock, matrixOfBlocks } from '../he/encoded-matrix.ts';
import { matrixLayout } from '../he/matrix-layout.ts';
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
    if (column.some((bin) => bin >= count)) {
      throw new RangeError(`"bins[${f}]" expected bins below ${count}`);
    }
    offsets.push(offsets.at(-1)! + count);
  });
  checkRange('buckets', offsets.at(-1)!, MAX_BUCKETS);
  return offsets;
}

/** Throws `RangeError` unless `value` is an integer from 1 to `most`. */
export function checkRange(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(`"${name}" expected 1 to ${most}, got ${value}`);
  }
}

/** h: [R, 2048], words modulo 2^32 as signed integers. a: of the same rows. */
export async function bucketHints(
  kernel: HintKernel,
  a: Uint32Array,
  { rows, bins, counts }: BinnedColumns,
): Promise<Int32Array> {
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
  return new Int32Array(hints.buffer);
}

/** The hints as the matrix of the homomorphic product. Its noise is bounded for any hints, `hintError`. */
export async function encodeHints(kernel: RlweKernel, hints: Int32Array): Promise<EncodedMatrix> {
  const layout = matrixLayout(hints.length / HINT_DEGREE, HINT_DEGREE);
  const blocks: Polynomial[] = [];
  for (let i = 0; i < layout.rowBlocks; i++) {
    for (let j = 0; j < layout.columnBlocks; j++) {
      blocks.push(encodeBlock(kernel, hints, layout, i, j));
    }
    await setImmediate();
  }
  return matrixOfBlocks(kernel, layout, blocks);
}
