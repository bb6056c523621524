import { createHash } from 'node:crypto';
import type { Rng } from '../../protocols/primitives/rng.ts';
import type { TextColumn } from '../../protocols/psi/text-column.ts';
import type { DatasetTerms, FeatureTerms } from '../consensus/contract.ts';
import { datasetCommitment } from '../consensus/dataset-commitment.ts';
import { featureWidth } from '../consensus/feature-width.ts';
import { DatasetError } from './dataset-error.ts';
import { type DatasetDescription, describeTable } from './describe.ts';
import {
  columnLevels,
  type EncodedFeatures,
  encodeFeatures,
  type FeatureEncoding,
  learnEncoding,
  refuseEmptyFeatures,
} from './encoding.ts';
import { type Prescan, prescan } from './prescan.ts';
import { explain, type LabelKind, type ReadPlan, readTable } from './read-table.ts';
import { type FindRegistered, referencedName } from './registered-name.ts';
import { firstRepeated } from './repeated-key.ts';
import { type DatasetFile, listDatasets, resolveDataset, stampOf } from './roots.ts';
import { type ReadLimits, withSandbox } from './sandbox.ts';
import { openTable, parseDatasetType, type Table } from './table.ts';

/** What a request asks of one party's data. */
export interface DatasetDraft {
  readonly path: string;
  /** `csv`, `json` or `parquet`, any case. */
  readonly type: string;
  /** One or more, whose texts in this order are the key; null for alignment by row order. */
  readonly keyColumns: readonly string[] | null;
  /** Columns whose texts are read beside the keys; none unless told. */
  readonly payload?: readonly string[];
  /** Null unless this party is the label holder. */
  readonly label: { readonly column: string; readonly kind: LabelKind } | null;
  /** Null: every column except keys, payload, label and `notFeatures`. */
  readonly selectColumns: readonly string[] | null;
  readonly discreteColumns: readonly string[];
  /**
   * Columns left out when `selectColumns` is null: a label column of a party that is not the label
   * holder.
   */
  readonly notFeatures?: readonly string[];
  /**
   * To predict: the model's encoding. Its features are read, and its columns are those of the
   * model; none at all where a task reads keys alone.
   */
  readonly encoding?: readonly FeatureEncoding[];
  /** Whether missing numbers stay missing, NaN, and columns without any value are taken. Default false. */
  readonly keepMissing?: boolean;
  /** Whether a dataset without rows is one. */
  readonly mayBeEmpty?: boolean;
}

/** What terms say of the data themselves. */
export type DataTerms = Omit<DatasetTerms, 'minimumIntersection'>;

/** Terms to put into a contract but for the owner's conditions, with what stays at the owner. */
export interface DatasetOffer {
  readonly terms: DataTerms;
  /**
   * 32 bytes, fresh for every offer. Private: with it the file's digest could be guessed from the
   * contract.
   */
  readonly salt: Uint8Array;
  /** Private: SHA-256 of the file. */
  readonly digest: Uint8Array;
  /** Private: the first row, from 1, whose key an earlier row has; null without such a row. */
  readonly repeatedKey: number | null;
  /** Private: features with missing cells. */
  readonly missing: readonly { readonly name: string; readonly cells: number }[];
}

/** A dataset in memory, its rows in the file's order. */
export interface LoadedDataset extends EncodedFeatures {
  readonly rowCount: number;
  /** Canonical text of each key column; null for alignment by row order. */
  readonly keys: readonly TextColumn[] | null;
  /** Text of each payload column as CSV shows it; empty where the cell is missing. */
  readonly payload: readonly TextColumn[];
  /** 0 or 1 for a binary label; a class from 0 on, or a number. */
  readonly label: Float64Array | null;
  /** Keep with the model: a prediction needs it. */
  readonly encoding: readonly FeatureEncoding[];
  /** Missing cells, by feature; all are filled in unless they were to stay missing. */
  readonly missing: readonly { readonly name: string; readonly cells: number }[];
}

/** What `load` needs beside the terms. */
export interface LoadOptions {
  /** Required if the terms name a label. */
  readonly labelKind?: LabelKind;
  /** To predict: the model's encoding in place of one learnt from the file. */
  readonly encoding?: readonly FeatureEncoding[];
  /** As in the draft; an encoding that is given says it itself. Default false. */
  readonly keepMissing?: boolean;
}

/** The datasets of this node. Every method throws `DatasetError`. */
export interface Datasets {
  /** Data files under the roots, by name. */
  list(): Promise<string[]>;
  describe(path: string, type: string): Promise<DatasetDescription>;
  /** Names of all columns in the file's order: the header of CSV, the schema of Parquet, JSON's keys. */
  columns(path: string, type: string): Promise<readonly string[]>;
  /** Checks a request against the data, every cell included, and commits to the file. */
  terms(draft: DatasetDraft): Promise<DatasetOffer>;
  /**
   * 32 bytes hex that stand for the file a request means, whatever it calls it; they change when the
   * file is moved, not when it is written.
   */
  identity(path: string, type: string): Promise<string>;
  /** Throws `changed` unless the file is the one that was committed to. */
  verify(terms: DataTerms, salt: Uint8Array): Promise<void>;
  /**
   * Verifies the commitment and reads the columns; throws `changed` also if the file is written
   * meanwhile.
   */
  load(terms: DataTerms, salt: Uint8Array, options?: LoadOptions): Promise<LoadedDataset>;
}

