import { ITEM_BYTES } from './item-digest.ts';
import { RowIndex } from './row-index.ts';

/** What to do with records of one key: refuse the data, or keep the first and drop the others. */
export type DuplicateRule = 'reject' | 'first';

/** Two records with the same key, by row number. */
export interface DuplicatePair {
  readonly first: number;
  readonly again: number;
}

export interface DistinctItems {
  /** The items without repetition, in their order; m x 16. */
  readonly items: Uint8Array<ArrayBuffer>;
  /** Row of each of them in the input: ascending; m. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Records dropped. */
  readonly duplicates: number;
  /** The first repetition, if any. */
  readonly firstDuplicate: DuplicatePair | undefined;
}

/** The caller's data has a key twice. Names rows (from 0), never values. */
export class DuplicateKeyError extends Error {
  readonly duplicates: number;
  readonly firstDuplicate: DuplicatePair;

  constructor(duplicates: number, firstDuplicate: DuplicatePair) {
    const { first, again } = firstDuplicate;
    super(`${duplicates} duplicate keys; the first is row ${again}, equal to row ${first}`);
    this.name = 'DuplicateKeyError';
    this.duplicates = duplicates;
    this.firstDuplicate = firstDuplicate;
  }
}

/** The distinct items of n x 16 digests. Throws `DuplicateKeyError` under `reject` if any repeats. */
export function deduplicate(digests: Uint8Array, rule: DuplicateRule): DistinctItems {
  const n = countItems(digests);
  const index = new RowIndex(digests, ITEM_BYTES);
  const rows = new Uint32Array(n);
  let kept = 0;
  let firstDuplicate: DuplicatePair | undefined;
  for (let i = 0; i < n; i++) {
    const first = index.add(i);
    if (first < 0) rows[kept++] = i;
    else firstDuplicate ??= { first, again: i };
  }
  const duplicates = n - kept;
  if (firstDuplicate && rule === 'reject') throw new DuplicateKeyError(duplicates, firstDuplicate);
  const distinct = rows.slice(0, kept);
  return {
    items: gatherRows(digests, ITEM_BYTES, distinct),
    rows: distinct,
    duplicates,
    firstDuplicate,
  };
}

/** Number of items in n x 16 bytes; throws `RangeError` unless whole. */
export function countItems(digests: Uint8Array): number {
  if (digests.length % ITEM_BYTES !== 0) {
    throw new RangeError(`"digests" expected rows of ${ITEM_BYTES} bytes, got ${digests.length}`);
  }
  return digests.length / ITEM_BYTES;
}

/** Rows order[0], order[1], ... of `bytes`, each `width` bytes; fresh. */
export function gatherRows(
  bytes: Uint8Array,
  width: number,
  order: Uint32Array,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(order.length * width);
  order.forEach((row, i) => {
    out.set(bytes.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}
