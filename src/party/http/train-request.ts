import Type, { type Static } from 'typebox';
import type { DatasetType } from '../datasets/registered-name.ts';
import { ALGORITHM_NAMES, type AlgorithmName, algorithmName } from './algorithm-name.ts';
import { ApiError } from './api-error.ts';
import { type HyperParameters, parseHyperParameters } from './hyper-parameters.ts';
import { checkShape, type JsonObject, objectOrJson } from './json-shape.ts';
import { optionalKeyColumn, parseKeyColumns } from './key-columns.ts';
import { METRIC_NAMES, type MetricName } from './metric-name.ts';
import { type PrivacyOptions, parsePrivacy } from './privacy-options.ts';
import {
  column,
  DATA_FIELDS,
  MAX_PARTIES,
  optionalColumn,
  parseDataType,
  parseReceivers,
  receivers,
  rejectDuplicateNames,
  TASK_FIELDS,
  UNSPECIFIED_PURPOSE,
  unknownFields,
} from './request-fields.ts';
import type { Warning } from './warning.ts';

const MAX_COLUMNS = 10_000;

const columns = Type.Optional(
  Type.Unsafe<readonly string[] | null>({
    type: ['array', 'null'],
    items: column,
    maxItems: MAX_COLUMNS,
  }),
);
const objectOrText = (description: string) =>
  Type.Optional(
    Type.Unsafe<JsonObject | string | null>({ type: ['object', 'string', 'null'], description }),
  );

const DataProviderBody = Type.Object({
  ...DATA_FIELDS,
  label_column: optionalColumn,
  key_column: optionalKeyColumn,
  select_columns: columns,
  discrete_cols: columns,
  discrete_columns: columns,
});

/** Of the examples. */
const LOANS = {
  name: 'orgA',
  data_path: 'loans.csv',
  data_type: 'csv',
  key_column: 'id',
  label_column: 'y',
};
const PEOPLE = { name: 'orgB', data_path: 'people.csv', data_type: 'csv', key_column: 'id' };

/** The body of `runModelTrainTask`: its fields and their types. Further rules are in the parser. */
export const TrainRequestBody = Type.Object(
  {
    data_providers: Type.Array(DataProviderBody, {
      minItems: 1,
      maxItems: MAX_PARTIES,
      description: 'Two; of xgboost two or more.',
    }),
    result_receivers: receivers,
    algorithm: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description:
          'logistic_regression, linear_regression or xgboost; else what the request or the label tells.',
      }),
    ),
    hyper_params: objectOrText(
      'Of xgboost by the names of XGBoost and with its defaults, but for 30 trees (n_estimators, num_boost_round) of max_depth 3 with 32 bins (max_bin): every further tree and level opens more. objective: binary:logistic, reg:squarederror or multi:softprob, which needs num_class; else two values of the label are classes and others numbers. noise_multiplier: feature holders’ own noise in what is opened, 1 to 16.',
    ),
    model_config: objectOrText('Layers, which no algorithm has yet.'),
    metrics: Type.Optional(
      Type.Unsafe<readonly string[] | null>({
        type: ['array', 'null'],
        items: Type.String({ maxLength: 64 }),
        maxItems: 64,
      }),
    ),
    partition: Type.Optional(Type.Enum(['auto', 'vertical', 'horizontal'])),
    label_owner: Type.Optional(
      Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength: 128 }),
    ),
    ...TASK_FIELDS,
  },
  {
    examples: [
      {
        data_providers: [LOANS, PEOPLE],
        result_receivers: ['orgA'],
        algorithm: 'logistic_regression',
        hyper_params: { epochs: 10, learning_rate: 0.1 },
        metrics: ['accuracy', 'auc'],
        purpose: 'credit risk',
      },
      {
        data_providers: [
          LOANS,
          PEOPLE,
          { name: 'orgC', data_path: 'phones.parquet', data_type: 'parquet', key_column: 'id' },
        ],
        result_receivers: ['orgA'],
        algorithm: 'xgboost',
        hyper_params: { n_estimators: 30, max_depth: 3, eta: 0.3, early_stopping_rounds: 5 },
        metrics: ['auc', 'ks'],
        purpose: 'credit risk',
      },
    ],
  },
);

type ProviderBody = Static<typeof DataProviderBody>;

/** A training request in its one canonical form. Null means "not given". */
export interface TrainRequest {
  readonly providers: readonly DataProvider[];
  /** Without duplicates, in the order given. */
  readonly receivers: readonly string[];
  readonly algorithm: AlgorithmName | null;
  readonly hyper: HyperParameters;
  /** Without duplicates, in the order given. */
  readonly metrics: readonly MetricName[];
  readonly modelConfig: JsonObject | null;
  readonly async: boolean;
  readonly partition: 'auto' | 'vertical' | 'horizontal';
  readonly privacy: PrivacyOptions;
  readonly labelOwner: string | null;
  readonly strict: boolean;
  readonly purpose: string;
  readonly warnings: readonly Warning[];
}

