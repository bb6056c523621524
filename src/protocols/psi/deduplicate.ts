import { gatherRows, rowNumbers } from '../primitives/rows.ts';
import { countItems, ITEM_BYTES } from './item-digest.ts';
import { compareRest, sortRows } from './joint-order.ts';

/** What to do with records of one key: refuse the data, keep the first and drop the others, or group them. */
export type DuplicateRule = 'reject' | 'first' | 'expand';

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
  /** Records beyond the first of their item: dropped, unless grouped. */
  readonly duplicates: number;
  /** The first repetition, if any. */
  readonly firstDuplicate: DuplicatePair | undefined;
  /** Under `expand`: all rows of each item. */
  readonly groups: RowGroups | undefined;
}

/** The rows of m distinct items: those of item k are rows[starts[k]], ..., rows[starts[k + 1] - 1], ascending. */
export interface RowGroups {
  /** m + 1 */
  readonly starts: Uint32Array<ArrayBuffer>;
  /** Every row of the input once; n. */
  readonly rows: Uint32Array<ArrayBuffer>;
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

/**
 * The distinct items of n x 16 digests, the first of each kept. Throws `DuplicateKeyError` under
 * `reject` if any repeats. Sorts, so that no choice of keys makes it slow.
 */
export function deduplicate(digests: Uint8Array, rule: DuplicateRule): DistinctItems {
  const n = countItems(digests);
  const firsts = firstRows(digests);
  let firstDuplicate: DuplicatePair | undefined;
  const kept = new Uint32Array(n);
  let m = 0;
  for (let i = 0; i < n; i++) {
    const first = firsts[i]!;
    if (first === i) kept[m++] = i;
    else firstDuplicate ??= { first, again: i };
  }
  const duplicates = n - m;
  if (firstDuplicate && rule === 'reject') throw new DuplicateKeyError(duplicates, firstDuplicate);
  const rows = kept.slice(0, m);
  return {
    items: duplicates === 0 ? new Uint8Array(digests) : gatherRows(digests, ITEM_BYTES, rows),
    rows,
    duplicates,
    firstDuplicate,
    groups: rule === 'expand' ? groupRows(firsts, rows) : undefined,
  };
}

/** For each row the first row with its item; n. */
function firstRows(digests: Uint8Array): Uint32Array {
  const n = countItems(digests);
  const firsts = rowNumbers(n);
  const { rows, leads } = sortRows(firsts, digests);
  const view = new DataView(digests.buffer, digests.byteOffset, digests.length);
  for (let k = 1; k < n; k++) {
    if (leads[k] !== leads[k - 1]) continue;
    const [before, row] = [rows[k - 1]!, rows[k]!];
    if (compareRest(view, before, row) === 0) firsts[row] = firsts[before]!; // equal rows stand in their order
  }
  return firsts;
}

/** The rows of each item kept, given the first row of every row's item. */
function groupRows(firsts: Uint32Array, kept: Uint32Array): RowGroups {
  const starts = new Uint32Array(kept.length + 1);
  const groupOf = new Uint32Array(firsts.length); // of a row that is kept
  for (let group = 0; group < kept.length; group++) groupOf[kept[group]!] = group;
  for (const first of firsts) starts[groupOf[first]! + 1]!++;
  for (let group = 0; group < kept.length; group++) starts[group + 1]! += starts[group]!;
  const next = starts.slice(0, kept.length);
  const rows = new Uint32Array(firsts.length);
  for (let i = 0; i < firsts.length; i++) rows[next[groupOf[firsts[i]!]!]!++] = i;
  return { starts, rows };
}
