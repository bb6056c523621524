/**
 * Sparse linear systems over GF(2) whose unknowns and right-hand sides are 16-byte blocks.
 *
 * A system ("bin") has `columns` sparse unknowns and `denseBits` dense ones, its *slots*: sparse first,
 * 16 bytes each. A row names three distinct columns and any of the dense unknowns; its equation is
 *   slots[c0] ^ slots[c1] ^ slots[c2] ^ XOR of slots[columns + b] over its dense bits b = value.
 * A row is packed into three 32-bit words, little-endian: c0, c1, c2 of 16 bits, then 48 dense bits.
 */
export interface OkvsKernel {
  readonly name: string;
  /**
   * Rows and bins of n items from two 16-byte hashes each (n x 16): columns from words 0 to 2 of h0 by
   * multiply and shift, dense bits the low bits of h1, the bin from word 3 of h1. Fresh arrays.
   */
  rows(h0: Uint8Array, h1: Uint8Array, shape: BinShape, bins: number): PackedRows;
  /**
   * Solves for the slots that the rows fix. `slots` is both: unknowns that stay free keep what they
   * hold, and after a failure all do. values: n x 16. Returns the number of rows beyond what peeling
   * the sparse part solves (0 to gapLimit), `GAP_TOO_LARGE` or `RANK_DEFICIENT`.
   */
  encodeBin(shape: BinShape, rows: Uint32Array, values: Uint8Array, slots: Uint8Array): number;
  /** The left-hand sides of n rows, any number of them. Returns a fresh n x 16. */
  decodeBin(shape: BinShape, rows: Uint32Array, slots: Uint8Array): Uint8Array;
}

export interface BinShape {
  /** m': 3 to 2^16. */
  readonly columns: number;
  /** D: 0 to 48. */
  readonly denseBits: number;
  /** Most rows that may be left to the dense part, up to D. */
  readonly gapLimit: number;
}

export interface PackedRows {
  /** n x 3 words. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** n numbers below `bins`. */
  readonly bins: Uint16Array<ArrayBuffer>;
}

export const BLOCK_BYTES = 16;
export const ROW_WORDS = 3;
export const MAX_COLUMNS = 1 << 16;
export const MAX_DENSE_BITS = 48;
/** Rows that one system may have: their numbers and counts take 16 bits. */
export const MAX_BIN_ROWS = (1 << 16) - 1;

/** `encodeBin`: more rows than `gapLimit` are left to the dense part. */
export const GAP_TOO_LARGE = -1;
/** `encodeBin`: the rows are linearly dependent. */
export const RANK_DEFICIENT = -2;

/** Slots of a bin. */
export function binSlots(shape: BinShape): number {
  return shape.columns + shape.denseBits;
}

/** Throws `RangeError` unless the shape is one that every implementation handles. */
export function checkShape({ columns, denseBits, gapLimit }: BinShape): void {
  checkRange('columns', columns, 3, MAX_COLUMNS);
  checkRange('denseBits', denseBits, 0, MAX_DENSE_BITS);
  checkRange('gapLimit', gapLimit, 0, denseBits);
}

/** n of `rows`; throws `RangeError` when an argument does not fit the others. */
export function checkHashes(h0: Uint8Array, h1: Uint8Array, shape: BinShape, bins: number): number {
  checkShape(shape);
  checkRange('bins', bins, 1, 1 << 16);
  const n = h0.length / BLOCK_BYTES;
  checkRange('h0', n, 0, 2 ** 28);
  checkBytes('h1', h1, n);
  return n;
}

/** n of `encodeBin` and `decodeBin`; throws `RangeError` when an argument does not fit the others. */
export function checkBin(shape: BinShape, rows: Uint32Array, slots: Uint8Array): number {
  checkShape(shape);
  checkBytes('slots', slots, binSlots(shape));
  const n = rows.length / ROW_WORDS;
  checkRange('rows', n, 0, 2 ** 28);
  return n;
}

/** Throws `RangeError` unless `bytes` are `blocks` blocks. */
export function checkBytes(name: string, bytes: Uint8Array, blocks: number): void {
  if (bytes.length !== BLOCK_BYTES * blocks) {
    throw new RangeError(`"${name}" expected ${BLOCK_BYTES * blocks} bytes, got ${bytes.length}`);
  }
}

/** Throws `RangeError` unless `value` is an integer from `least` to `most`. */
export function checkRange(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`"${name}" expected ${least} to ${most}, got ${value}`);
  }
}

export function columnOutOfRange(): RangeError {
  return new RangeError('"rows" name a column that the bin does not have');
}
