import { DatasetError } from './dataset-error.ts';
import type { Storage, Table } from './table.ts';

/**
 * What a cell of a numeric column is, if it is not a finite number. Numbers of this kind cannot be
 * valid cells themselves, so a column of cells is one plain array.
 */
export const MISSING: number = Number.POSITIVE_INFINITY;
/** A number, but infinite or NaN. */
export const NOT_FINITE: number = Number.NEGATIVE_INFINITY;
// NaN: not a number.

/**
 * Feature cells with these texts (case and outer space ignored) are missing, as are empty cells.
 */
const MISSING_MARKS = ['NA', 'N/A', 'NULL'];

/**
 * SQL for a numeric cell: a finite DOUBLE, `MISSING`, `NOT_FINITE`, or NaN for what is not a
 * number. Text counts as a number in decimal notation with a point and an optional exponent.
 */
export function numericCell(column: string, storage: Storage): string {
  if (storage === 'boolean') return `coalesce(${column}::INTEGER::DOUBLE, 'inf'::DOUBLE)`;
  if (storage === 'integer' || storage === 'real') {
    const value = `${column}::DOUBLE`;
    return `CASE WHEN ${column} IS NULL THEN 'inf'::DOUBLE WHEN isfinite(${value}) THEN ${value} ELSE '-inf'::DOUBLE END`;
  }
  if (storage !== 'text') {
    return `CASE WHEN ${column} IS NULL THEN 'inf'::DOUBLE ELSE 'nan'::DOUBLE END`;
  }
  const value = `try_cast(${column} AS DOUBLE)`; // accepts 1_000, which is no number here
  const marks = ['', ...MISSING_MARKS].map((mark) => `'${mark}'`).join(', ');
  return `CASE WHEN isfinite(${value}) AND NOT contains(${column}, '_') THEN ${value}
    WHEN ${column} IS NULL OR upper(trim(${column}, ${SPACE})) IN (${marks}) THEN 'inf'::DOUBLE
    WHEN ${value} IS NOT NULL AND NOT contains(${column}, '_') THEN '-inf'::DOUBLE
    ELSE 'nan'::DOUBLE END`;
}

/** SQL for a two-valued label: as `numericCell`, and true and false are 1 and 0. */
export function binaryCell(column: string, storage: Storage): string {
  const numeric = numericCell(column, storage);
  if (storage !== 'text') return numeric;
  return `CASE lower(trim(${column}, ${SPACE})) WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE ${numeric} END`;
}

/** SQL for a categorical cell: its text without outer space, or NULL if that is empty. */
export function categoricalCell(column: string, storage: Storage): string {
  const text = storage === 'text' ? column : `CAST(${column} AS VARCHAR)`;
  return `nullif(trim(${text}, ${SPACE}), '')`;
}

/** What `keyCell` gives for a cell that has no key's type; as a text it is blank, and so no key. */
export const NOT_A_KEY = '\v';

/**
 * SQL for a key cell before `canonicalKey`; a missing one is empty. Text as it stands, integers in
 * decimal notation: the integer 12 and the text 12 are the same key, the texts 012 and 12.0 are others.
 * What has no text of its own (floats, times, truth values, JSON lists) is refused: it would depend on
 * the writer, and two parties would silently have no record in common.
 */
export function keyCell(table: Table, index: number): string {
  const storage = table.storage[index]!;
  if (storage === 'text') return `coalesce(c${index}, '')`;
  if (storage === 'json') {
    return `coalesce(CASE WHEN c${index}::VARCHAR = 'null' THEN ''
      WHEN c${index}::VARCHAR LIKE '"%' THEN c${index}->>'$'
      WHEN c${index} IS NULL OR regexp_full_match(c${index}::VARCHAR, '-?[0-9]+') THEN c${index}::VARCHAR
      ELSE chr(11) END, '')`;
  }
  if (storage === 'integer' || storage === 'uuid') {
    return `coalesce(CAST(c${index} AS VARCHAR), '')`;
  }
  throw new DatasetError(
    'bad_key',
    `${table.file.name}: column ${table.names[index]} cannot be a key: write it as text or integer`,
  );
}

/**
 * SQL for a payload cell: its text as CSV shows it, as it stands; a missing one is empty. What has no
 * text of one line in CSV (lists, structures, binary) is refused.
 */
export function payloadCell(table: Table, index: number): string {
  const storage = table.storage[index]!;
  if (storage === 'other') {
    throw new DatasetError(
      'bad_selection',
      `${table.file.name}: column ${table.names[index]} cannot be sent: write it as text or number`,
    );
  }
  const text = storage === 'text' ? `c${index}` : `CAST(c${index} AS VARCHAR)`;
  return `coalesce(${text}, '')`;
}

/**
 * The form in which keys of all parties are compared: Unicode NFC, so that a letter with its accent is
 * one text however it is composed; no outer white space of any script, nor byte order mark; case,
 * inner space, leading zeros and full-width digits kept.
 */
export function canonicalKey(text: string): string {
  const trimmed = text.trim();
  return ASCII.test(trimmed) ? trimmed : trimmed.normalize('NFC');
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range
const ASCII = /^[\u0000-\u007f]*$/;

/** White space around a cell that is not part of it. */
const SPACE = `' ' || chr(9) || chr(10) || chr(13)`;