export interface DataProvider {
  readonly name: string;
  readonly path: string;
  readonly type: DatasetType;
  readonly labelColumn: string | null;
  readonly keyColumns: readonly string[] | null;
  /** Null: every column but key and label. Never empty. */
  readonly selectColumns: readonly string[] | null;
  readonly discreteColumns: readonly string[];
}

/**
 * The canonical form of an untrusted request body. Throws `ApiError` naming the field; what is
 * legal but not understood becomes a warning, or an error when the request says `strict`.
 */
export function parseTrainRequest(json: unknown): TrainRequest {
  const body = checkShape(TrainRequestBody, json);
  const strict = body.strict ?? false;
  const warnings = unknownFields(
    [
      ['', body, TrainRequestBody],
      ...body.data_providers.map(
        (each, i) => [`data_providers[${i}]`, each, DataProviderBody] as const,
      ),
    ],
    strict,
  );

  const providers = body.data_providers.map(parseProvider);
  rejectDuplicateNames(providers);
  const received = parseReceivers(body.result_receivers);

  const parsed = parseHyperParameters(
    objectOrJson('hyper_params', body.hyper_params) ?? {},
    strict,
  );
  const labelOwner = body.label_owner ?? null;
  if (labelOwner !== null && !providers.some((provider) => provider.name === labelOwner)) {
    throw new ApiError('INVALID_REQUEST', 'label_owner must be the name of a data provider');
  }
  return {
    providers,
    receivers: received.receivers,
    algorithm: body.algorithm ? parseAlgorithm('algorithm', body.algorithm) : null,
    hyper: parsed.hyper,
    metrics: parseMetrics(body.metrics ?? []),
    modelConfig: objectOrJson('model_config', body.model_config),
    async: body.async ?? false,
    partition: body.partition ?? 'auto',
    privacy: parseTrainPrivacy(body.privacy ?? {}, providers.length),
    labelOwner,
    strict,
    purpose: body.purpose ?? UNSPECIFIED_PURPOSE,
    warnings: [...warnings, ...received.warnings, ...parsed.warnings],
  };
}

/** The canonical name of an algorithm. Throws `INVALID_REQUEST` naming the field. */
export function parseAlgorithm(field: string, spelling: string): AlgorithmName {
  const found = algorithmName(spelling);
  if (found) return found;
  throw new ApiError('INVALID_REQUEST', `${field} must be one of ${ALGORITHM_NAMES.join(', ')}`);
}

function parseProvider(body: ProviderBody, i: number): DataProvider {
  const at = `data_providers[${i}]`;
  const type = parseDataType(`${at}.data_type`, body.data_type);
  const selectColumns = body.select_columns ? [...new Set(body.select_columns)] : null;
  if (selectColumns?.length === 0) {
    throw new ApiError(
      'INVALID_REQUEST',
      `${at}.select_columns must not be empty; leave it out to use all columns`,
    );
  }
  const labelColumn = body.label_column ?? null;
  const { key_column: key } = body;
  const keyColumns = key == null ? null : parseKeyColumns(`${at}.key_column`, key);
  if (labelColumn !== null && keyColumns?.includes(labelColumn)) {
    const message = `${at}.label_column and ${at}.key_column must be different columns`;
    throw new ApiError('INVALID_REQUEST', message);
  }
  return {
    name: body.name,
    path: body.data_path,
    type,
    labelColumn,
    keyColumns,
    selectColumns,
    discreteColumns: parseDiscreteColumns(at, body),
  };
}

/** `discrete_cols` and `discrete_columns` are one field; both may be sent if they name the same. */
function parseDiscreteColumns(at: string, body: ProviderBody): readonly string[] {
  const one = body.discrete_columns && new Set(body.discrete_columns);
  const other = body.discrete_cols && new Set(body.discrete_cols);
  if (one && other && !(one.size === other.size && [...one].every((c) => other.has(c)))) {
    const message = `${at}.discrete_cols and ${at}.discrete_columns are the same field and differ`;
    throw new ApiError('INVALID_REQUEST', message);
  }
  return [...(one ?? other ?? [])];
}

function parseMetrics(names: readonly string[]): readonly MetricName[] {
  const metrics = names.map((name, i) => {
    const metric = METRIC_NAMES.find((known) => known === name.toLowerCase());
    if (metric) return metric;
    throw new ApiError(
      'INVALID_REQUEST',
      `metrics[${i}] must be one of ${METRIC_NAMES.join(', ')}`,
    );
  });
  return metrics.length === 0 ? ['loss'] : [...new Set(metrics)];
}

function parseTrainPrivacy(given: JsonObject, providerCount: number): PrivacyOptions {
  const privacy = parsePrivacy(given, [
    'protocol',
    'minParticipants',
    'duplicates',
    'minimumIntersection',
    'engine',
  ]);
  const { minParticipants } = privacy;
  if (minParticipants !== null && providerCount < minParticipants) {
    throw new ApiError(
      'INVALID_REQUEST',
      `data_providers must name at least ${minParticipants} parties, as privacy.min_participants says`,
    );
  }
  return privacy;
}
