/**
 * Vectors of 16-byte blocks, their rows, in memory of the kernel: levels of binary trees, and the two steps
 * of the dual of an expand-convolute code. Addition is XOR. Implementations agree bit for bit.
 *
 * Vectors are views that `allocate` handed out, or parts of them on whole blocks; what else is passed in
 * (`left`, `right`, `taps`, `indices`) may be anywhere.
 */
export interface ExpandConvoluteKernel {
  readonly name: string;
  /** n blocks behind those handed out since the last `clear`. Their contents are whatever was there. */
  allocate(n: number): Uint8Array;
  /** Takes back all that was allocated: a view of it must not be used any more. */
  clear(): void;
  /**
   * Part of a level of trees. tree: 2n blocks, the first n of them parents. The m parents from `at` on
   * become left_i + parent_i, and block n + i becomes right_i + parent_i; both are added to row i mod t of
   * `sums`, 2 x t blocks. left, right: m x 16 bytes; `at` and m are multiples of t.
   */
  branch(tree: Uint8Array, at: number, left: Uint8Array, right: Uint8Array, sums: Uint8Array): void;
  /**
   * Convolution, in order of the rows: row i of x gains row i - 25 and, for every bit j of its TAPS, row
   * i - 24 + j, as they are by then; rows before 0 count as zero. taps: 3 bytes a row from row `first` on,
   * bit j is bit j & 7 of byte j >> 3. Both counts are multiples of 4.
   */
  accumulate(x: Uint8Array, first: number, taps: Uint8Array): void;
  /**
   * What `accumulate` has left out, for it needs the last rows: rows 0 .. 24 of x gain row i - 25 and those
   * of their taps' rows that lie before 0, counted from the end of x. taps: of the first 25 rows.
   */
  accumulateAround(x: Uint8Array, taps: Uint8Array): void;
  /**
   * Expansion: row i of `onto` gains the seven rows of x that row i of `indices` names: seven 32-bit
   * little-endian numbers u, of which the first four stand for row j n/4 + floor(u n/4 / 2^32), j = 0 .. 3,
   * of the n rows of x, and the last three for row floor(u n / 2^32). indices: k x 28 bytes; onto: k
   * blocks; n is a multiple of 4.
   */
  expand(x: Uint8Array, indices: Uint8Array, onto: Uint8Array): void;
}

export const BLOCK_BYTES = 16;
/** Random taps a row, in bits. */
export const TAPS = 24;
export const TAP_BYTES: number = TAPS / 8;
/** The rows before a row that it can gain; the last one it always gains. */
export const REACH: number = TAPS + 1;
/** Rows that an expansion adds, of which as many as there are parts lie in a part of their own. */
export const WEIGHT = 7;
export const REGULAR = 4;
export const INDEX_BYTES: number = 4 * WEIGHT;

/** Throws `RangeError` unless tree, images and sums belong together. Returns t. */
export function checkBranch(
  tree: Uint8Array,
  at: number,
  left: Uint8Array,
  right: Uint8Array,
  sums: Uint8Array,
): number {
  const row = sums.length / 2;
  const t = row / BLOCK_BYTES;
  if (!Number.isInteger(t) || t === 0) throw new RangeError('"sums" expected 2 x t blocks');
  if (tree.length % (2 * row) !== 0) throw new RangeError('"tree" expected 2 n blocks, t of n');
  const inside = at >= 0 && at * BLOCK_BYTES + left.length <= tree.length / 2;
  if (at % t !== 0 || left.length % row !== 0 || left.length !== right.length || !inside) {
    throw new RangeError(`images expected whole rows of the ${t} trees, inside of the parents`);
  }
  return t;
}

/** Throws `RangeError` unless x has rows enough for the taps from `first` on. Returns the rows of taps. */
export function checkTaps(x: Uint8Array, first: number, taps: Uint8Array): number {
  const n = countRows(x);
  const rows = taps.length / TAP_BYTES;
  if (!Number.isInteger(rows) || rows % 4 !== 0 || first % 4 !== 0 || first < 0) {
    throw new RangeError(`"taps" expected 4 m rows from 4 l on, got ${rows} from ${first} on`);
  }
  if (first + rows > n) throw new RangeError(`"taps" expected at most ${n} rows`);
  return rows;
}

/** Throws `RangeError` unless x is longer than twice the reach and the taps are those of the reach. */
export function checkAround(x: Uint8Array, taps: Uint8Array): number {
  const n = countRows(x);
  if (n < 2 * REACH) throw new RangeError(`"x" expected at least ${2 * REACH} rows, got ${n}`);
  if (taps.length !== REACH * TAP_BYTES) {
    throw new RangeError(`"taps" expected ${REACH} rows, got ${taps.length} bytes`);
  }
  return n;
}

/** Throws `RangeError` unless the shapes agree. Returns the rows of x and of the indices. */
export function checkExpand(
  x: Uint8Array,
  indices: Uint8Array,
  onto: Uint8Array,
): { n: number; k: number } {
  const n = countRows(x);
  const k = indices.length / INDEX_BYTES;
  if (n % REGULAR !== 0) throw new RangeError(`"x" expected ${REGULAR} m rows, got ${n}`);
  if (!Number.isInteger(k) || onto.length !== k * BLOCK_BYTES) {
    throw new RangeError('"indices" and "onto" expected as many rows');
  }
  return { n, k };
}

function countRows(x: Uint8Array): number {
  const n = x.length / BLOCK_BYTES;
  if (!Number.isInteger(n)) throw new RangeError(`"x" expected blocks, got ${x.length} bytes`);
  return n;
}
