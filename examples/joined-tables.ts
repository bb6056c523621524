/** Tables of several parties in one place, as no party ever has them: what joint models are compared with. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { type Matrix, matrix } from '../src/ml/data/matrix.ts';

export interface TableFiles {
  readonly guest: string;
  readonly hosts: readonly string[];
  readonly id: string;
  /** In the guest's table. */
  readonly label: string;
}

/** All tables joined: row i is the same record in each, in the order of the ids. */
export interface JoinedTables {
  /** The guest's, then the hosts'. NaN where a value is missing. */
  readonly blocks: readonly Matrix[];
  /** The names of each block's columns. */
  readonly columns: readonly (readonly string[])[];
  readonly labels: Float64Array;
  /** Writes the training rows of a fold as one CSV a party. files: in the order of the blocks. */
  writeTraining(fold: number, folds: number, files: readonly string[]): Promise<void>;
}

/** Joins tables on their ids. */
export async function joinTables({ guest, hosts, id, label }: TableFiles): Promise<JoinedTables> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const key = `"${id}"`;
  const tables = ['guest', ...hosts.map((_, h) => `host_${h + 1}`)];
  for (const [t, file] of [guest, ...hosts].entries()) {
    await connection.run(`create table ${tables[t]} as select * from read_csv(${quoted(file)})`);
  }
  const common = tables.slice(1).map((table) => `${key} in (select ${key} from ${table})`);
  await connection.run(
    `create table rows as select ${key}, row_number() over (order by try_cast(${key} as double), ${key}) - 1 as r
     from guest where ${common.join(' and ')}`,
  );
  const columns: string[][] = [];
  const blocks: Matrix[] = [];
  for (const table of tables) {
    const names = await columnsOf(connection, table, [id, label]);
    columns.push(names);
    blocks.push(await read(connection, table, key, names));
  }
  const { values: labels } = await read(connection, 'guest', key, [label]);
  return {
    ...{ blocks, columns, labels },
    async writeTraining(fold, folds, files) {
      for (const [t, table] of tables.entries()) {
        await connection.run(
          `copy (select ${table}.* from ${table} join rows using (${key}) where r % ${folds} <> ${fold} order by r)
           to ${quoted(files[t]!)} (header)`,
        );
      }
    },
  };
}

async function columnsOf(
  connection: DuckDBConnection,
  table: string,
  without: readonly string[],
): Promise<string[]> {
  const reader = await connection.runAndReadAll(`select * from ${table} limit 0`);
  return reader.columnNames().filter((name) => !without.includes(name));
}

async function read(
  connection: DuckDBConnection,
  table: string,
  key: string,
  columns: readonly string[],
): Promise<Matrix> {
  const selected = columns.map((column) => `${table}."${column}"::double`).join(', ');
  const reader = await connection.runAndReadAll(
    `select ${selected} from ${table} join rows using (${key}) order by r`,
  );
  const rows = reader.getRows() as (number | null)[][];
  const values = new Float64Array(rows.length * columns.length);
  for (const [i, row] of rows.entries()) {
    for (const [j, value] of row.entries()) values[i * columns.length + j] = value ?? Number.NaN;
  }
  return matrix(values, rows.length, columns.length);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