export interface DatasetOptions extends ReadLimits {
  /** Absolute. */
  readonly roots: readonly string[];
  /** What `dataset:NAME` stands for; without it nothing. */
  readonly registered?: FindRegistered;
}

/** Datasets under folders of this machine: by path, or `dataset:NAME` by registered name. */
export function createDatasets(
  { roots, registered = async () => undefined, ...limits }: DatasetOptions,
  rng: Rng,
): Datasets {
  /** The file that a request means. Messages use the request's word, never a registered path. */
  async function locate(
    request: string,
    typeName: string,
  ): Promise<[DatasetFile, DatasetTerms['type']]> {
    const name = referencedName(request);
    if (name === undefined) {
      return [await resolveDataset(roots, request), parseDatasetType(request, typeName)];
    }
    const found = await registered(name);
    if (!found) throw new DatasetError('missing_dataset', `${request}: no such dataset`);
    const type = parseDatasetType(request, typeName);
    if (type !== found.type) {
      throw new DatasetError('bad_type', `${request}: is registered as ${found.type}`);
    }
    return [await resolveDataset(roots, found.path, request), type];
  }

  /** Opens a file as a table; whatever the database says comes out without values. */
  async function withTable<T>(
    file: DatasetFile,
    type: DatasetTerms['type'],
    plainLines: Prescan['plainLines'],
    use: (session: Session) => Promise<T>,
  ): Promise<T> {
    return withSandbox(file, limits, async (connection) => {
      const table = await openTable(connection, file, type).catch(async (error: unknown) => {
        throw await explain(error, { file, type, header: null });
      });
      const result = await use({
        table,
        describe: () => describeTable(connection, table, plainLines),
        read: (plan, capacity) => readTable(connection, table, plan, capacity, plainLines),
      });
      if ((await stampOf(file.realPath).catch(() => '')) !== file.stamp) throw changed(file.name);
      return result;
    });
  }

  async function verified(terms: DataTerms, salt: Uint8Array): Promise<[DatasetFile, Prescan]> {
    const [file] = await locate(terms.path, terms.type);
    const scan = await prescan(file, terms.type);
    if (datasetCommitment(scan.digest, salt) !== terms.commitment) throw changed(file.name);
    return [file, scan];
  }

  return {
    list: () => listDatasets(roots),

    async describe(path, typeName) {
      const [file, type] = await locate(path, typeName);
      const { plainLines } = await prescan(file, type);
      return withTable(file, type, plainLines, ({ describe }) => describe());
    },

    async identity(path, typeName) {
      const [{ realPath }] = await locate(path, typeName);
      return createHash('sha256').update(`entente/dataset-file/v1\0${realPath}`).digest('hex');
    },

    async columns(path, typeName) {
      const [file, type] = await locate(path, typeName);
      return withTable(file, type, null, async ({ table }) => table.names);
    },

    async terms(draft) {
      const [file, type] = await locate(draft.path, draft.type);
      const scan = await prescan(file, type);
      return withTable(file, type, scan.plainLines, async ({ table, read }) => {
        const chosen = chooseFeatures(table, draft);
        const { keyColumns, payload = [] } = draft;
        const plan = planOf(table, { keyColumns, payload }, draft.label, chosen);
        const raw = await read(plan, null);
        if (raw.rowCount === 0 && !draft.mayBeEmpty)
          throw new DatasetError('empty', `${file.name}: has no rows`);
        if (!draft.encoding && !draft.keepMissing) refuseEmptyFeatures(file.name, chosen, raw);
        const features = chosen.map(({ name, kind }, f): FeatureTerms => {
          if (kind === 'numeric') return { name, kind };
          const learnt = draft.encoding?.[f];
          const levels =
            learnt?.kind === 'categorical'
              ? learnt.levels
              : columnLevels(raw.levels[f]!, raw.missing[f]!);
          return { name, kind, categories: levels.length };
        });
        const salt = rng(32);
        return {
          terms: {
            path: draft.path,
            type,
            rowCount: raw.rowCount,
            keyColumns,
            labelColumn: draft.label?.column ?? null,
            features,
            payload,
            commitment: datasetCommitment(scan.digest, salt),
          },
          salt,
          digest: scan.digest,
          repeatedKey: raw.keys && firstRepeated(raw.keys, seedOf(salt)),
          missing: missingOf(features, raw.missing),
        };
      });
    },

    async verify(terms, salt) {
      await verified(terms, salt);
    },

    async load(terms, salt, options = {}) {
      if (terms.labelColumn !== null && !options.labelKind) {
        throw new TypeError('"labelKind" expected for a dataset with a label');
      }
      const [file, scan] = await verified(terms, salt);
      const label =
        terms.labelColumn === null ? null : { column: terms.labelColumn, kind: options.labelKind! };
      return withTable(file, terms.type, scan.plainLines, async ({ table, read }) => {
        const plan = planOf(table, terms, label, terms.features);
        const raw = await read(plan, terms.rowCount);
        const { keepMissing = false } = options;
        const encoding = options.encoding ?? learnEncoding(terms.features, raw, keepMissing);
        refuseOtherWidths(file.name, terms.features, encoding);
        return {
          ...encodeFeatures(encoding, raw),
          rowCount: raw.rowCount,
          keys: raw.keys,
          payload: raw.payload,
          label: raw.label,
          encoding,
          missing: missingOf(terms.features, raw.missing),
        };
      });
    },
  };
}

