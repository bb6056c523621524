import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import { type TextColumn, TextColumnBuilder } from '../../protocols/psi/text-column.ts';
import { MAX_CATEGORIES } from '../consensus/contract-limits.ts';
import {
  binaryCell,
  categoricalCell,
  keyCell,
  MISSING,
  NOT_FINITE,
  numericCell,
  payloadCell,
} from './cells.ts';
import { checkCsv } from './csv-check.ts';
import { DatasetError } from './dataset-error.ts';
import { appendKeys, type KeyFault } from './key-texts.ts';
import type { Table } from './table.ts';
import { chunkTexts } from './text-vector.ts';

/** Most bytes of all key columns, and of all payload columns. */
const MAX_TEXT_BYTES = 2 ** 31;

/** What a label has to be: two values, any finite number, or a class from 0 to `classes` - 1. */
export type LabelKind = 'binary' | 'number' | { readonly classes: number };

/** Which columns to read, by index in the table, and as what. */
export interface ReadPlan {
  /** The columns whose texts are the key, in this order; null for none. */
  readonly keys: readonly number[] | null;
  readonly payload: readonly number[];
  readonly label: { readonly index: number; readonly kind: LabelKind } | null;
  readonly features: readonly {
    readonly index: number;
    readonly kind: 'numeric' | 'categorical';
  }[];
}

/** Cells as read, before missing values are filled and categories become columns. */
export interface RawColumns {
  readonly rowCount: number;
  /** Canonical text of each key column, or null if the plan names none. */
  readonly keys: readonly TextColumn[] | null;
  /** Text of each payload column; without rows if the cells were not to be kept. */
  readonly payload: readonly TextColumn[];
  readonly label: Float64Array | null;
  /**
   * Features, [rowCount, features] row-major: a number or `MISSING`; for a categorical feature the
   * position of its level in `levels`, or `MISSING`. Empty if the cells were not to be kept.
   */
  readonly cells: Float64Array;
  /** Distinct texts of each categorical feature in order of appearance; empty for numeric ones. */
  readonly levels: readonly (readonly string[])[];
  /** Missing cells of each feature. */
  readonly missing: readonly number[];
}

/**
 * Reads columns in the file's order and checks every cell on the way.
 *
 * @param capacity - rows to keep cells for, at most 2^31 cells in all; null to check only and keep keys.
 * @param plainLines - the file's independent line count, see `Prescan`; null if there is none.
 */
export async function readTable(
  connection: DuckDBConnection,
  opened: Table,
  plan: ReadPlan,
  capacity: number | null,
  plainLines: number | null,
): Promise<RawColumns> {
  const table = plan.keys === null ? opened : opened.withKeys(plan.keys);
  return readChecked(table, plainLines, async (relation) => {
    const reader = new Reader(table, plan, capacity);
    const result = await connection.stream(`SELECT ${reader.select} FROM ${relation}`);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (!chunk || chunk.rowCount === 0) return reader.finish();
      reader.take(chunk);
    }
  });
}

/**
 * Runs a read over a table on all threads if that is safe, else on one. The database's parallel CSV
 * reader looks for the start of a record in the middle of the file: with quoted fields it may fail,
 * and a record can be lost without an error where lines are nearly as long as its buffers. So a
 * file with quotes is read by one thread, and without quotes the number of records must be that of
 * the lines; one thread reads again otherwise. What one thread reads is counted apart from the
 * database too.
 */
export async function readChecked<T extends { readonly rowCount: number }>(
  table: Table,
  plainLines: number | null,
  read: (relation: string) => Promise<T>,
): Promise<T> {
  if (table.header === null) {
    return read(table.relation('parallel')).catch(async (error: unknown) => {
      throw await explain(error, table);
    });
  }
  if (plainLines !== null) {
    const result = await read(table.relation('parallel')).catch((error: unknown) => {
      // A row count that is off may be the parallel reader's fault.
      if (error instanceof DatasetError && error.code !== 'changed') throw error;
    });
    if (result?.rowCount === plainLines - 1) return result;
  }
  const result = await read(table.relation('serial')).catch(async (error: unknown) => {
    throw await explain(error, table);
  });
  const { records, fault } = await checkCsv(table.file, table.header);
  if (fault || records !== result.rowCount) throw fault ?? malformed(table, '');
  return result;
}

