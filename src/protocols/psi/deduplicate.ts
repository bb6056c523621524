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
  /** The items without repetition, in the joint order; m x 16. */
  readonly items: Uint8Array<ArrayBuffer>;
  /** Row of each of them in the input, the first one that has it; m. */
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
 * `reject` if any repeats. Sorts, so that no choice of keys makes it slow, and leaves them in that order,
 * which is the one of results.
 */
export function deduplicate(digests: Uint8Array, rule: DuplicateRule): DistinctItems {
  const n = countItems(digests);
  const { rows, leads } = sortRows(rowNumbers(n), digests); // equal ones ascend
  const view = new DataView(digests.buffer, digests.byteOffset, digests.length);
  const starts = new Uint32Array(n + 1);
  let firstDuplicate: DuplicatePair | undefined;
  let m = 0;
  for (let k = 0; k < n; k++) {
    const row = rows[k]!;
    if (k > 0 && leads[k] === leads[k - 1] && compareRest(view, rows[k - 1]!, row) === 0) {
      const first = rows[starts[m - 1]!]!;
      if (!firstDuplicate || row < firstDuplicate.again) firstDuplicate = { first, again: row };
      continue;
    }
    starts[m++] = k;
  }
  starts[m] = n;
  const duplicates = n - m;
  if (firstDuplicate && rule === 'reject') throw new DuplicateKeyError(duplicates, firstDuplicate);
  const kept = duplicates === 0 ? rows : starts.subarray(0, m).map((k) => rows[k]!);
  return {
    items: gatherRows(digests, ITEM_BYTES, kept),
    rows: kept,
    duplicates,
    firstDuplicate,
    groups: rule === 'expand' ? { starts: starts.slice(0, m + 1), rows } : undefined,
  };
}
