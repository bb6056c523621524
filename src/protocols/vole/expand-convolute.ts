/**
 * The dual of an expand-convolute code, [RRT23] "Expand-Convolute Codes for Pseudorandom Correlation
 * Generators from LPN". Raghuraman, Rindal, Tanguy. https://eprint.iacr.org/2023/882: a public binary matrix
 * G, k x n, that maps sparse noise to elements that look random. Local steps, no messages.
 *
 * G x = x_0 .. x_k-1 + E W' W x_k .. x_n-1: the last n - k elements are accumulated twice, W and W', by 24
 * random taps and a fixed one 25 rows back, around the end; row i of the result adds 7 of them, one of each
 * quarter and 3 of all, to x_i. W, W' and E come from streams of one seed under labels of their own.
 *
 * Twice, because the rows that E takes may lie in a small region: what the first pass carries around the end
 * the second one spreads over everything. Any linear G keeps C = B + Delta A, so a weak code shows in no
 * result: its taps, indices and image are pinned by tests.
 */
import { setImmediate } from 'node:timers/promises';
import {
  BLOCK_BYTES,
  type ExpandConvoluteKernel,
  INDEX_BYTES,
  REACH,
  TAP_BYTES,
} from '../../kernels/expand-convolute-kernel.ts';
import { Prg } from '../primitives/prg.ts';

/** Rows whose taps are drawn at a time: 192 KiB. A multiple of 4. */
const TAP_ROWS = 1 << 16;
/** Rows of the result that are made at a time: 224 KiB of indices. */
export const EXPAND_ROWS: number = 1 << 13;
const PASSES = ['accumulate 0', 'accumulate 1'];

/**
 * The first `count` elements of G x, in an array of their own. x: n blocks of the kernel, which are changed.
 * Between two pieces of the work others run.
 */
export async function encode(
  kernel: ExpandConvoluteKernel,
  seed: Uint8Array,
  x: Uint8Array,
  k: number,
  count: number,
): Promise<Uint8Array> {
  const folded = x.subarray(k * BLOCK_BYTES);
  accumulateTwice(kernel, seed, folded);
  for (const { from, rows, indices } of expandRows(seed, count)) {
    await setImmediate();
    kernel.expand(folded, indices, x.subarray(from * BLOCK_BYTES, (from + rows) * BLOCK_BYTES));
  }
  return x.slice(0, count * BLOCK_BYTES);
}

/** W' W x in place. x: blocks of the kernel, a multiple of 4 of them. */
export function accumulateTwice(
  kernel: ExpandConvoluteKernel,
  seed: Uint8Array,
  x: Uint8Array,
): void {
  const rows = x.length / BLOCK_BYTES;
  for (const pass of PASSES) {
    const stream = new Prg(seed, pass);
    let firstTaps: Uint8Array | undefined;
    for (let first = 0; first < rows; first += TAP_ROWS) {
      const taps = stream.next(TAP_BYTES * Math.min(TAP_ROWS, rows - first));
      firstTaps ??= taps.subarray(0, TAP_BYTES * REACH);
      kernel.accumulate(x, first, taps);
    }
    if (firstTaps) kernel.accumulateAround(x, firstTaps);
  }
}

/** Rows from .. from + rows - 1 of E, as the kernel's `expand` takes them. */
export interface ExpandRows {
  readonly from: number;
  readonly rows: number;
  readonly indices: Uint8Array;
}

/** E, all k rows of it in order. */
export function* expandRows(seed: Uint8Array, k: number): Generator<ExpandRows, void> {
  const stream = new Prg(seed, 'expand');
  for (let from = 0; from < k; from += EXPAND_ROWS) {
    const rows = Math.min(EXPAND_ROWS, k - from);
    yield { from, rows, indices: stream.next(INDEX_BYTES * rows) };
  }
}
