/**
 * How tasks and policies name a registered dataset: `dataset:NAME`. The file behind the name is known
 * to its owner alone. No file can be meant by such a text: a path is never a URL.
 */
const PREFIX = 'dataset:';
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** What a registered dataset is: a file under the owner's roots. */
export interface RegisteredFile {
  /** As it was registered: relative to the roots, or absolute inside one. */
  readonly path: string;
  readonly type: 'csv' | 'json' | 'parquet';
}

/** Looks a registered name up; undefined when there is none. */
export type FindRegistered = (name: string) => Promise<RegisteredFile | undefined>;

/** Whether `name` can be registered: 1-64 letters, digits, and inside also `.`, `_`, `-`. */
export function isDatasetName(name: string): boolean {
  return NAME.test(name);
}

/** The reference that stands for a registered name in requests, contracts and policies. */
export function datasetReference(name: string): string {
  return `${PREFIX}${name}`;
}

/** The name in a reference; undefined when the path is none. */
export function referencedName(path: string): string | undefined {
  return path.startsWith(PREFIX) ? path.slice(PREFIX.length) : undefined;
}
