/** The columns whose values together tell which record is which: one, or several in one order. */
import Type, { type TUnsafe } from 'typebox';
import { MAX_KEY_COLUMNS } from '../consensus/contract-limits.ts';
import { ApiError } from './api-error.ts';

const columns = {
  minLength: 1,
  maxLength: 512,
  items: { type: 'string', minLength: 1, maxLength: 512 },
  minItems: 1,
  maxItems: MAX_KEY_COLUMNS,
  description:
    'The column that tells which record is which; or several, whose values make the key together, in the same order at every party.',
} as const;

export const keyColumn: TUnsafe<string | readonly string[]> = Type.Unsafe({
  type: ['string', 'array'],
  ...columns,
});

export const optionalKeyColumn = Type.Optional(
  Type.Unsafe<string | readonly string[] | null>({ type: ['string', 'array', 'null'], ...columns }),
);

/** The columns of a `key_column`. Throws `INVALID_REQUEST` naming the field when one comes twice. */
export function parseKeyColumns(field: string, value: string | readonly string[]): string[] {
  const names = [value].flat();
  rejectRepeated(field, names);
  return names;
}

/** Throws `INVALID_REQUEST` when a list names a column twice. */
export function rejectRepeated(field: string, names: readonly string[]): void {
  const again = names.findIndex((name, i) => names.indexOf(name) < i);
  if (again < 0) return;
  throw new ApiError('INVALID_REQUEST', `${field} names ${names[again]} twice; name it once`);
}
