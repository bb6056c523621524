import { open } from 'node:fs/promises';
import { DatasetError } from './dataset-error.ts';
import type { DatasetFile } from './roots.ts';

/** How a CSV file separates its fields, and the names that its first record gives to them. */
export interface CsvHeader {
  readonly delimiter: string;
  readonly names: readonly string[];
}

const DELIMITERS = [',', ';', '\t', '|'] as const;
const MAX_HEADER_BYTES = 1 << 20;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const COUNTING_NUMBER = /^\d+$/;

/**
 * Reads the first record [RFC 4180] of a CSV file. The delimiter is the one of , ; tab | that
 * splits it into most fields. The database's own sniffer is not asked: it guesses from a sample,
 * this rule does not.
 */
export async function readCsvHeader(file: DatasetFile): Promise<CsvHeader> {
  const { bytes, isWholeFile } = await readStart(file.realPath);
  if (bytes.length === 0) throw new DatasetError('empty', `${file.name}: the file is empty`);
  refuseOtherTypes(file.name, bytes);
  // A character cut at the limit decodes to U+FFFD, in a header that is refused for its length.
  const text = new TextDecoder('utf-8').decode(bytes);

  let header: CsvHeader | undefined;
  for (const delimiter of DELIMITERS) {
    const names = firstRecord(text, delimiter, isWholeFile);
    if (names && names.length > (header?.names.length ?? 0)) header = { delimiter, names };
  }
  if (!header) {
    throw new DatasetError('malformed', `${file.name}: the header's quotes do not close`);
  }
  const names = header.names.map((name) => name.trim());
  checkNames(file.name, names);
  return { delimiter: header.delimiter, names };
}

/** Refuses names that cannot name columns. Says positions where the "name" may be a value. */
function checkNames(file: string, names: readonly string[]): void {
  const looksLikeValues =
    names.every((name) => name === '' || NUMBER.test(name)) ||
    names.some((name) => NUMBER.test(name) && !COUNTING_NUMBER.test(name));
  if (looksLikeValues) {
    throw new DatasetError('no_header', `${file}: the first row must name the columns`);
  }
  const unnamed = names.indexOf('');
  if (unnamed >= 0) {
    throw new DatasetError('no_header', `${file}: column ${unnamed + 1} has no name`);
  }
  refuseDuplicates(file, names);
}

/**
 * Refuses two columns of one name, by position: a first row of values would show up in the message.
 */
export function refuseDuplicates(file: string, names: readonly string[]): void {
  const second = names.findIndex((name, i) => names.indexOf(name) < i);
  if (second < 0) return;
  const first = names.indexOf(names[second]!);
  throw new DatasetError(
    'duplicate_column',
    `${file}: columns ${first + 1} and ${second + 1} have the same name`,
  );
}

async function readStart(path: string): Promise<{ bytes: Buffer; isWholeFile: boolean }> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(MAX_HEADER_BYTES + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return { bytes: buffer.subarray(0, length), isWholeFile: length <= MAX_HEADER_BYTES };
  } finally {
    await handle.close();
  }
}

function refuseOtherTypes(name: string, bytes: Buffer): void {
  const isParquet = bytes.subarray(0, 4).equals(Buffer.from('PAR1'));
  const isArchive =
    (bytes[0] === 0x1f && bytes[1] === 0x8b) ||
    (bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2]! < 9);
  const isJson = /^\uFEFF?\s*(\{\s*("|\})|\[\s*(\{|\]))/.test(bytes.toString('utf8', 0, 256));
  if (isParquet || isArchive || isJson) {
    const content = isParquet ? 'Parquet' : isJson ? 'JSON' : 'compressed data';
    throw new DatasetError('bad_type', `${name}: not CSV, the content is ${content}`);
  }
}

/** The fields of the first record, or null if it does not end in the text. */
function firstRecord(text: string, delimiter: string, isWholeFile: boolean): string[] | null {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    let field = '';
    if (text[at] === '"') {
      for (at++; ; at++) {
        if (at >= text.length) return null;
        if (text[at] !== '"') field += text[at];
        else if (text[at + 1] === '"') field += text[at++];
        else break;
      }
      at++;
    }
    const start = at;
    while (at < text.length && text[at] !== delimiter && text[at] !== '\n' && text[at] !== '\r')
      at++;
    fields.push(field + text.slice(start, at));
    if (text[at] === delimiter) at++;
    else return at < text.length || isWholeFile ? fields : null;
  }
}
