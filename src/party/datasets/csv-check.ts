import { createReadStream } from 'node:fs';
import type { CsvHeader } from './csv-header.ts';
import { DatasetError } from './dataset-error.ts';
import type { DatasetFile } from './roots.ts';

/** What a strict reading of a CSV file finds. */
export interface CsvCheck {
  /** Records after the header. Blank lines are none. */
  readonly records: number;
  /** The first record that breaks RFC 4180 or has not the header's width. */
  readonly fault: DatasetError | null;
}

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const SPACE = 0x20;

/** The longest record the database reads, its default `max_line_size`. */
const MAX_RECORD_BYTES = 2_000_000;

// Where the scan stands in a field.
const START = 0;
const PLAIN = 1;
const QUOTED = 2;
const CLOSED = 3; // after a closing quote, or in the middle of an escaped one

type LineEnd = 'LF' | 'CRLF' | 'CR';

/**
 * Reads a CSV file by RFC 4180 §2, apart from the database: it drops a last record whose
 * quote does not close without an error, its messages quote the record and its line numbers count
 * records.
 */
export async function checkCsv(file: DatasetFile, header: CsvHeader): Promise<CsvCheck> {
  const scan = new CsvScan(file.name, header);
  let isFirst = true;
  for await (const chunk of createReadStream(file.realPath) as AsyncIterable<Buffer>) {
    const fault = scan.take(isFirst && hasBom(chunk) ? chunk.subarray(3) : chunk);
    isFirst = false;
    if (fault) return { records: scan.records, fault };
  }
  const fault = scan.finish();
  return { records: scan.records, fault };
}

function hasBom(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

class CsvScan {
  records = 0;
  readonly #name: string;
  readonly #names: readonly string[];
  readonly #delimiter: number;
  #seenHeader = false;
  #line = 1;
  #recordLine = 1;
  #lineEnd: LineEnd | null = null;
  #state: number = START;
  #afterCr = false;
  /** Delimiters of the record so far. */
  #field = 0;
  #fieldBytes = 0;
  #recordBytes = 0;

  constructor(name: string, header: CsvHeader) {
    this.#name = name;
    this.#names = header.names;
    this.#delimiter = header.delimiter.charCodeAt(0);
  }

  take(chunk: Uint8Array): DatasetError | null {
    // Locals: the loop runs for every byte of a file.
    const delimiter = this.#delimiter;
    let state = this.#state;
    let fieldBytes = this.#fieldBytes;
    let from = -this.#recordBytes; // offset at which the record began
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!;
      if (state === QUOTED) {
        if (byte === QUOTE) state = CLOSED;
        else if (byte === LF) this.#line++;
        continue;
      }
      const afterCr = this.#afterCr;
      if (afterCr) this.#afterCr = false;
      if (byte === LF || (afterCr && byte !== LF)) {
        if (byte === LF) this.#line++;
        const fault =
          this.#tooLong(i - from) ??
          this.#endRecord(byte !== LF ? 'CR' : afterCr ? 'CRLF' : 'LF', state, fieldBytes);
        if (fault) return fault;
        from = i + (byte === LF ? 1 : 0);
        state = START;
        fieldBytes = 0;
        if (byte === LF) continue;
      }
      if (byte === delimiter) {
        this.#field++;
        fieldBytes = 0;
        state = START;
      } else if (byte === QUOTE && state !== PLAIN) {
        state = QUOTED;
      } else if (byte === CR) {
        this.#afterCr = true;
      } else if (state === CLOSED && byte !== SPACE) {
        return this.#fault(`has text after a closing quote ${this.#column()}`);
      } else {
        fieldBytes++;
        if (byte !== SPACE && state === START) state = PLAIN;
      }
    }
    this.#state = state;
    this.#fieldBytes = fieldBytes;
    this.#recordBytes = chunk.length - from;
    return this.#tooLong(this.#recordBytes);
  }

  finish(): DatasetError | null {
    if (this.#state === QUOTED)
      return this.#fault(`has a quote that does not close ${this.#column()}`);
    return this.#endRecord(this.#afterCr ? 'CR' : null, this.#state, this.#fieldBytes);
  }

  #endRecord(end: LineEnd | null, state: number, fieldBytes: number): DatasetError | null {
    if (end !== null && this.#lineEnd !== null && this.#lineEnd !== end) {
      return this.#fault(`ends with ${end} where earlier lines end with ${this.#lineEnd}`);
    }
    this.#lineEnd ??= end;
    const isEmptyField = fieldBytes === 0 && state === START;
    const width = this.#names.length;
    const fields = this.#field + 1;
    const isBlank = fields === 1 && isEmptyField;
    // A delimiter at the line's end is common and harmless.
    const hasEmptyExtra = fields === width + 1 && isEmptyField;
    if (!isBlank && fields !== width && !hasEmptyExtra) {
      return this.#fault(`has ${fields} fields where the header has ${width}`);
    }
    if (!isBlank) {
      if (this.#seenHeader) this.records++;
      this.#seenHeader = true;
    }
    this.#recordLine = this.#line;
    this.#field = 0;
    return null;
  }

  #tooLong(bytes: number): DatasetError | null {
    return bytes > MAX_RECORD_BYTES ? this.#fault('is longer than 2 MB') : null;
  }

  #fault(what: string): DatasetError {
    const row = this.#seenHeader ? `row ${this.records + 1}` : 'the header';
    return new DatasetError(
      'malformed',
      `${this.#name}: ${row} (line ${this.#recordLine}) ${what}`,
    );
  }

  #column(): string {
    const name = this.#names[this.#field];
    return name === undefined ? `in field ${this.#field + 1}` : `in column ${name}`;
  }
}