/** Turns an error of the database, whose message may quote values, into one that does not. */
export async function explain(
  error: unknown,
  table: Pick<Table, 'file' | 'header' | 'type'>,
): Promise<DatasetError> {
  if (error instanceof DatasetError) return error;
  const text = error instanceof Error ? error.message : '';
  if (text.startsWith('Out of Memory')) {
    const { name } = table.file;
    return new DatasetError('too_large', `${name}: needs more than data.memoryLimit to read`);
  }
  const check = table.header && (await checkCsv(table.file, table.header));
  if (check?.fault) return check.fault;
  const row = /(?:record\/value|line) (\d+)/.exec(text)?.[1];
  return malformed(table, table.type === 'json' && row ? ` near record ${row}` : '');
}

function malformed({ file, type }: Pick<Table, 'file' | 'type'>, where: string): DatasetError {
  return new DatasetError('malformed', `${file.name}: not well-formed ${type}${where}`);
}

/** Collects the cells of one pass. */
class Reader {
  readonly select: string;
  readonly #table: Table;
  readonly #plan: ReadPlan;
  readonly #capacity: number | null;
  readonly #keys: readonly TextColumnBuilder[];
  readonly #payload: readonly TextColumnBuilder[];
  readonly #label: Float64Array | null;
  readonly #labelValues = new Set<number>();
  readonly #cells: Float64Array;
  readonly #levels: Map<string, number>[];
  readonly #missing: number[];
  #rowCount = 0;
  #keyBytes = 0;
  #payloadBytes = 0;

  constructor(table: Table, plan: ReadPlan, capacity: number | null) {
    this.#table = table;
    this.#plan = plan;
    this.#capacity = capacity;
    this.#keys = (plan.keys ?? []).map(() => new TextColumnBuilder());
    this.#payload = plan.payload.map(() => new TextColumnBuilder());
    this.#label = plan.label && new Float64Array(capacity ?? 0);
    this.#cells = new Float64Array((capacity ?? 0) * plan.features.length);
    this.#levels = plan.features.map(() => new Map());
    this.#missing = plan.features.map(() => 0);
    const cell = (
      index: number,
      make: (column: string, storage: Table['storage'][number]) => string,
    ) => make(`c${index}`, table.storage[index]!);
    this.select = [
      plan.label === null
        ? 'NULL'
        : cell(plan.label.index, plan.label.kind === 'binary' ? binaryCell : numericCell),
      ...(plan.keys ?? []).map((index) => keyCell(table, index)),
      ...plan.payload.map((index) => payloadCell(table, index)),
      ...plan.features.map(({ index, kind }) =>
        cell(index, kind === 'numeric' ? numericCell : categoricalCell),
      ),
    ].join(', ');
  }

  take(chunk: DuckDBDataChunk): void {
    const first = this.#rowCount;
    const rows = chunk.rowCount;
    if (this.#capacity !== null && first + rows > this.#capacity) throw changed(this.#table);
    if (this.#plan.label) this.#takeLabel(numbers(chunk, 0), this.#plan.label.index);
    this.#takeKeys(chunk, 1);
    this.#takePayload(chunk, 1 + this.#keys.length);
    const firstFeature = 1 + this.#keys.length + this.#payload.length;
    this.#plan.features.forEach(({ index, kind }, f) => {
      const column = firstFeature + f;
      if (kind === 'numeric') this.#takeNumbers(numbers(chunk, column), f, index);
      else this.#takeLevels(chunk.getColumnValues(column) as (string | null)[], f, index);
    });
    this.#rowCount += rows;
  }

  finish(): RawColumns {
    if (this.#capacity !== null && this.#rowCount !== this.#capacity) throw changed(this.#table);
    const { label } = this.#plan;
    if (label?.kind === 'binary' && this.#rowCount > 0) {
      this.#checkTwoValues(this.#table.names[label.index]!);
    }
    return {
      rowCount: this.#rowCount,
      keys: this.#plan.keys && this.#keys.map((column) => column.finish()),
      payload: this.#payload.map((column) => column.finish()),
      label: this.#label,
      cells: this.#cells,
      levels: this.#levels.map((map) => [...map.keys()]),
      missing: this.#missing,
    };
  }

  #takeKeys(chunk: DuckDBDataChunk, first: number): void {
    let fault: (KeyFault & { readonly index: number }) | undefined; // of the first such row
    this.#keys.forEach((keys, k) => {
      const texts = chunkTexts(chunk, first + k, MAX_TEXT_BYTES - this.#keyBytes);
      if (!texts) throw this.#tooLarge('keys');
      this.#keyBytes += texts.bytes.length;
      const found = appendKeys(keys, texts);
      if (found && !(fault && fault.row <= found.row)) {
        fault = { ...found, index: this.#plan.keys![k]! };
      }
    });
    if (!fault) return;
    const what = fault.code === 'missing_key' ? 'has no key' : 'is neither text nor an integer';
    throw this.#fault(fault.code, fault.row, fault.index, what);
  }

