/**
 * Texts of several columns as records of one length, which is all that a reader of encrypted records
 * learns of those it cannot open. A record is, for each column, the text's length in bytes (uint32
 * little-endian) and its UTF-8, then zeros.
 */
import { isUtf8 } from 'node:buffer';
import { malformed } from './malformed.ts';
import { columnLength, type TextColumn, TextColumnBuilder } from './text-column.ts';

const LENGTH_BYTES = 4;

/** Records of one length, made when they are needed. */
export interface Payload {
  readonly recordBytes: number;
  /** The records of these rows, rows.length x recordBytes; a fresh array. */
  readonly records: (rows: Uint32Array) => Uint8Array<ArrayBuffer>;
}

/** The length of the longest record of these columns, which have as many rows each. */
export function longestRecord(columns: readonly TextColumn[]): number {
  const n = checkColumns(columns);
  let longest = 0;
  for (let i = 0; i < n; i++) {
    let bytes = 0;
    for (const { starts } of columns) bytes += LENGTH_BYTES + starts[i + 1]! - starts[i]!;
    longest = Math.max(longest, bytes);
  }
  return Math.max(longest, columns.length * LENGTH_BYTES);
}

/**
 * The rows of `columns` as records of `recordBytes`, at least `longestRecord`. A row past the last one
 * is a record of empty texts: what items that stand for no record carry.
 */
export function textPayload(columns: readonly TextColumn[], recordBytes: number): Payload {
  const n = checkColumns(columns);
  return {
    recordBytes,
    records: (rows) => {
      const out = new Uint8Array(rows.length * recordBytes);
      const view = new DataView(out.buffer);
      rows.forEach((row, k) => {
        if (row >= n) return;
        let at = k * recordBytes;
        const end = at + recordBytes;
        for (const { bytes, starts } of columns) {
          const [from, to] = [starts[row]!, starts[row + 1]!];
          if (at + LENGTH_BYTES + to - from > end) {
            throw new RangeError(`"recordBytes" ${recordBytes} is too small for row ${row}`);
          }
          view.setUint32(at, to - from, true);
          at += LENGTH_BYTES;
          for (let i = from; i < to; i++) out[at++] = bytes[i]!;
        }
      });
      return out;
    },
  };
}

/**
 * The columns of a peer's records (n x recordBytes). Throws `MALFORMED_MESSAGE` unless each has the
 * layout above and its texts are UTF-8: names the record by number, never its bytes.
 */
export function decodeRecords(
  records: Uint8Array,
  recordBytes: number,
  columns: number,
): TextColumn[] {
  const n = records.length / recordBytes;
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const builders = Array.from({ length: columns }, () => new TextColumnBuilder());
  for (let k = 0; k < n; k++) {
    let at = k * recordBytes;
    const end = at + recordBytes;
    for (const builder of builders) {
      const to = at + LENGTH_BYTES <= end ? at + LENGTH_BYTES + view.getUint32(at, true) : Infinity;
      if (to > end) throw malformed(`record ${k} has a text that is longer than the record`);
      if (!isText(records, at + LENGTH_BYTES, to)) throw malformed(`record ${k} is not UTF-8`);
      builder.appendUtf8(records, at + LENGTH_BYTES, to);
      at = to;
    }
    while (at < end) if (records[at++] !== 0) throw malformed(`record ${k} does not end in zeros`);
  }
  return builders.map((builder) => builder.finish());
}

/** Whether bytes[from, to) are UTF-8 by themselves. */
function isText(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    if (bytes[i]! >= 0x80) return isUtf8(bytes.subarray(from, to));
  }
  return true;
}

function checkColumns(columns: readonly TextColumn[]): number {
  const n = columns.length === 0 ? 0 : columnLength(columns[0]!);
  for (const column of columns) {
    if (columnLength(column) !== n) {
      throw new RangeError(`"columns" expected ${n} rows each, got ${columnLength(column)}`);
    }
  }
  return n;
}
