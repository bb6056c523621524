/**
 * UTF-8 texts of n rows in one array: text i is bytes[starts[i], starts[i + 1]). Costs no string a row,
 * is cheap to hash, and both arrays can be transferred to another thread.
 *
 * Texts become bytes here and nowhere else, so every column is well-formed UTF-8: a lone surrogate is
 * refused, for it would be written as U+FFFD, and all of them would be one key.
 */
export interface TextColumn {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** n + 1 offsets into `bytes`, never falling; the first need not be 0. */
  readonly starts: Uint32Array<ArrayBuffer>;
}

/** Most bytes in a column: offsets have 32 bits. */
const MAX_BYTES = 2 ** 32 - 1;
/** Texts encoded by one call: a call for each would cost more than encoding it. */
const BATCH_ROWS = 512;
const FIRST_ROWS = 1024;
const FIRST_BYTES = 16_384;
/** UTF-8 bytes of a UTF-16 unit, at most. */
const BYTES_PER_UNIT = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true }); // it is part of the text

/** The texts as a column. Throws `TypeError` on a lone surrogate: names the row, never the text. */
export function textColumn(texts: readonly string[]): TextColumn {
  const builder = new TextColumnBuilder();
  builder.append(texts);
  return builder.finish();
}

/** Number of rows. */
export function columnLength(column: TextColumn): number {
  return column.starts.length - 1;
}

/** The text of row i. */
export function textAt(column: TextColumn, i: number): string {
  return decoder.decode(column.bytes.subarray(column.starts[i]!, column.starts[i + 1]!));
}

/** Rows from, ..., to - 1: a view of the column, which holds the bytes of all of them. */
export function sliceColumn(column: TextColumn, from: number, to: number): TextColumn {
  return { bytes: column.bytes, starts: column.starts.subarray(from, to + 1) };
}

/** Makes a column piece by piece, for rows that arrive in chunks. */
export class TextColumnBuilder {
  #bytes = new Uint8Array(FIRST_BYTES);
  #starts = new Uint32Array(FIRST_ROWS);
  #rows = 0;
  #end = 0;

  /** Rows so far. */
  get length(): number {
    return this.#rows;
  }

  /** Adds a row for each text. Throws `TypeError` on a lone surrogate: names its row in the column. */
  append(texts: readonly string[]): void {
    for (let from = 0; from < texts.length; from += BATCH_ROWS) {
      const batch = texts.slice(from, from + BATCH_ROWS);
      const joined = batch.join('');
      this.#reserve(batch.length, BYTES_PER_UNIT * joined.length);
      const { written } = encoder.encodeInto(joined, this.#bytes.subarray(this.#end));
      // One byte a unit: all ASCII, so that the lengths of the texts are those of their bytes.
      if (written === joined.length) for (const text of batch) this.#close(text.length);
      else for (const text of batch) this.#appendUnicode(text);
    }
  }

  /** Adds one row: bytes[from, to), which the caller knows to be well-formed UTF-8. */
  appendUtf8(bytes: Uint8Array, from: number, to: number): void {
    this.#reserve(1, to - from);
    for (let i = from, at = this.#end; i < to; i++, at++) this.#bytes[at] = bytes[i]!;
    this.#close(to - from);
  }

  /** Adds the rows of a column. */
  appendColumn(column: TextColumn): void {
    const n = columnLength(column);
    const from = column.starts[0]!;
    const to = column.starts[n]!;
    this.#reserve(n, to - from);
    this.#bytes.set(column.bytes.subarray(from, to), this.#end);
    const shift = this.#end - from;
    for (let i = 1; i <= n; i++) this.#starts[this.#rows + i] = column.starts[i]! + shift;
    this.#rows += n;
    this.#end += to - from;
  }

  /** The column, in arrays of its own; the builder is empty after. */
  finish(): TextColumn {
    const column = {
      bytes: this.#bytes.slice(0, this.#end),
      starts: this.#starts.slice(0, this.#rows + 1),
    };
    this.#bytes = new Uint8Array(FIRST_BYTES);
    this.#starts = new Uint32Array(FIRST_ROWS);
    this.#rows = 0;
    this.#end = 0;
    return column;
  }

  #appendUnicode(text: string): void {
    if (/\p{Surrogate}/u.test(text)) {
      throw new TypeError(
        `expected well-formed Unicode, got a lone surrogate in row ${this.#rows}`,
      );
    }
    this.#close(encoder.encodeInto(text, this.#bytes.subarray(this.#end)).written);
  }

  #close(bytes: number): void {
    this.#end += bytes;
    this.#starts[++this.#rows] = this.#end;
  }

  /** Makes room for so many rows and bytes more. */
  #reserve(rows: number, bytes: number): void {
    const needed = this.#end + bytes;
    if (needed > MAX_BYTES) {
      throw new RangeError(`a column expected at most ${MAX_BYTES} bytes, got ${needed} or more`);
    }
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(MAX_BYTES, Math.max(needed, 2 * this.#bytes.length)));
      grown.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = grown;
    }
    if (this.#rows + rows >= this.#starts.length) {
      const grown = new Uint32Array(Math.max(this.#rows + rows + 1, 2 * this.#starts.length));
      grown.set(this.#starts.subarray(0, this.#rows + 1));
      this.#starts = grown;
    }
  }
}
