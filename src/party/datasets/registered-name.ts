/**
 * How tasks and policies name a registered dataset: `dataset:NAME`. The file behind the name is known
 * to its owner alone. No file can be meant by such a text: a path is never a URL.
 */
const PREFIX = 'dataset:';
/** What a name that can be registered is: 1-64 letters, digits, and inside also `.`, `_`, `-`. */
export const DATASET_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

export type DatasetType = 'csv' | 'json' | 'parquet';

const TYPE_OF_SUFFIX: Readonly<Record<string, DatasetType>> = {
  csv: 'csv',
  json: 'json',
  jsonl: 'json',
  ndjson: 'json',
  parquet: 'parquet',
};

/** What a registered dataset is: a file under the owner's roots. */
export interface RegisteredFile {
  /** As it was registered: relative to the roots, or absolute inside one. */
  readonly path: string;
  readonly type: DatasetType;
}

/** Looks a registered name up; undefined when there is none. */
export type FindRegistered = (name: string) => Promise<RegisteredFile | undefined>;

/** Whether `name` can be registered. */
export function isDatasetName(name: string): boolean {
  return DATASET_NAME.test(name);
}

/** The reference that stands for a registered name in requests, contracts and policies. */
export function datasetReference(name: string): string {
  return `${PREFIX}${name}`;
}

/** The name in a reference; undefined when the path is none. */
export function referencedName(path: string): string | undefined {
  return path.startsWith(PREFIX) ? path.slice(PREFIX.length) : undefined;
}

/** The type that a file's name tells; undefined when it tells none. */
export function typeBySuffix(path: string): DatasetType | undefined {
  const suffix = /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(TYPE_OF_SUFFIX, suffix) ? TYPE_OF_SUFFIX[suffix] : undefined;
}
