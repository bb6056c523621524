import Type from 'typebox';
import type { LabelKind } from '../datasets/read-table.ts';
import type { Alignment, Contract, DatasetTerms } from './contract.ts';
import { MAX_CLASSES, MAX_COLUMNS, MAX_PARTIES, MAX_ROWS } from './contract-limits.ts';
import {
  ColumnName,
  DatasetPath,
  KeyColumns,
  ModelId,
  PayloadColumns,
  Purpose,
} from './contract-schema.ts';
import { ConsensusError } from './errors.ts';
import { PartyName } from './schema.ts';

/** An alignment but for the engine, which depends on what the parties bring. */
export type AskedAlignment = Omit<Alignment, 'engine'>;

/** What the initiator wants of one data party, before there is a contract. */
export interface TaskDraft {
  readonly version: 1;
  readonly kind: Contract['kind'];
  readonly algorithm: Pick<Contract['algorithm'], 'name' | 'partition'>;
  readonly alignment: AskedAlignment;
  readonly purpose: string;
  /** Every party that would take part, the asked one included. */
  readonly parties: readonly string[];
  readonly receivers: readonly string[];
  /** Null where no model is made. */
  readonly modelRelease: 'full' | 'split' | null;
  /** To predict: the model to apply. Its part at the asked party says which columns are read. */
  readonly model: string | null;
  /** The asked party's part. */
  readonly dataset: DatasetDraft;
}

export interface DatasetDraft {
  readonly path: string;
  readonly type: DatasetTerms['type'];
  readonly keyColumns: readonly string[] | null;
  readonly labelColumn: string | null;
  /** What the label has to be; null where there is none. */
  readonly labelKind: LabelKind | null;
  /** Null for every column but key, label and `notFeatures`. */
  readonly selectColumns: readonly string[] | null;
  /** Columns that are no features although nobody selected columns: another party's label. */
  readonly notFeatures: readonly string[];
  /** Of the selected columns, those that are categories. */
  readonly discreteColumns: readonly string[];
  /** Columns for a labelled intersection's receiver. */
  readonly payload: readonly string[];
}

const exactly = { additionalProperties: false } as const;
const columns = Type.Array(ColumnName, { maxItems: MAX_COLUMNS });

export const TaskDraftSchema = Type.Object(
  {
    version: Type.Literal(1),
    kind: Type.Enum(['train', 'predict', 'psi']),
    algorithm: Type.Object(
      {
        name: Type.Enum([
          'logistic_regression',
          'linear_regression',
          'xgboost',
          'intersection',
          'labelled_intersection',
        ]),
        partition: Type.Enum(['vertical', 'psi']),
      },
      exactly,
    ),
    alignment: Type.Object(
      {
        method: Type.Enum(['psi', 'row_order']),
        duplicates: Type.Enum(['reject', 'first', 'expand']),
        minimumIntersection: Type.Integer({ minimum: 0, maximum: MAX_ROWS }),
      },
      exactly,
    ),
    purpose: Purpose,
    parties: Type.Array(PartyName, { minItems: 2, maxItems: MAX_PARTIES }),
    receivers: Type.Array(PartyName, { minItems: 1, maxItems: MAX_PARTIES }),
    modelRelease: Type.Union([Type.Null(), Type.Enum(['full', 'split'])]),
    model: Type.Union([Type.Null(), ModelId]),
    dataset: Type.Object(
      {
        path: DatasetPath,
        type: Type.Enum(['csv', 'json', 'parquet']),
        keyColumns: Type.Union([Type.Null(), KeyColumns]),
        labelColumn: Type.Union([Type.Null(), ColumnName]),
        labelKind: Type.Union([
          Type.Null(),
          Type.Enum(['binary', 'number']),
          Type.Object({ classes: Type.Integer({ minimum: 2, maximum: MAX_CLASSES }) }, exactly),
        ]),
        selectColumns: Type.Union([Type.Null(), columns]),
        notFeatures: columns,
        discreteColumns: columns,
        payload: PayloadColumns,
      },
      exactly,
    ),
  },
  exactly,
);

/** Refuses a well-formed draft whose fields do not fit together, so that no rule judges it by a name. */
export function checkDraft(draft: TaskDraft): void {
  const { kind, algorithm, alignment, dataset, model, modelRelease } = draft;
  const labelled = algorithm.name === 'labelled_intersection';
  const intersection = algorithm.name === 'intersection' || labelled;
  const fits = [
    ['algorithm/name', intersection === (kind === 'psi')],
    ['algorithm/partition', intersection === (algorithm.partition === 'psi')],
    ['model', (model !== null) === (kind === 'predict')],
    ['modelRelease', (modelRelease !== null) === (kind === 'train')],
    ['dataset/labelColumn', dataset.labelColumn === null || kind === 'train'],
    ['dataset/labelKind', (dataset.labelKind === null) === (dataset.labelColumn === null)],
    ['dataset/selectColumns', kind === 'train' || dataset.selectColumns !== null],
    [
      'alignment/duplicates',
      alignment.duplicates !== 'expand' || algorithm.name === 'intersection',
    ],
    ['dataset/payload', dataset.payload.length === 0 || labelled],
  ] as const;
  const [wrong] = fits.find(([, fit]) => !fit) ?? [];
  if (wrong)
    throw new ConsensusError('malformed_message', `${wrong} does not fit the kind ${kind}`);
}

/** A party's own datasets, as consensus needs them. */
export interface DatasetDirectory {
  /** The names of all columns, from the file's header: no cell is looked at. Rejects like `describe`. */
  columns(path: string, type: DatasetTerms['type']): Promise<readonly string[]>;
  /**
   * What the dataset would bring to the task: its terms with the owner's conditions, and with a
   * commitment of its own for each call.
   * Rejects with an error whose `name` is `DatasetError`, whose `code` is a word of lower-case
   * letters, digits and `_`, and whose message may be shown to the peer; `UNKNOWN_MODEL` tells what
   * only the parties of a training may know.
   * @param peer - Who asks.
   */
  describe(
    draft: TaskDraft,
    conditions: Pick<DatasetTerms, 'minimumIntersection'>,
    peer: string,
  ): Promise<{ readonly terms: DatasetTerms }>;
  /** 32 bytes hex that stand for the file, whatever the terms call it. Rejects like `describe`. */
  identity(terms: Pick<DatasetTerms, 'path' | 'type'>): Promise<string>;
  /**
   * Resolves when the data of `owner` are still what `describe` said for such a contract; rejects like
   * it.
   */
  verify(contract: Contract, owner: string): Promise<void>;
}

/** The code of a `describe` whose model this node does not know, or not with those who ask. */
export const UNKNOWN_MODEL = 'unknown_model';

/** The code of an error that a `DatasetDirectory` means for the peer; undefined for a fault. */
export function datasetErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'DatasetError' || !('code' in error)) return;
  const { code } = error;
  return typeof code === 'string' && /^[a-z0-9_]{1,48}$/.test(code) ? code : undefined;
}
