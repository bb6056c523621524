import type { TSchema } from 'typebox';
import { ApiError } from './api-error.ts';
import { checkShape, isJsonObject } from './json-shape.ts';

/**
 * The parameters of a query, typed by their schema: text that stands for an integer becomes one. Throws
 * `INVALID_REQUEST` naming the parameter, for one that is not known as well: a filter with a typing
 * error would find everything.
 */
export function checkQuery(schema: TSchema, given: unknown): object {
  const { properties } = schema as { readonly properties?: Record<string, { type?: unknown }> };
  const known = properties ?? {};
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(isJsonObject(given) ? given : {})) {
    const property = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!property) {
      const names = Object.keys(known).join(', ');
      throw new ApiError('INVALID_REQUEST', `${name} is not known here; known: ${names}`);
    }
    const isNumber = property.type === 'integer' && /^-?\d{1,15}$/.test(String(text));
    values[name] = isNumber ? Number(text) : text;
  }
  return checkShape(schema, values, 'the query') as object;
}
