import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { ApiError } from './api-error.ts';

/** A JSON object of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The value, typed by its schema. Throws `INVALID_REQUEST` that names the first offending field.
 * Fields that the schema does not mention pass.
 * @param whole what the value is called when it is wrong as a whole
 * @param prefix stands before the names of its fields
 */
export function checkShape<S extends TSchema>(
  schema: S,
  value: unknown,
  whole = 'the request body',
  prefix = '',
): Static<S> {
  if (Value.Check(schema, value)) return value;
  const [error] = Value.Errors(schema, value);
  const at = error ? fieldName(error.instancePath) : '';
  const field = at === '' ? whole : `${prefix}${at}`;
  throw new ApiError('INVALID_REQUEST', `${field} ${reasonOf(error)}`);
}

/** `/data_providers/0/name` -> `data_providers[0].name`. */
function fieldName(pointer: string): string {
  if (pointer === '') return '';
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part, i) => (/^\d+$/.test(part) ? `[${part}]` : `${i === 0 ? '' : '.'}${part}`))
    .join('');
}

function reasonOf(error: { message: string; params: object } | undefined): string {
  if (!error) return 'is invalid';
  if ('allowedValues' in error.params && Array.isArray(error.params.allowedValues)) {
    return `must be one of ${error.params.allowedValues.join(', ')}`;
  }
  return error.message === 'schema is false' ? 'is not known here' : error.message;
}

/**
 * A field that may be an object or a JSON text of one; absent, null, "" and {} all mean "not given",
 * which is `null`. A text such as `{""}` is malformed JSON.
 */
export function objectOrJson(field: string, value: unknown): JsonObject | null {
  if (value === undefined || value === null) return null;
  const parsed = typeof value === 'string' ? parseJson(field, value) : value;
  if (parsed === null) return null;
  if (!isJsonObject(parsed)) {
    throw new ApiError('INVALID_REQUEST', `${field} must be an object or the JSON text of one`);
  }
  return Object.keys(parsed).length === 0 ? null : parsed;
}

function parseJson(field: string, text: string): unknown {
  if (text.trim() === '') return null;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError('INVALID_REQUEST', `${field} is not valid JSON`, { cause });
  }
}
