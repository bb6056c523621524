import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
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
  let tail: Buffer = Buffer.alloc(0); // unfinished character of the chunk before, at most 3 bytes
  let lineEnds = 0; // before the present chunk, to locate an encoding fault
  let lines: number | null = 0;
  let lineIsBlank = true;
  const stream = createReadStream(file.realPath, { highWaterMark: CHUNK_BYTES });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (!isText) continue;
    const text: Buffer = tail.length > 0 ? Buffer.concat([tail, chunk]) : chunk;
    const cut = unfinishedBytes(text);
    const whole = text.subarray(0, text.length - cut);
    if (!isUtf8(whole) || whole.includes(0)) throw notUtf8(file.name, whole, lineEnds);
    tail = Buffer.from(text.subarray(text.length - cut));

    if (lines !== null && chunk.includes(QUOTE)) lines = null;
    for (let from = 0; from < chunk.length; ) {
      const at = chunk.indexOf(LF, from);
      const end = at < 0 ? chunk.length : at;
      if (lineIsBlank && hasContent(chunk, from, end)) {
        lineIsBlank = false;
        if (lines !== null) lines++;
      }
      if (at >= 0) {
        lineIsBlank = true;
        lineEnds++;
      }
      from = end + 1;
    }
  }
  if (tail.length > 0) throw notUtf8(file.name, tail, lineEnds);
  return { digest: new Uint8Array(hash.digest()), plainLines: lines };
}

/**
 * The commitment to a file's bytes that stands in a contract; hides them as long as `salt` is
 * secret.
 */
export function commitmentOf(digest: Uint8Array, salt: Uint8Array): string {
  if (salt.length !== 32) throw new RangeError(`"salt" expected 32 bytes, got ${salt.length}`);
  return createHash('sha256')
    .update('entente/dataset/v1')
    .update(salt)
    .update(digest)
    .digest('hex');
}

function hasContent(bytes: Uint8Array, from: number, end: number): boolean {
  return end - from > 1 || (end - from === 1 && bytes[from] !== CR);
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
