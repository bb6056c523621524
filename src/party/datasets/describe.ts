import type { DuckDBConnection } from '@duckdb/node-api';
import { categoricalCell, numericCell } from './cells.ts';
import { readChecked } from './read-table.ts';
import type { Storage, Table } from './table.ts';

/** What a column holds, over every row of the file. `empty`: no values. */
export type ColumnType = 'integer' | 'number' | 'boolean' | 'date' | 'text' | 'empty' | 'other';

/** Names, types and counts of a dataset; no values. */
export interface DatasetDescription {
  readonly type: Table['type'];
  readonly rowCount: number;
  readonly columns: readonly {
    readonly name: string;
    readonly type: ColumnType;
    readonly missing: number;
  }[];
}

const TYPE_OF_STORAGE: Readonly<Record<Exclude<Storage, 'text'>, ColumnType>> = {
  json: 'text',
  integer: 'integer',
  real: 'number',
  boolean: 'boolean',
  date: 'date',
  uuid: 'text',
  other: 'other',
};

/**
 * Describes a table by one pass over it, and a second one over text columns that are not all
 * numbers.
 */
export async function describeTable(
  connection: DuckDBConnection,
  table: Table,
  plainLines: number | null,
): Promise<DatasetDescription> {
  if (table.names.length === 0) return { type: table.type, rowCount: 0, columns: [] };
  const all = table.names.map((_, i) => i);
  return readChecked(table, plainLines, async (relation) => {
    const count = async (sums: readonly string[]): Promise<number[]> => {
      const select = ['count(*)', ...sums].map((sum) => `(${sum})::DOUBLE`).join(', ');
      const result = await connection.runAndReadAll(`SELECT ${select} FROM ${relation}`);
      return result.getRowsJson()[0] as number[];
    };

    const [rowCount, ...plain] = await count(all.flatMap((i) => plainCounts(i, table.storage[i]!)));
    const columns = table.names.map((name, i) => {
      const [present, numeric, integer] = plain.slice(3 * i, 3 * i + 3);
      const missing = rowCount! - present!;
      const storage = table.storage[i]!;
      let type: ColumnType | null = null;
      if (storage !== 'text') type = present === 0 ? 'empty' : TYPE_OF_STORAGE[storage];
      else if (present !== 0 && integer === present) type = 'integer';
      else if (present !== 0 && numeric === present) type = 'number';
      return { name, type, missing, integer: integer! };
    });

    const unclear = all.filter((i) => columns[i]!.type === null);
    const [, ...closer] = unclear.length === 0 ? [] : await count(unclear.flatMap(closerCounts));
    return {
      type: table.type,
      rowCount: rowCount!,
      columns: columns.map(({ name, type, missing, integer }, i) => {
        if (type !== null) return { name, type, missing };
        const at = 4 * unclear.indexOf(i);
        const [empty, marked, numeric, words] = closer.slice(at, at + 4);
        if (empty === rowCount) return { name, type: 'empty', missing: rowCount! };
        if (numeric! > 0 && numeric! + marked! === rowCount) {
          return { name, type: integer === numeric ? 'integer' : 'number', missing: marked! };
        }
        const isBoolean = words! + empty! === rowCount;
        return { name, type: isBoolean ? 'boolean' : 'text', missing: empty! };
      }),
    };
  });
}

/** SQL that counts the cells of a column which are not NULL, numbers, and integers. */
function plainCounts(index: number, storage: Storage): string[] {
  const column = `c${index}`;
  if (storage !== 'text') return [`count(${column})`, '0', '0'];
  return [
    `count(${column})`,
    `count(*) FILTER (isfinite(try_cast(${column} AS DOUBLE)) AND NOT contains(${column}, '_'))`,
    `count(*) FILTER (regexp_full_match(${column}, '\\s*[+-]?[0-9]+\\s*'))`,
  ];
}

/**
 * SQL that counts the cells of a text column which are empty, missing as numbers, numbers, and true
 * or false.
 */
function closerCounts(index: number): string[] {
  const column = `c${index}`;
  const number = numericCell(column, 'text');
  const category = categoricalCell(column, 'text');
  return [
    `count(*) - count(${category})`,
    `count(*) FILTER (${number} = 'inf'::DOUBLE)`,
    `count(*) FILTER (isfinite(${number}))`,
    `count(*) FILTER (lower(${category}) IN ('true', 'false'))`,
  ];
}