/** A file that is open for reading. */
interface Session {
  readonly table: Table;
  readonly describe: () => Promise<DatasetDescription>;
  readonly read: (plan: ReadPlan, capacity: number | null) => ReturnType<typeof readTable>;
}

/** Resolves which columns are features and of which kind. */
function chooseFeatures(table: Table, draft: DatasetDraft): FeatureTerms[] {
  const { name: file } = table.file;
  if (draft.encoding) return draft.encoding.map(({ name, kind }) => ({ name, kind }));
  const taken = [
    ...(draft.keyColumns ?? []),
    ...(draft.payload ?? []),
    draft.label?.column ?? null,
  ];
  const notFeatures = draft.notFeatures ?? [];
  const refuse = (what: string): DatasetError =>
    new DatasetError('bad_selection', `${file}: ${what}`);
  if (draft.selectColumns?.length === 0) throw refuse('no columns selected');
  const names =
    draft.selectColumns ??
    table.names.filter((name) => !taken.includes(name) && !notFeatures.includes(name));
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw refuse(`column ${twice} is selected twice`);
  const reserved = names.find((name) => taken.includes(name));
  if (reserved !== undefined)
    throw refuse(`column ${reserved} is key, payload or label, not a feature`);
  const other = draft.discreteColumns.find((name) => !names.includes(name));
  if (other !== undefined) {
    if (!table.names.includes(other)) throw missingColumn(file, other);
    throw refuse(`discrete column ${other} is not among the features`);
  }
  return names.map((name) => ({
    name,
    kind: draft.discreteColumns.includes(name) ? 'categorical' : 'numeric',
  }));
}

function planOf(
  table: Table,
  { keyColumns, payload }: Pick<DataTerms, 'keyColumns' | 'payload'>,
  label: DatasetDraft['label'],
  features: readonly FeatureTerms[],
): ReadPlan {
  const { name: file } = table.file;
  const indexOf = (name: string): number => {
    const index = table.names.indexOf(name);
    if (index < 0) throw missingColumn(file, name);
    return index;
  };
  if (keyColumns?.length === 0) {
    throw new DatasetError('bad_selection', `${file}: no key column named`);
  }
  refuseSharedColumns(file, [
    ...(keyColumns ?? []).map((name) => ({ name, as: 'key' })),
    ...(label ? [{ name: label.column, as: 'label' }] : []),
    ...payload.map((name) => ({ name, as: 'payload' })),
  ]);
  return {
    keys: keyColumns?.map(indexOf) ?? null,
    payload: payload.map(indexOf),
    label: label && { index: indexOf(label.column), kind: label.kind },
    features: features.map(({ name, kind }) => ({ index: indexOf(name), kind })),
  };
}

/** Refuses a column that is to be two things, or one of them twice. */
function refuseSharedColumns(
  file: string,
  uses: readonly { readonly name: string; readonly as: string }[],
): void {
  for (const [i, { name, as }] of uses.entries()) {
    const before = uses.slice(0, i).find((use) => use.name === name);
    if (!before) continue;
    const what =
      before.as === as
        ? `column ${name} is named twice as ${as}`
        : `${before.as} and ${as} are one column, ${name}`;
    throw new DatasetError('bad_selection', `${file}: ${what}`);
  }
}

function refuseOtherWidths(
  file: string,
  features: readonly FeatureTerms[],
  encoding: readonly FeatureEncoding[],
): void {
  const same =
    features.length === encoding.length &&
    features.every((feature, f) => {
      const { kind, name } = encoding[f]!;
      const width = encoding[f]!.kind === 'categorical' ? encoding[f]!.levels.length : 1;
      return feature.kind === kind && feature.name === name && featureWidth(feature) === width;
    });
  if (!same) throw changed(file);
}

function missingOf(
  features: readonly FeatureTerms[],
  missing: readonly number[],
): { name: string; cells: number }[] {
  return features
    .map(({ name }, f) => ({ name, cells: missing[f]! }))
    .filter(({ cells }) => cells > 0);
}

/** For hashes of keys: those who write keys do not know the salt. */
function seedOf(salt: Uint8Array): number {
  return new DataView(salt.buffer, salt.byteOffset, salt.length).getInt32(0);
}

function missingColumn(file: string, name: string): DatasetError {
  return new DatasetError('missing_column', `${file}: no column ${name}`);
}

function changed(name: string): DatasetError {
  return new DatasetError('changed', `${name}: is not the file that was described`);
}
