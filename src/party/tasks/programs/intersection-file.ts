/** The file of a receiver: which of its records stand in which line. */
import type { TextColumn } from '../../../protocols/psi/text-column.ts';
import { CsvWriter } from './csv-writer.ts';
import type { JoinLines } from './joins.ts';
import { NO_ROW } from './own-keys.ts';

/** What the lines of a file say. */
export interface IntersectionTable {
  /** Names of the key columns. */
  readonly keyColumns: readonly string[];
  /** This party's keys, column by column; every row of its table. */
  readonly keys: readonly TextColumn[];
  readonly lines: JoinLines;
  /** A first column `in_both`: 1 in the lines of records that both have, 0 in others. */
  readonly tellsBoth: boolean;
  /** A column `row`: which record of this party's table a line is of, from 1. */
  readonly tellsRow: boolean;
  /** What the other party says of the record in each line; every line. */
  readonly payload?: PayloadColumns;
}

/** Columns of another party. */
export interface PayloadColumns {
  readonly party: string;
  readonly names: readonly string[];
  /** A row a line. */
  readonly columns: readonly TextColumn[];
}

/** The file in chunks of UTF-8. Columns come in the order of `IntersectionTable`'s fields. */
export function intersectionChunks(table: IntersectionTable): Uint8Array[] {
  const { keyColumns, keys, lines, tellsBoth, tellsRow, payload } = table;
  const csv = new CsvWriter();
  if (tellsBoth) csv.text(free('in_both', keyColumns));
  if (tellsRow) csv.text(free('row', keyColumns));
  for (const name of keyColumns) csv.text(name);
  if (payload) for (const name of payloadNames(payload, keyColumns)) csv.text(name);
  csv.endLine();
  lines.rows.forEach((row, line) => {
    const isOwn = row !== NO_ROW;
    if (tellsBoth) csv.number(Number(line < lines.common));
    if (isOwn) {
      if (tellsRow) csv.number(row + 1);
      for (const column of keys) csv.cell(column, row);
    } else {
      for (let cell = Number(!tellsRow); cell <= keys.length; cell++) csv.nothing();
    }
    for (const column of payload?.columns ?? []) csv.cell(column, line);
    csv.endLine();
  });
  return csv.finish();
}

/** The name of a column that this node adds: one that no key column has. */
function free(name: string, taken: readonly string[]): string {
  return taken.includes(name) ? free(`${name}_`, taken) : name;
}

/** The columns' own names; with the party's before them where a key column is called like one. */
function payloadNames({ party, names }: PayloadColumns, taken: readonly string[]): string[] {
  return names.map((name) => (taken.includes(name) ? `${party}.${name}` : name));
}
