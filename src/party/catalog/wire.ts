import {
  MetadataRequest,
  MetadataResponse,
  PathsRequest,
  PathsResponse,
} from '../../../proto/gen/catalog.ts';
import { MAX_COLUMNS, MAX_ROWS } from '../consensus/contract-limits.ts';
import type { DatasetMetadata } from '../http/services.ts';
import type { ControlMethod } from '../transport/control.ts';

/** The calls of `proto/catalog.proto`. */
export const METHODS: {
  readonly paths: ControlMethod<PathsRequest, PathsResponse>;
  readonly metadata: ControlMethod<MetadataRequest, MetadataResponse>;
} = {
  paths: { name: 'catalog/paths', request: PathsRequest, response: PathsResponse },
  metadata: { name: 'catalog/metadata', request: MetadataRequest, response: MetadataResponse },
};

const MAX_PATHS = 10_000;
const MAX_PATH_CHARS = 1024;
const MAX_NAME_CHARS = 512;
/** Of all names in one answer: a control message has 4 MiB. */
const MAX_NAME_BYTES = 2 << 20;
const TYPES = ['csv', 'json', 'parquet'];
const COLUMN_TYPES = ['integer', 'number', 'boolean', 'date', 'text', 'empty', 'other'];
const REFUSAL = /^(refused|busy|dataset\/[a-z0-9_]{1,48})$/;

/** A message of the catalog that breaks its form. */
export class CatalogFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CatalogFormatError';
  }
}

/** As many paths as one answer holds; the rest is left out. */
export function encodePaths(paths: readonly string[]): PathsResponse {
  const fitting: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    bytes += Buffer.byteLength(path);
    if (fitting.length === MAX_PATHS || bytes > MAX_NAME_BYTES) break;
    if (path.length <= MAX_PATH_CHARS) fitting.push(path);
  }
  return { paths: fitting };
}

/** Throws `CatalogFormatError`. */
export function decodePaths({ paths }: PathsResponse): readonly string[] {
  requireForm(paths.length <= MAX_PATHS, `at most ${MAX_PATHS} paths`);
  for (const path of paths) requireText(path, MAX_PATH_CHARS, 'a path');
  return paths;
}

/** Throws `CatalogFormatError`. */
export function decodePath({ path }: MetadataRequest): string {
  requireText(path, MAX_PATH_CHARS, 'a path');
  return path;
}

/** Undefined when the columns do not fit into an answer. */
export function encodeMetadata({
  type,
  rows,
  columns,
}: DatasetMetadata): MetadataResponse | undefined {
  const bytes = columns.reduce((sum, { name }) => sum + Buffer.byteLength(name), 0);
  const fits =
    columns.length <= MAX_COLUMNS &&
    bytes <= MAX_NAME_BYTES &&
    columns.every(({ name }) => name.length <= MAX_NAME_CHARS);
  if (!fits) return undefined;
  const value = { type, rows, columns: columns.map((column) => ({ ...column })) };
  return { result: { $case: 'metadata', value } };
}

export function encodeRefusal(code: string): MetadataResponse {
  return { result: { $case: 'refused', value: { code } } };
}

/** What a peer said of a dataset, or the code with which it refused. Throws `CatalogFormatError`. */
export function decodeMetadata({ result }: MetadataResponse): DatasetMetadata | string {
  if (result?.$case === 'refused') {
    const { code } = result.value;
    requireForm(REFUSAL.test(code), 'a known refusal');
    return code;
  }
  requireForm(result !== undefined, 'metadata or a refusal');
  const { type, rows, columns } = result!.value;
  requireForm(TYPES.includes(type), `one of the types ${TYPES.join(', ')}`);
  requireForm(rows <= MAX_ROWS, `at most ${MAX_ROWS} rows`);
  requireForm(columns.length <= MAX_COLUMNS, `at most ${MAX_COLUMNS} columns`);
  for (const column of columns) {
    requireText(column.name, MAX_NAME_CHARS, 'a column name');
    requireForm(COLUMN_TYPES.includes(column.type), 'known column types');
  }
  return { type, rows, columns };
}

function requireText(text: string, most: number, what: string): void {
  requireForm(text.length > 0 && text.length <= most, `${what} of 1 to ${most} characters`);
}

function requireForm(holds: boolean, expected: string): void {
  if (!holds) throw new CatalogFormatError(`expected ${expected}`);
}
