/**
 * Which records stand in which line of a set intersection's file. Line k of one receiver and line k of
 * the other are of one record (of one pair of records with the same key), or of a record that only one
 * of them has.
 */
import type { PsiContract } from '../../consensus/contract.ts';
import { TaskError } from '../task-error.ts';
import { NO_ROW } from './own-keys.ts';
import type { RecordGroups } from './record-groups.ts';

export type Join = PsiContract['parameters']['join'];

/** Left is the first party of the contract. */
export type JoinSide = 'left' | 'right';

/** Lines above which a file is refused: a few keys with many records each make very many pairs. */
export const MOST_LINES: number = 2 ** 26; // own choice: some GB of text

export interface JoinLines {
  /** This party's row in each line, or `NO_ROW` where the record is the other party's alone. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** The first so many lines are of records that both have. */
  readonly common: number;
}

/** What the lines of one party follow from. */
export interface JoinInputs {
  readonly join: Join;
  readonly side: JoinSide;
  /** Of this party's table. */
  readonly tableRows: number;
  /** Which of its records share a key; null where none do. */
  readonly groups: RecordGroups | null;
  /** The first row of each common key, in the order of the lines. */
  readonly common: Uint32Array;
  /**
   * How many records each common key has at the other party: every pair is a line. Null: the first
   * record of a key is the only one that counts.
   */
  readonly theirs: Uint32Array | null;
  /** Records that the other party alone has. */
  readonly onlyTheirs: number;
  /** Whether all of this party's records count, and not only the first of each key. */
  readonly countsAll: boolean;
}

/** Throws `TaskError` `TOO_MANY_LINES`, before anything of that size is allocated. */
export function joinLines(inputs: JoinInputs): JoinLines {
  const { join, side, onlyTheirs } = inputs;
  if (join === 'difference') return { rows: onlyOwn(inputs), common: 0 };
  const pairs = pairCount(inputs);
  const isOuter = join !== 'inner';
  const mine = isOuter && (join === 'full' || join === side) ? onlyOwn(inputs) : new Uint32Array();
  const others = isOuter && join !== side ? onlyTheirs : 0;
  const lines = pairs + mine.length + others;
  if (lines > MOST_LINES) throw tooManyLines();
  const rows = new Uint32Array(lines).fill(NO_ROW);
  writePairs(rows, inputs);
  // First what only the left party has, then what only the right one has.
  rows.set(mine, side === 'left' ? pairs : lines - mine.length);
  return { rows, common: pairs };
}

/** Lines of records that both have: a key with a records here and b there makes a b of them. */
function pairCount({ groups, common, theirs }: JoinInputs): number {
  if (!theirs) return common.length;
  let pairs = 0;
  common.forEach((row, k) => {
    pairs += (groups?.sizes[row] ?? 1) * theirs[k]!;
  });
  if (pairs > MOST_LINES) throw tooManyLines();
  return pairs;
}

/** A key's pairs in the order of the left party's records, then of the right one's. */
function writePairs(lines: Uint32Array, { side, groups, common, theirs }: JoinInputs): void {
  if (!theirs) {
    lines.set(common);
    return;
  }
  const members = membersOf(common, groups);
  let line = 0;
  common.forEach((_, k) => {
    const own = members(k);
    const times = theirs[k]!;
    for (let pair = 0; pair < own.length * times; pair++) {
      lines[line++] = own[side === 'left' ? Math.floor(pair / times) : pair % own.length]!;
    }
  });
}

/** All rows of the k-th common key, ascending. */
function membersOf(common: Uint32Array, groups: RecordGroups | null): (k: number) => Uint32Array {
  if (!groups) return (k) => common.subarray(k, k + 1);
  const { firstOf, sizes } = groups;
  const next = new Uint32Array(firstOf.length).fill(NO_ROW); // of a common key's first row: where its next row goes
  const starts = new Uint32Array(common.length + 1);
  common.forEach((row, k) => {
    next[row] = starts[k]!;
    starts[k + 1] = starts[k]! + sizes[row]!;
  });
  const rows = new Uint32Array(starts[common.length]!);
  firstOf.forEach((first, row) => {
    if (next[first] !== NO_ROW) rows[next[first]!++] = row;
  });
  return (k) => rows.subarray(starts[k], starts[k + 1]);
}

/** Rows of the keys that are not common, ascending. */
function onlyOwn({ tableRows, groups, common, countsAll }: JoinInputs): Uint32Array<ArrayBuffer> {
  const isCommon = new Uint8Array(tableRows);
  for (const row of common) isCommon[row] = 1;
  const only = new Uint32Array(tableRows);
  let n = 0;
  for (let row = 0; row < tableRows; row++) {
    const first = groups ? groups.firstOf[row]! : row;
    if (isCommon[first] || (first !== row && !countsAll)) continue;
    only[n++] = row;
  }
  return only.slice(0, n);
}

function tooManyLines(): TaskError {
  return new TaskError(
    'TOO_MANY_LINES',
    `the result has more than ${MOST_LINES} lines: use "duplicates": "first", or keys that fewer records share`,
  );
}
