import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { DatasetTerms } from '../consensus/contract.ts';
import { DatasetError } from './dataset-error.ts';
import type { DatasetFile } from './roots.ts';

/** What one pass over the bytes of a file tells. */
export interface Prescan {
  /** SHA-256 of the bytes. */
  readonly digest: Uint8Array;
  /**
   * Lines that are not blank, if the file has no quote character; else null. A CSV file without
   * quotes has one record a line, which makes this an independent count of its records.
   */
  readonly plainLines: number | null;
}

const CHUNK_BYTES = 1 << 20;
const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;

/** Hashes a file and, if it is text, refuses any encoding but UTF-8. About 0.3 s for 200 MB. */
export async function prescan(file: DatasetFile, type: DatasetTerms['type']): Promise<Prescan> {
  const hash = createHash('sha256');
  const isText = type !== 'parquet';
  const lines = new LineCount();
  let hasQuote = false;
  let carried = 0; // bytes of an unfinished character, at most 3, at the buffer's start
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  const handle = await open(file.realPath, 'r');
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, carried, CHUNK_BYTES - carried);
      if (bytesRead === 0) break;
      const text = buffer.subarray(0, carried + bytesRead);
      hash.update(text.subarray(carried));
      if (!isText) continue;
      carried = unfinishedBytes(text);
      const whole = text.subarray(0, text.length - carried);
      if (!isUtf8(whole) || whole.includes(0)) throw notUtf8(file.name, whole, lines.ends);
      hasQuote ||= whole.includes(QUOTE);
      lines.take(whole);
      buffer.copyWithin(0, whole.length, text.length);
    }
  } finally {
    await handle.close();
  }
  if (carried > 0) throw notUtf8(file.name, buffer.subarray(0, carried), lines.ends);
  return { digest: new Uint8Array(hash.digest()), plainLines: hasQuote ? null : lines.finish() };
}

/** Counts lines over chunks. A line is blank if it has nothing, or a CR alone, before its end. */
class LineCount {
  /** Line ends so far: what an encoding fault in the next chunk is located by. */
  ends = 0;
  #lines = 0; // that are not blank and have ended
  #open = 0; // bytes of the last line so far
  #last = LF;

  take(chunk: Buffer): void {
    let start = 0;
    for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, start)) {
      const length = this.#open + at - start;
      this.#open = 0;
      if (length > 1 || !isBlank(length, at === 0 ? this.#last : chunk[at - 1]!)) this.#lines++;
      this.ends++;
      start = at + 1;
    }
    this.#open += chunk.length - start;
    this.#last = chunk.at(-1) ?? this.#last;
  }

  /** Lines that are not blank. */
  finish(): number {
    return this.#lines + (isBlank(this.#open, this.#last) ? 0 : 1);
  }
}

function isBlank(length: number, last: number): boolean {
  return length === 0 || (length === 1 && last === CR);
}

/** Bytes at the end that begin a UTF-8 character and lack its rest. */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0xc0) === 0x80) continue; // continuation
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

function notUtf8(name: string, bytes: Buffer, lineEndsBefore: number): DatasetError {
  let line = lineEndsBefore + 1;
  for (let from = 0; from < bytes.length; line++) {
    const at = bytes.indexOf(LF, from);
    const end = at < 0 ? bytes.length : at;
    const content = bytes.subarray(from, end);
    if (!isUtf8(content) || content.includes(0)) break;
    from = end + 1;
  }
  return new DatasetError('not_utf8', `${name}: line ${line} is not UTF-8: convert the file`);
}
