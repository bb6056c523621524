import Type, { type Static } from 'typebox';
import { ALGORITHM_NAMES, type AlgorithmName, algorithmName } from './algorithm-name.ts';
import { ApiError } from './api-error.ts';
import { type HyperParameters, parseHyperParameters } from './hyper-parameters.ts';
import { checkShape, type JsonObject, objectOrJson } from './json-shape.ts';
import { METRIC_NAMES, type MetricName } from './metric-name.ts';
import type { Warning } from './warning.ts';

/** Parties a task may have; far above what vertical training is meant for. */
const MAX_PARTIES = 32;
const MAX_COLUMNS = 10_000;

const name = Type.String({ minLength: 1, maxLength: 128 });
const column = Type.String({ minLength: 1, maxLength: 512 });
const optionalColumn = Type.Optional(
  Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength: 512 }),
);
const columns = Type.Optional(
  Type.Unsafe<readonly string[] | null>({
    type: ['array', 'null'],
    items: column,
    maxItems: MAX_COLUMNS,
  }),
);
const objectOrText = Type.Optional(
  Type.Unsafe<JsonObject | string | null>({ type: ['object', 'string', 'null'] }),
);

const DataProviderBody = Type.Object({
  name,
  data_path: Type.String({ minLength: 1, maxLength: 4096 }),
  data_type: Type.String({ minLength: 1, maxLength: 16 }),
  label_column: optionalColumn,
  key_column: optionalColumn,
  select_columns: columns,
  discrete_cols: columns,
  discrete_columns: columns,
});

/** The body of `runModelTrainTask`: its fields and their types. Further rules are in the parser. */
export const TrainRequestBody = Type.Object({
  data_providers: Type.Array(DataProviderBody, { minItems: 1, maxItems: MAX_PARTIES }),
  result_receivers: Type.Array(name, { minItems: 1, maxItems: MAX_PARTIES }),
  algorithm: Type.Optional(Type.Unsafe<string | null>({ type: ['string', 'null'] })),
  hyper_params: objectOrText,
  model_config: objectOrText,
  metrics: Type.Optional(
    Type.Unsafe<readonly string[] | null>({
      type: ['array', 'null'],
      items: Type.String({ maxLength: 64 }),
      maxItems: 64,
    }),
  ),
  async: Type.Optional(Type.Boolean()),
  partition: Type.Optional(Type.Enum(['auto', 'vertical', 'horizontal'])),
  privacy: Type.Optional(Type.Unsafe<JsonObject | null>({ type: ['object', 'null'] })),
  label_owner: Type.Optional(
    Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength: 128 }),
  ),
  strict: Type.Optional(Type.Boolean()),
  purpose: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
});

type Body = Static<typeof TrainRequestBody>;
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
  readonly type: DataType;
  readonly labelColumn: string | null;
  readonly keyColumn: string | null;
  /** Null: every column but key and label. Never empty. */
  readonly selectColumns: readonly string[] | null;
  readonly discreteColumns: readonly string[];
}

export type DataType = 'csv' | 'json' | 'parquet';

export interface PrivacyOptions {
  readonly minParticipants: number | null;
  /** Rows of one party with the same key: refuse the task, or keep the first. */
  readonly duplicates: 'reject' | 'first';
}

const DATA_TYPES: readonly DataType[] = ['csv', 'json', 'parquet'];
const UNSPECIFIED_PURPOSE = 'unspecified';

/**
 * The canonical form of an untrusted request body. Throws `ApiError` naming the field; what is
 * legal but not understood becomes a warning, or an error when the request says `strict`.
 */
