import { createReadStream } from 'node:fs';
import type { CsvHeader } from './csv-header.ts';
import { DatasetError } from './dataset-error.ts';
import type { DatasetFile } from './roots.ts';

const LF = 0x0a;
const CR = 0x0d;
const QUOTE = 0x22;
const SPACE = 0x20;

/** The longest record the database reads, its default `max_line_size`. */
const MAX_RECORD_BYTES = 2_000_000;

type State = 'start' | 'plain' | 'quoted' | 'closed';

/**
 * Finds the first record of a CSV file that breaks RFC 4180 or the header's width, and says where. Runs only
 * after the database has refused the file: its own messages quote the record, and its line numbers
 * count records. Null if nothing is wrong by these rules.
 */
export async function findCsvFault(
  file: DatasetFile,
  header: CsvHeader,
): Promise<DatasetError | null> {
  const delimiter = header.delimiter.charCodeAt(0);
  const width = header.names.length;
  let state: State = 'start';
  let row = 0; // 0 is the header
  let line = 1;
  let rowLine = 1;
  let field = 0;
  let fieldBytes = 0;
  let recordBytes = 0;
  let lineEnd: 'LF' | 'CRLF' | 'CR' | null = null;
  let pendingCr = false;

  const fault = (what: string): DatasetError =>
    new DatasetError('malformed', `${file.name}: row ${row} (line ${rowLine}) ${what}`);
  const column = (): string => {
    const name = header.names[field];
    return name === undefined ? `in field ${field + 1}` : `in column ${name}`;
  };

  /** Ends a record; returns what is wrong with it. */
  const endRecord = (end: 'LF' | 'CRLF' | 'CR' | null): DatasetError | null => {
    if (end !== null) {
      if (lineEnd !== null && lineEnd !== end) {
        return fault(`ends with ${end} where earlier lines end with ${lineEnd}`);
      }
      lineEnd = end;
    }
    const isBlank = field === 0 && fieldBytes === 0 && state === 'start';
    const fields = field + 1;
    const hasEmptyExtra = fields === width + 1 && fieldBytes === 0 && state === 'start';
    if (!isBlank && fields !== width && !hasEmptyExtra) {
      return fault(`has ${fields} fields where the header has ${width}`);
    }
    if (!isBlank) row++;
    rowLine = line;
    state = 'start';
    field = fieldBytes = recordBytes = 0;
    return null;
  };

  for await (const chunk of createReadStream(file.realPath) as AsyncIterable<Buffer>) {
    for (const byte of chunk) {
      const afterCr = pendingCr;
      pendingCr = false;
      if (afterCr && byte !== LF) {
        const found = endRecord('CR');
        if (found) return found;
      }
      if (++recordBytes > MAX_RECORD_BYTES) return fault('is longer than 2 MB');
      if (byte === LF) line++;
      if (state === 'quoted') {
        if (byte === QUOTE) state = 'closed';
      } else if (byte === LF) {
        const found = endRecord(afterCr ? 'CRLF' : 'LF');
        if (found) return found;
      } else if (byte === CR) {
        pendingCr = true;
      } else if (byte === delimiter) {
        field++;
        fieldBytes = 0;
        state = 'start';
      } else if (byte === QUOTE && state === 'start') {
        state = 'quoted';
      } else if (byte === QUOTE && state === 'closed') {
        state = 'quoted'; // an escaped quote
      } else if (state === 'closed' && byte !== SPACE) {
        return fault(`has text after a closing quote ${column()}`);
      } else {
        fieldBytes++;
        if (byte !== SPACE) state = state === 'start' ? 'plain' : state;
      }
    }
  }
  if (state === 'quoted') return fault(`has a quote that does not close ${column()}`);
  return field > 0 || fieldBytes > 0 || state !== 'start' ? endRecord(null) : null;
}
