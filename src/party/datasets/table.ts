import { open } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetTerms } from '../consensus/contract.ts';
import { type CsvHeader, readCsvHeader, refuseDuplicates } from './csv-header.ts';
import { DatasetError } from './dataset-error.ts';
import type { DatasetFile } from './roots.ts';
import { quoteText } from './sandbox.ts';

/**
 * How the database holds a column. CSV and JSON are read as text without exception, and this code
 * decides what the text means: a type sniffed from one file would not agree with the other party's.
 */
export type Storage = 'text' | 'json' | 'integer' | 'real' | 'boolean' | 'date' | 'uuid' | 'other';

/** A data file as SQL: the columns are named c0, c1, ... whatever they are called in the file. */
export interface Table {
  readonly file: DatasetFile;
  readonly type: DatasetTerms['type'];
  readonly names: readonly string[];
  readonly storage: readonly Storage[];
  /** SQL to read rows from, in the file's order. `serial` reads on one thread. */
  relation(reading: 'parallel' | 'serial'): string;
  /** The same table for reading keys from these columns: of JSON as it is written, not as text. */
  withKeys(indices: readonly number[]): Table;
  /** CSV only. */
  readonly header: CsvHeader | null;
}

const PARQUET_STORAGE: readonly (readonly [RegExp, Storage])[] = [
  [/^(VARCHAR|ENUM)/, 'text'],
  [/^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)$/, 'integer'],
  [/^DECIMAL\(\d+,0\)$/, 'integer'],
  [/^(FLOAT|DOUBLE|DECIMAL\(\d+,\d+\))$/, 'real'],
  [/^BOOLEAN$/, 'boolean'],
  [/^(DATE|TIMESTAMP.*)$/, 'date'],
  [/^UUID$/, 'uuid'],
];

/** Reads the type a request names; any case. */
export function parseDatasetType(name: string, type: string): DatasetTerms['type'] {
  const lower = type.toLowerCase();
  if (lower === 'csv' || lower === 'json' || lower === 'parquet') return lower;
  throw new DatasetError('bad_type', `${name}: the type must be csv, json or parquet`);
}

/** Finds the columns of a file and refuses what is not of the type named. */
export async function openTable(
  connection: DuckDBConnection,
  file: DatasetFile,
  type: DatasetTerms['type'],
): Promise<Table> {
  if (type === 'csv') return openCsv(file);
  return type === 'json' ? openJson(connection, file) : openParquet(connection, file);
}

async function openCsv(file: DatasetFile): Promise<Table> {
  const header = await readCsvHeader(file);
  const columns = header.names.map((_, i) => `'c${i}': 'VARCHAR'`).join(', ');
  const options = [
    'auto_detect = false',
    'header = true',
    `delim = ${quoteText(header.delimiter)}`,
    `quote = '"'`,
    `escape = '"'`,
    'strict_mode = true',
    'null_padding = false',
    // A quoted empty field stays '' and a blank line is NULL: needed to tell them apart below.
    'allow_quoted_nulls = false',
    'hive_partitioning = false',
    `columns = {${columns}}`,
  ].join(', ');
  // With one column a blank line would be a row; with more the reader skips it. Skip it always.
  const filter = header.names.length === 1 ? ' WHERE c0 IS NOT NULL' : '';
  return plainTable({
    file,
    type: 'csv',
    names: header.names,
    storage: header.names.map(() => 'text'),
    relation: (reading) =>
      `(SELECT * FROM read_csv(${quoteText(file.realPath)}, ${options}, parallel = ${reading === 'parallel'})${filter})`,
    header,
  });
}

/** A table whose key columns are read like any other. */
function plainTable(table: Omit<Table, 'withKeys'>): Table {
  const whole: Table = { ...table, withKeys: () => whole };
  return whole;
}

async function openJson(connection: DuckDBConnection, file: DatasetFile): Promise<Table> {
  if (await hasBom(file)) {
    const what = 'begins with a byte order mark, which JSON does not have: save it without one';
    throw new DatasetError('bad_type', `${file.name}: ${what}`);
  }
  const path = quoteText(file.realPath);
  // Distinct lists of keys, by first appearance: exact names, which the sniffer would change.
  const result = await connection.runAndReadAll(
    `SELECT json_keys(json), min(json_type(json)), min(row)::DOUBLE AS first
       FROM (SELECT json, row_number() OVER () AS row
               FROM read_json_objects(${path}, hive_partitioning = false))
      GROUP BY json_keys(json), json_type(json) ORDER BY first`,
  );
  const names = new Set<string>();
  for (const [keys, kind, row] of result.getRowsJson() as [string[], string, number][]) {
    if (kind !== 'OBJECT') {
      throw new DatasetError('bad_type', `${file.name}: row ${row} is not a JSON object`);
    }
    refuseDuplicates(`${file.name}: row ${row}`, keys);
    for (const key of keys) names.add(key);
  }
  const columns = [...names];
  if (columns.includes('')) {
    throw new DatasetError('no_header', `${file.name}: a member of an object has an empty name`);
  }
  // The database does not tell names apart by case.
  refuseDuplicates(
    `${file.name} (case ignored)`,
    columns.map((name) => name.toLowerCase()),
  );
  const aliases = columns.map((_, i) => `c${i}`).join(', ');
  const reading = (keys: readonly number[]): Table => {
    const types = columns
      .map((name, i) => `${quoteText(name)}: '${keys.includes(i) ? 'JSON' : 'VARCHAR'}'`)
      .join(', ');
    return {
      file,
      type: 'json',
      names: columns,
      storage: columns.map((_, i) => (keys.includes(i) ? 'json' : 'text')),
      relation: () =>
        `(SELECT * FROM read_json(${path}, hive_partitioning = false, columns = {${types}}) AS t(${aliases}))`,
      withKeys: reading,
      header: null,
    };
  };
  return reading([]);
}

async function hasBom({ realPath }: DatasetFile): Promise<boolean> {
  const handle = await open(realPath, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(3), 0, 3, 0);
    return buffer.equals(Buffer.from([0xef, 0xbb, 0xbf]));
  } finally {
    await handle.close();
  }
}

async function openParquet(connection: DuckDBConnection, file: DatasetFile): Promise<Table> {
  const source = `read_parquet(${quoteText(file.realPath)}, hive_partitioning = false)`;
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`);
  const types = (described.getRowsJson() as [string, string][]).map(([, type]) => type);
  const schema = await connection.runAndReadAll(
    `SELECT name, coalesce(num_children, 0)::INTEGER FROM parquet_schema(${quoteText(file.realPath)})`,
  );
  const names = topLevelNames(schema.getRowsJson() as [string, number][]);
  if (names.length !== types.length) {
    throw new DatasetError('malformed', `${file.name}: the Parquet schema contradicts itself`);
  }
  refuseDuplicates(file.name, names);
  const aliases = names.map((_, i) => `c${i}`).join(', ');
  return plainTable({
    file,
    type: 'parquet',
    names,
    storage: types.map(
      (type) => PARQUET_STORAGE.find(([pattern]) => pattern.test(type))?.[1] ?? 'other',
    ),
    relation: () => `(SELECT * FROM ${source} AS t(${aliases}))`,
    header: null,
  });
}

/**
 * The root's children in a schema that lists nodes depth first, each with its number of children.
 */
function topLevelNames(nodes: readonly (readonly [name: string, children: number])[]): string[] {
  const names: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let i = 0; i < (nodes[at]?.[1] ?? 0); i++) next = skip(next);
    return next;
  };
  for (let at = 1; at < nodes.length; at = skip(at)) names.push(nodes[at]![0]);
  return names;
}