export function parseTrainRequest(json: unknown): TrainRequest {
  const body = checkShape(TrainRequestBody, json);
  const strict = body.strict ?? false;
  const warnings = unknownFields(body, strict);

  const providers = body.data_providers.map(parseProvider);
  rejectDuplicateNames(providers);
  const receivers = [...new Set(body.result_receivers)];
  if (receivers.length < body.result_receivers.length) {
    const message = 'result_receivers names a party twice; it receives the result once';
    warnings.push({ code: 'DUPLICATE_RECEIVER', message });
  }

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
    receivers,
    algorithm: body.algorithm ? parseAlgorithm('algorithm', body.algorithm) : null,
    hyper: parsed.hyper,
    metrics: parseMetrics(body.metrics ?? []),
    modelConfig: objectOrJson('model_config', body.model_config),
    async: body.async ?? false,
    partition: body.partition ?? 'auto',
    privacy: parsePrivacy(body.privacy ?? {}, providers.length),
    labelOwner,
    strict,
    purpose: body.purpose ?? UNSPECIFIED_PURPOSE,
    warnings: [...warnings, ...parsed.warnings],
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
  const type = DATA_TYPES.find((known) => known === body.data_type.toLowerCase());
  if (!type) {
    const message = `${at}.data_type must be one of ${DATA_TYPES.join(', ')}`;
    throw new ApiError('INVALID_REQUEST', message);
  }
  const selectColumns = body.select_columns ? [...new Set(body.select_columns)] : null;
  if (selectColumns?.length === 0) {
    throw new ApiError(
      'INVALID_REQUEST',
      `${at}.select_columns must not be empty; leave it out to use all columns`,
    );
  }
  const labelColumn = body.label_column ?? null;
  const keyColumn = body.key_column ?? null;
  if (labelColumn !== null && labelColumn === keyColumn) {
    const message = `${at}.label_column and ${at}.key_column must be different columns`;
    throw new ApiError('INVALID_REQUEST', message);
  }
  return {
    name: body.name,
    path: body.data_path,
    type,
    labelColumn,
    keyColumn,
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

function rejectDuplicateNames(providers: readonly DataProvider[]): void {
  const seen = new Set<string>();
  for (const [i, provider] of providers.entries()) {
    if (seen.has(provider.name)) {
      const message = `data_providers[${i}].name is the name of an earlier provider`;
      throw new ApiError('INVALID_REQUEST', message);
    }
    seen.add(provider.name);
  }
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

/**
 * Privacy options. Unlike elsewhere nothing is ignored: a protection that was asked for and cannot
 * be given must stop the task.
 */
function parsePrivacy(given: JsonObject, providerCount: number): PrivacyOptions {
  let minParticipants: number | null = null;
  let duplicates: PrivacyOptions['duplicates'] = 'reject';
  for (const [key, value] of Object.entries(given)) {
    if (value === null) continue;
    if (key === 'protocol') {
      if (value === 'secret-sharing' || value === 'he') continue; // training combines the two
      const message = 'privacy.protocol must be secret-sharing or he; others are not available';
      throw new ApiError('NOT_AVAILABLE', message);
    }
    if (key === 'min_participants' || key === 'minParticipants') {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
        throw new ApiError('INVALID_REQUEST', `privacy.${key} must be an integer > 0`);
      }
      minParticipants = Math.max(minParticipants ?? 0, value);
      continue;
    }
    if (key === 'duplicates') {
      if (value !== 'reject' && value !== 'first') {
        throw new ApiError('INVALID_REQUEST', 'privacy.duplicates must be reject or first');
      }
      duplicates = value;
      continue;
    }
    throw new ApiError('NOT_AVAILABLE', `privacy.${key} is not available`);
  }
  if (minParticipants !== null && providerCount < minParticipants) {
    throw new ApiError(
      'INVALID_REQUEST',
      `data_providers must name at least ${minParticipants} parties, as privacy.min_participants says`,
    );
  }
  return { minParticipants, duplicates };
}

function unknownFields(body: Body, strict: boolean): Warning[] {
  const unknown = Object.keys(body).filter(
    (key) => !Object.hasOwn(TrainRequestBody.properties, key),
  );
  for (const [i, provider] of body.data_providers.entries()) {
    for (const key of Object.keys(provider)) {
      if (!Object.hasOwn(DataProviderBody.properties, key)) {
        unknown.push(`data_providers[${i}].${key}`);
      }
    }
  }
  if (strict && unknown.length > 0) {
    throw new ApiError('INVALID_REQUEST', `${unknown.join(', ')}: not known, and strict is set`);
  }
  return unknown.map((field) => ({
    code: 'UNKNOWN_FIELD',
    message: `${field} is not known; ignored`,
  }));
}
