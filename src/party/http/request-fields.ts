/** Fields that the bodies of several operations have, and what parsers do with them. */
import Type, { type Static, type TObject } from 'typebox';
import type { DatasetType } from '../datasets/registered-name.ts';
import { ApiError } from './api-error.ts';
import type { JsonObject } from './json-shape.ts';
import { optionalKeyColumn } from './key-columns.ts';
import type { Warning } from './warning.ts';

/** Parties a task may have; far above what vertical training is meant for. */
export const MAX_PARTIES = 32;

/** Ids of tasks and models. */
export const ID_PATTERN = '^[A-Za-z0-9_-]{1,128}$';

const DATA_TYPES: readonly DatasetType[] = ['csv', 'json', 'parquet'];
export const UNSPECIFIED_PURPOSE = 'unspecified';

export const partyName = Type.String({ minLength: 1, maxLength: 128 });
export const column = Type.String({ minLength: 1, maxLength: 512 });
export const optionalColumn = Type.Optional(
  Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength: 512 }),
);
export const receivers = Type.Array(partyName, { minItems: 1, maxItems: MAX_PARTIES });

/** Where a provider's data is. The provider resolves the path, inside what it shares. */
export const DATA_FIELDS = {
  name: partyName,
  data_path: Type.String({
    minLength: 1,
    maxLength: 4096,
    description: 'Relative to the folders the party shares, or dataset:NAME.',
  }),
  data_type: Type.String({ minLength: 1, maxLength: 16, description: 'csv, json or parquet' }),
} as const;

/** Protections that a request asks for; `description` says which the operation knows. */
export const privacyField = (description: string) =>
  Type.Optional(Type.Unsafe<JsonObject | null>({ type: ['object', 'null'], description }));

/** What every request for a task may say. */
export const TASK_FIELDS = {
  async: Type.Optional(Type.Boolean({ description: 'Answer with 202 and the task id at once.' })),
  privacy: privacyField(
    'duplicates: rows that repeat a key: reject (the default) or first; min_intersection: with fewer common records the task ends before anybody learns which they are; psi_engine: auto, rr22 or ecdh; a training also min_participants.',
  ),
  strict: Type.Optional(Type.Boolean({ description: 'Refuse fields that are not known.' })),
  purpose: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
} as const;

/** The type of a file, in whatever case. Throws `INVALID_REQUEST` naming the field. */
export function parseDataType(field: string, text: string): DatasetType {
  const type = DATA_TYPES.find((known) => known === text.toLowerCase());
  if (type) return type;
  throw new ApiError('INVALID_REQUEST', `${field} must be one of ${DATA_TYPES.join(', ')}`);
}

/** Each receiver once, in the order given; a warning for names given twice. */
export function parseReceivers(names: readonly string[]): {
  readonly receivers: readonly string[];
  readonly warnings: readonly Warning[];
} {
  const receivers = [...new Set(names)];
  if (receivers.length === names.length) return { receivers, warnings: [] };
  const message = 'result_receivers names a party twice; it receives the result once';
  return { receivers, warnings: [{ code: 'DUPLICATE_RECEIVER', message }] };
}

/** Throws when two providers have one name. */
export function rejectDuplicateNames(providers: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  for (const [i, provider] of providers.entries()) {
    if (seen.has(provider.name)) {
      const message = `data_providers[${i}].name is the name of an earlier provider`;
      throw new ApiError('INVALID_REQUEST', message);
    }
    seen.add(provider.name);
  }
}

/** Objects of a body with the schema of each, by where they stand; the body itself stands at ''. */
export type Described = readonly (readonly [at: string, value: object, schema: TObject])[];

/** A warning for each field that its schema does not have; with `strict` an error instead. */
export function unknownFields(objects: Described, strict: boolean): Warning[] {
  const unknown = objects.flatMap(([at, value, schema]) =>
    Object.keys(value)
      .filter((key) => !Object.hasOwn(schema.properties, key))
      .map((key) => `${at === '' ? '' : `${at}.`}${key}`),
  );
  if (strict && unknown.length > 0) {
    throw new ApiError('INVALID_REQUEST', `${unknown.join(', ')}: not known, and strict is set`);
  }
  return unknown.map((field) => ({
    code: 'UNKNOWN_FIELD',
    message: `${field} is not known; ignored`,
  }));
}

/** The body of one provider without labels or features. */
export const RecordsBody = Type.Object({ ...DATA_FIELDS, key_column: optionalKeyColumn });
export type RecordsFields = Static<typeof RecordsBody>;
