/** The flags of `train`, `predict` and `psi` as bodies of the HTTP interface. */
import {
  type DatasetType,
  isDatasetName,
  referencedName,
  typeBySuffix,
} from '../datasets/registered-name.ts';
import { type CliContext, usageError } from './command.ts';

/** One `--data`. */
export interface DataFlag {
  readonly party: string;
  readonly path: string;
  /** Null for every column. */
  readonly columns: readonly string[] | null;
}

const DATA_FORM = 'write --data PARTY=PATH, or --data PARTY=PATH:COLUMN,COLUMN';

/** `PARTY=PATH[:COLUMN,...]`; in `dataset:NAME` the first colon belongs to the path. */
export function parseData(text: string): DataFlag {
  const at = text.indexOf('=');
  if (at <= 0) throw usageError(`--data ${text} names no party`, DATA_FORM);
  const party = text.slice(0, at);
  const rest = text.slice(at + 1);
  const reference = referencedName(rest) !== undefined;
  const colon = rest.indexOf(':', reference ? rest.indexOf(':') + 1 : 0);
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const columns = colon < 0 ? null : list('--data', rest.slice(colon + 1));
  if (path === '' || (reference && !isDatasetName(referencedName(path)!))) {
    throw usageError(`--data ${text} names no dataset`, DATA_FORM);
  }
  return { party, path, columns };
}

/** `PARTY:VALUE`, for flags that belong to one party. */
export function parseOf(flag: string, text: string): readonly [party: string, value: string] {
  const at = text.indexOf(':');
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw usageError(`${flag} ${text} names no party and column`, `write ${flag} PARTY:COLUMN`);
}

/** `NAME=VALUE`, the value as JSON where it is, else as text. */
export function parseParameter(text: string): readonly [name: string, value: unknown] {
  const at = text.indexOf('=');
  if (at <= 0) throw usageError(`--param ${text} has no value`, 'write --param NAME=VALUE');
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), JSON.parse(value)];
  } catch {
    return [text.slice(0, at), value];
  }
}

/** A comma-separated list without empty entries. */
export function list(flag: string, text: string): readonly string[] {
  const entries = text.split(',').map((entry) => entry.trim());
  if (entries.every((entry) => entry !== '')) return entries;
  throw usageError(`${flag} ${text} has an empty entry`, 'separate names with single commas');
}

/** A whole number. */
export function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usageError(`${flag} ${text} is no whole number`, `write it in digits, like ${flag} 100`);
}

/** The datasets named, one a party. */
export function parseDatasets(texts: readonly string[] = []): readonly DataFlag[] {
  const flags = texts.map(parseData);
  const parties = flags.map(({ party }) => party);
  const twice = parties.find((party, i) => parties.indexOf(party) < i);
  if (twice !== undefined) {
    throw usageError(`--data names ${twice} twice`, 'a party brings one dataset to a task');
  }
  return flags;
}

/** Throws for datasets with columns selected, where a task reads what it needs by itself. */
export function refuseColumns(datasets: readonly DataFlag[], hint: string): void {
  const selecting = datasets.find(({ columns }) => columns !== null);
  if (!selecting) return;
  throw usageError(`--data ${selecting.party}=${selecting.path} selects columns`, hint);
}

/** The type that the name of a file tells. */
export function typeByName(path: string): DatasetType {
  const type = typeBySuffix(path);
  if (type) return type;
  throw usageError(`the name of ${path} tells no type`, 'give --type csv, json or parquet');
}

export interface ProviderFlags {
  /** `COLUMN` for all, `PARTY:COLUMN` for one; several make one key, in their order. */
  readonly key?: readonly string[];
  /** `PARTY:TYPE`. */
  readonly type?: readonly string[];
}

export interface Provider {
  readonly name: string;
  readonly data_path: string;
  readonly data_type: string;
  readonly key_column?: string | readonly string[];
}

/** What each party brings: dataset, type and key columns. */
export function providersOf(
  datasets: readonly DataFlag[],
  { key: keys = [], type: types = [] }: ProviderFlags,
): readonly Provider[] {
  const parties = datasets.map(({ party }) => party);
  const typeOf = new Map(types.map((text) => parseOf('--type', text)));
  for (const party of typeOf.keys()) requireParty('--type', party, parties);
  const keysOf = keysByParty(keys, parties);
  return datasets.map(({ party, path }) => {
    const columns = keysOf.get(party)!;
    return {
      name: party,
      data_path: path,
      data_type: typeOf.get(party) ?? typeBySuffix(path) ?? 'csv', // its owner refuses another
      ...(columns.length > 0 && { key_column: columns.length === 1 ? columns[0]! : columns }),
    };
  });
}

/** Each party's key columns: those given for it alone, or else those for all. */
function keysByParty(
  keys: readonly string[],
  parties: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  // A column's name may have a colon: it is a party's only where the word before it is a party.
  const owner = (text: string): string | undefined =>
    parties.find((party) => text.startsWith(`${party}:`) && text.length > party.length + 1);
  const common = keys.filter((text) => owner(text) === undefined);
  const columns = parties.map((party) => {
    const own = keys.filter((text) => owner(text) === party);
    return own.length > 0 ? own.map((text) => text.slice(party.length + 1)) : common;
  });
  const [first, ...others] = columns;
  const other = others.findIndex(({ length }) => length !== first!.length);
  if (other >= 0) {
    const counts = `${first!.length} for ${parties[0]} and ${others[other]!.length} for ${parties[other + 1]}`;
    throw usageError(
      `--key names ${counts}: a key has as many columns at every party`,
      'write --key COLUMN where all call it so, or --key PARTY:COLUMN for every party, in one order',
    );
  }
  if (common.length > 0 && parties.length > 0 && !columns.includes(common)) {
    throw usageError(
      `--key ${common[0]} is nobody’s: every party has key columns of its own`,
      'write --key PARTY:COLUMN once more for every party, or leave it out',
    );
  }
  return new Map(parties.map((party, i) => [party, columns[i]!]));
}

/** One of the known words. */
export function oneOf<T extends string>(flag: string, text: string, known: readonly T[]): T {
  const found = known.find((each) => each === text);
  if (found) return found;
  throw usageError(`${flag} ${text} is not known`, `use one of ${known.join(', ')}`);
}

export function requireParty(flag: string, party: string, parties: readonly string[]): void {
  if (parties.includes(party)) return;
  const known = parties.join(', ') || 'nobody';
  throw usageError(`${flag} names ${party}, but --data names ${known}`, 'name one of these');
}

/** A request in a file, or on standard input as `-`. */
export async function requestFile(file: string, context: CliContext): Promise<object> {
  const { readFile } = await import('node:fs/promises');
  const text = await (file === '-' ? context.readInput() : readFile(file, 'utf8')).catch(
    (cause: unknown) => {
      throw usageError(`${file} cannot be read: ${(cause as Error).message}`, 'name another file');
    },
  );
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw usageError(`${file} is not JSON: ${(cause as Error).message}`, 'repair the file');
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw usageError(
    `${file} holds no request`,
    'write one JSON object, as the HTTP interface takes',
  );
}
