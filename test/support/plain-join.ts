/** What SQL makes of two tables' keys, by brute force, and how the files of receivers show it. */
import { deepEqual, equal } from 'node:assert/strict';
import type { Alignment } from '../../src/party/consensus/contract.ts';
import type { Join } from '../../src/party/tasks/programs/joins.ts';
import { csvRecords } from './csv-lines.ts';

/** The texts of a key's columns. */
export type Key = readonly string[];
export type KeyTable = readonly Key[];
type Side = 0 | 1;

export interface JoinCase {
  readonly join: Join;
  readonly rule: Alignment['duplicates'];
}

/** A line of the joint result: a row of each side, or null. */
type JoinedLine = readonly [left: number | null, right: number | null];

type Cell = string | null;

/** Pairs of records first, then what only the left table has, then what only the right one has. */
function plainJoin(left: KeyTable, right: KeyTable, { join, rule }: JoinCase): JoinedLine[] {
  const [leftRows, rightRows] = [kept(left, rule), kept(right, rule)];
  const rightOf = rowsByKey(right, rightRows);
  const leftOf = rowsByKey(left, leftRows);
  const pairs = leftRows.flatMap((l) =>
    (rightOf.get(textOf(left[l]!)) ?? []).map((r): JoinedLine => [l, r]),
  );
  const lines: JoinedLine[] = join === 'difference' ? [] : pairs;
  if (join === 'left' || join === 'full' || join === 'difference') {
    const only = leftRows.filter((l) => !rightOf.has(textOf(left[l]!)));
    lines.push(...only.map((l): JoinedLine => [l, null]));
  }
  if (join === 'right' || join === 'full' || join === 'difference') {
    const only = rightRows.filter((r) => !leftOf.has(textOf(right[r]!)));
    lines.push(...only.map((r): JoinedLine => [null, r]));
  }
  return lines;
}

/** Rows that count: under `first` those that no earlier one has the key of. */
function kept(table: KeyTable, rule: JoinCase['rule']): number[] {
  const seen = new Set<string>();
  return table.flatMap((key, row) => {
    const text = textOf(key);
    const repeats = seen.has(text);
    seen.add(text);
    return rule === 'first' && repeats ? [] : [row];
  });
}

function rowsByKey(table: KeyTable, rows: readonly number[]): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const row of rows) {
    const text = textOf(table[row]!);
    const before = found.get(text);
    if (before) before.push(row);
    else found.set(text, [row]);
  }
  return found;
}

const textOf = (key: Key): string => JSON.stringify(key);

/** How the lines look in the file of one side. */
function shownLines(
  lines: readonly JoinedLine[],
  { tables, columns }: Pick<JoinedFiles, 'tables' | 'columns'>,
  side: Side,
  { join, rule }: JoinCase,
): Cell[][] {
  const noKey = columns[side].map(() => null);
  return lines
    .filter((line) => join !== 'difference' || line[side] !== null)
    .map((line): Cell[] => {
      const row = line[side];
      const key = row === null ? noKey : tables[side][row]!;
      const isBoth = line[0] !== null && line[1] !== null;
      return [
        ...(join === 'inner' || join === 'difference' ? [] : [isBoth ? '1' : '0']),
        ...(rule === 'expand' ? [row === null ? null : String(row + 1)] : []),
        ...key,
      ];
    });
}

/** Pairs in the order of one side's file, by its first record with each key; then the others. */
function inFileOrder(lines: readonly JoinedLine[], table: KeyTable, side: Side): JoinedLine[] {
  const first = new Map<string, number>();
  for (const [row, key] of table.entries()) {
    if (!first.has(textOf(key))) first.set(textOf(key), row);
  }
  const placeOf = (line: JoinedLine): number => first.get(textOf(table[line[side]!]!))!;
  const isPair = ([l, r]: JoinedLine): boolean => l !== null && r !== null;
  return [
    ...lines.filter(isPair).sort((a, b) => placeOf(a) - placeOf(b)),
    ...lines.filter((line) => !isPair(line)),
  ];
}

/** Header and records of a file. */
export interface CsvFile {
  readonly header: readonly Cell[];
  readonly records: readonly (readonly Cell[])[];
}

export function csvFile(text: string): CsvFile {
  const [header = [], ...records] = csvRecords(text);
  return { header, records };
}

/** Two tables, the names of their key columns, and the files of their owners; null without a file. */
export interface JoinedFiles {
  readonly tables: readonly [KeyTable, KeyTable];
  readonly columns: readonly [readonly string[], readonly string[]];
  readonly files: readonly [CsvFile | null, CsvFile | null];
}

/** Fails unless each receiver's file is that of the join, and those of two fit line by line. */
export function checkJoined(
  joined: JoinedFiles,
  receives: readonly [boolean, boolean],
  each: JoinCase,
  what: string = JSON.stringify(each),
): void {
  const { tables, columns, files } = joined;
  const lines = plainJoin(...tables, each);
  const alone = receives.filter(Boolean).length === 1;
  for (const side of [0, 1] as const) {
    const file = files[side];
    equal(file !== null, receives[side], `${what}: who has a file`);
    if (!file) continue;
    deepEqual(file.header, headerOf(columns[side], each), what);
    const ordered = alone ? inFileOrder(lines, tables[side], side) : lines;
    const expected = shownLines(ordered, joined, side, each);
    if (alone) deepEqual(file.records, expected, what);
    else deepEqual(sorted(file.records), sorted(expected), what);
  }
  const [a, b] = files;
  if (!a || !b || each.join === 'difference') return;
  const joint = lines.map((line) =>
    ([0, 1] as const).map((side) => shownLines([line], joined, side, each)[0]),
  );
  equal(a.records.length, b.records.length, what);
  const pairs = a.records.map((record, k) => [record, b.records[k]]);
  deepEqual(sorted(pairs), sorted(joint), `${what}: line by line`);
}

/** Columns that the node adds have another name where a key column is called like them. */
function headerOf(columns: readonly string[], { join, rule }: JoinCase): string[] {
  const added = [
    ...(join === 'inner' || join === 'difference' ? [] : ['in_both']),
    ...(rule === 'expand' ? ['row'] : []),
  ];
  return [...added.map((name) => (columns.includes(name) ? `${name}_` : name)), ...columns];
}

function sorted(records: readonly unknown[]): string[] {
  return records.map((record) => JSON.stringify(record)).sort();
}