  #takePayload(chunk: DuckDBDataChunk, first: number): void {
    this.#payload.forEach((column, p) => {
      const texts = chunkTexts(chunk, first + p, MAX_TEXT_BYTES - this.#payloadBytes);
      if (!texts) throw this.#tooLarge('payload');
      this.#payloadBytes += texts.bytes.length;
      if (this.#capacity !== null) column.appendColumn(texts);
    });
  }

  #takeLabel(values: Float64Array, index: number): void {
    const { kind } = this.#plan.label!;
    const binary = kind === 'binary';
    const classes = typeof kind === 'object' ? kind.classes : null;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value === MISSING) throw this.#fault('missing_label', i, index, 'has no label');
      if (!Number.isFinite(value)) throw this.#notNumber(value, i, index);
      if (classes !== null && !(Number.isInteger(value) && value >= 0 && value < classes)) {
        const what = `is no class: ${classes} classes are the whole numbers from 0 to ${classes - 1}`;
        throw this.#fault('not_class', i, index, what);
      }
      // One beyond two values is enough to refuse the column.
      if (binary && this.#labelValues.size < 3) this.#labelValues.add(value);
    }
    if (this.#capacity === null) return;
    this.#label!.set(values, this.#rowCount);
  }

  #checkTwoValues(column: string): void {
    const values = [...this.#labelValues].sort((a, b) => a - b);
    const isBinary =
      values.length === 2 && values[1] === 1 && (values[0] === 0 || values[0] === -1);
    if (!isBinary) {
      const count = values.length > 2 ? 'more than two values' : `${values.length} value(s)`;
      throw new DatasetError(
        'not_binary',
        `${this.#table.file.name}: label column ${column} has ${count}; a classification needs both 0 and 1 (or -1 and 1, or false and true) and no other`,
      );
    }
    if (values[0] === -1) {
      const label = this.#label!;
      for (let i = 0; i < label.length; i++) if (label[i] === -1) label[i] = 0;
    }
  }

  #takeNumbers(values: Float64Array, f: number, index: number): void {
    const d = this.#plan.features.length;
    const keep = this.#capacity !== null;
    const cells = this.#cells;
    let missing = 0;
    for (let i = 0, at = this.#rowCount * d + f; i < values.length; i++, at += d) {
      const value = values[i]!;
      if (value - value !== 0) {
        // MISSING, NOT_FINITE or NaN
        if (value !== MISSING) throw this.#notNumber(value, i, index);
        missing++;
      }
      if (keep) cells[at] = value;
    }
    this.#missing[f]! += missing;
  }

  #takeLevels(texts: readonly (string | null)[], f: number, index: number): void {
    const d = this.#plan.features.length;
    const keep = this.#capacity !== null;
    const levels = this.#levels[f]!;
    for (let i = 0, at = this.#rowCount * d + f; i < texts.length; i++, at += d) {
      const text = texts[i]!;
      let cell: number;
      if (text === null) {
        cell = MISSING;
        this.#missing[f]!++;
      } else {
        cell = levels.get(text) ?? levels.size;
        if (cell === levels.size) levels.set(text, cell);
      }
      if (keep) this.#cells[at] = cell;
    }
    if (levels.size > MAX_CATEGORIES) {
      throw new DatasetError(
        'too_many_categories',
        `${this.#table.file.name}: column ${this.#table.names[index]} has more than ${MAX_CATEGORIES} categories`,
      );
    }
  }

  #notNumber(value: number, offset: number, index: number): DatasetError {
    return value === NOT_FINITE
      ? this.#fault('not_finite', offset, index, 'is not finite')
      : this.#fault('not_numeric', offset, index, 'is not a number');
  }

  #tooLarge(what: string): DatasetError {
    const { name } = this.#table.file;
    return new DatasetError('too_large', `${name}: the ${what} are more than 2 GiB of text`);
  }

  #fault(code: DatasetError['code'], offset: number, index: number, what: string): DatasetError {
    const { file, names } = this.#table;
    const row = this.#rowCount + offset + 1;
    return new DatasetError(code, `${file.name}: row ${row}, column ${names[index]}: ${what}`);
  }
}

/** The numbers of a DOUBLE column without NULLs: a view into the chunk. */
function numbers(chunk: DuckDBDataChunk, column: number): Float64Array {
  const { items } = chunk.getColumnVector(column) as unknown as { items: Float64Array };
  return items.subarray(0, chunk.rowCount);
}

function changed({ file }: Table): DatasetError {
  return new DatasetError('changed', `${file.name}: has changed since it was described`);
}
