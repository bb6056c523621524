import type { TextColumn } from '../../../protocols/psi/text-column.ts';

/** Bytes a chunk, about: own choice. */
const CHUNK_BYTES = 1 << 18;

const COMMA = 0x2c;
const LF = 0x0a;
const QUOTE = 0x22;

/** 1 for every byte that stands for itself and never needs quotes: ASCII without those of `NEEDS_QUOTES`. */
const PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x80 && !needsQuotes(String.fromCharCode(byte))),
);

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Writes a CSV file in UTF-8, cell by cell. Cells are quoted as RFC 4180 §2 has it, also where a reader
 * could take another character for the delimiter. Lines end with LF: tools that work by lines would take
 * a CR for a part of the last cell.
 */
export class CsvWriter {
  readonly #chunks: Uint8Array[] = [];
  #bytes = new Uint8Array(CHUNK_BYTES);
  #end = 0;
  #isFirst = true;

  /** A cell of a text; an empty one is quoted. */
  text(text: string): void {
    const isQuoted = text === '' || needsQuotes(text);
    const bytes = encoder.encode(isQuoted ? `"${text.replaceAll('"', '""')}"` : text);
    this.#open(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** A cell of row i of a column. */
  cell({ bytes, starts }: TextColumn, i: number): void {
    const from = starts[i]!;
    const to = starts[i + 1]!;
    this.#open(2 * (to - from) + 2);
    const out = this.#bytes; // locals: the loop runs for every byte of a file
    let end = this.#end;
    let isPlain = from < to ? 1 : 0;
    for (let k = from; k < to; k++) {
      const byte = bytes[k]!;
      out[end++] = byte;
      isPlain &= PLAIN[byte]!;
    }
    if (isPlain === 1) this.#end = end;
    else this.#unusual(bytes.subarray(from, to));
  }

  /** A cell of a number, as JavaScript writes it. */
  number(value: number): void {
    const digits = String(value);
    this.#open(digits.length);
    for (let k = 0; k < digits.length; k++) this.#bytes[this.#end++] = digits.charCodeAt(k);
  }

  /** A cell with nothing in it, which is another thing than an empty text. */
  nothing(): void {
    this.#open(0);
  }

  endLine(): void {
    this.#reserve(1);
    this.#bytes[this.#end++] = LF;
    this.#isFirst = true;
    if (this.#end >= CHUNK_BYTES) this.#flush();
  }

  /** The file, in chunks that are its caller's; nothing is left in the writer. */
  finish(): Uint8Array[] {
    if (this.#end > 0) this.#flush();
    return this.#chunks.splice(0);
  }

  #unusual(bytes: Uint8Array): void {
    if (bytes.length > 0 && !needsQuotes(decoder.decode(bytes))) {
      this.#bytes.set(bytes, this.#end);
      this.#end += bytes.length;
      return;
    }
    this.#bytes[this.#end++] = QUOTE;
    for (const byte of bytes) {
      if (byte === QUOTE) this.#bytes[this.#end++] = QUOTE;
      this.#bytes[this.#end++] = byte;
    }
    this.#bytes[this.#end++] = QUOTE;
  }

  /** Begins a cell of so many bytes at most. */
  #open(bytes: number): void {
    this.#reserve(bytes + 1);
    if (!this.#isFirst) this.#bytes[this.#end++] = COMMA;
    this.#isFirst = false;
  }

  #reserve(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }

  #flush(): void {
    this.#chunks.push(this.#bytes.slice(0, this.#end));
    this.#end = 0;
  }
}

function needsQuotes(text: string): boolean {
  return /[",;|\s]/.test(text);
}
