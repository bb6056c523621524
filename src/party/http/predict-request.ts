import Type, { type Static } from 'typebox';
import type { EngineWish } from '../tasks/psi-engine.ts';
import { ApiError } from './api-error.ts';
import { checkShape, objectOrJson } from './json-shape.ts';
import { parseKeyColumns } from './key-columns.ts';
import { type PrivacyOptions, parsePrivacy } from './privacy-options.ts';
import {
  ID_PATTERN,
  MAX_PARTIES,
  parseDataType,
  parseReceivers,
  RecordsBody,
  type RecordsFields,
  receivers,
  rejectDuplicateNames,
  TASK_FIELDS,
  UNSPECIFIED_PURPOSE,
  unknownFields,
} from './request-fields.ts';
import type { DataProvider } from './train-request.ts';
import type { Warning } from './warning.ts';

const ParamsBody = Type.Object({
  threshold: Type.Optional(
    Type.Unsafe<number | null>({ type: ['number', 'null'], minimum: 0, maximum: 1 }),
  ),
});

/** The body of `runModelPredictTask`: its fields and their types. Further rules are in the parser. */
export const PredictRequestBody = Type.Object(
  {
    data_providers: Type.Array(RecordsBody, { minItems: 1, maxItems: MAX_PARTIES }),
    result_receivers: receivers,
    model_id: Type.String({ pattern: ID_PATTERN }),
    params: Type.Optional(
      Type.Unsafe<Static<typeof ParamsBody> | string | null>({
        type: ['object', 'string', 'null'],
        description:
          'threshold: a probability in place of the model’s own, where it tells one of two classes',
      }),
    ),
    ...TASK_FIELDS,
  },
  {
    examples: [
      {
        data_providers: [
          { name: 'orgA', data_path: 'new.csv', data_type: 'csv', key_column: 'id' },
          { name: 'orgB', data_path: 'new.csv', data_type: 'csv', key_column: 'id' },
        ],
        result_receivers: ['orgA'],
        model_id: 'model-01jkh3v5qy8m2r4t6w8x0z1a3c',
        params: { threshold: 0.5 },
      },
    ],
  },
);

/** A provider of records to score. Its columns are those of the model. */
export type PredictProvider = Pick<DataProvider, 'name' | 'path' | 'type' | 'keyColumns'>;

/** A prediction request in its one canonical form. */
export interface PredictRequest {
  /** Those that trained the model; one alone when its file holds every column of a released model. */
  readonly providers: readonly PredictProvider[];
  readonly receivers: readonly string[];
  readonly modelId: string;
  /** Null: the model's own. */
  readonly threshold: number | null;
  readonly duplicates: PrivacyOptions['duplicates'];
  /** Common records below which nothing is scored; 0 for none. */
  readonly minimumIntersection: number;
  readonly engine: EngineWish;
  readonly async: boolean;
  readonly purpose: string;
  readonly warnings: readonly Warning[];
}

/**
 * The canonical form of an untrusted request body. Throws `ApiError` naming the field; what is
 * legal but not understood becomes a warning, or an error when the request says `strict`.
 */
export function parsePredictRequest(json: unknown): PredictRequest {
  const body = checkShape(PredictRequestBody, json);
  const params = checkShape(
    ParamsBody,
    objectOrJson('params', body.params) ?? {},
    'params',
    'params.',
  );
  const warnings = unknownFields(
    [
      ['', body, PredictRequestBody],
      ...body.data_providers.map((each, i) => [`data_providers[${i}]`, each, RecordsBody] as const),
      ['params', params, ParamsBody],
    ],
    body.strict ?? false,
  );
  const providers = body.data_providers.map(parseProvider);
  rejectDuplicateNames(providers);
  requireKeys(providers);
  const received = parseReceivers(body.result_receivers);
  const { duplicates, minimumIntersection, engine } = parsePrivacy(body.privacy ?? {}, [
    'duplicates',
    'minimumIntersection',
    'engine',
  ]);
  return {
    providers,
    receivers: received.receivers,
    modelId: body.model_id,
    threshold: params.threshold ?? null,
    duplicates,
    minimumIntersection,
    engine,
    async: body.async ?? false,
    purpose: body.purpose ?? UNSPECIFIED_PURPOSE,
    warnings: [...warnings, ...received.warnings],
  };
}

function parseProvider(body: RecordsFields, i: number): PredictProvider {
  const at = `data_providers[${i}]`;
  const { key_column: key } = body;
  return {
    name: body.name,
    path: body.data_path,
    type: parseDataType(`${at}.data_type`, body.data_type),
    keyColumns: key == null ? null : parseKeyColumns(`${at}.key_column`, key),
  };
}

/** Records are aligned by key at every party, or by row at every party. */
function requireKeys(providers: readonly PredictProvider[]): void {
  const without = providers.filter(({ keyColumns }) => keyColumns === null);
  if (without.length === 0 || without.length === providers.length) return;
  const names = without.map(({ name }) => name).join(', ');
  throw new ApiError(
    'INVALID_REQUEST',
    `key_column is missing at ${names}; give it for every provider or for none`,
  );
}
