import { deepEqual, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import {
  decodeRecords,
  longestRecord,
  textPayload,
} from '../../../src/protocols/psi/payload-records.ts';
import { columnLength, textAt, textColumn } from '../../../src/protocols/psi/text-column.ts';

const rows = (n: number): Uint32Array => Uint32Array.from({ length: n }, (_, i) => i);
const texts = (columns: ReturnType<typeof decodeRecords>): string[][] =>
  columns.map((column) =>
    Array.from({ length: columnLength(column) }, (_, i) => textAt(column, i)),
  );

describe('payload records', () => {
  it('give back texts of every kind, in any order of rows', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string()), { maxLength: 20 }),
        fc.nat(9),
        (records, spare) => {
          const columns = [0, 1].map((c) => textColumn(records.map((record) => record[c]!)));
          const L = longestRecord(columns) + spare;
          const order = rows(records.length).reverse();
          const bytes = textPayload(columns, L).records(order);
          equal(bytes.length, records.length * L);
          const expected = [0, 1].map((c) => records.map((record) => record[c]!).reverse());
          deepEqual(texts(decodeRecords(bytes, L, 2)), expected);
        },
      ),
    );
  });

  it('have the layout of the format, padded with zeros', () => {
    const columns = [textColumn(['a', 'é']), textColumn(['xyz', ''])];
    equal(longestRecord(columns), 12);
    const bytes = textPayload(columns, 13).records(rows(2));
    deepEqual(
      [...bytes],
      [1, 0, 0, 0, 97, 3, 0, 0, 0, 120, 121, 122, 0, 2, 0, 0, 0, 195, 169, 0, 0, 0, 0, 0, 0, 0],
    );
  });

  it('are empty texts for items without a record', () => {
    const columns = [textColumn(['a', 'b'])];
    const bytes = textPayload(columns, 5).records(Uint32Array.of(2, 1, 0xffffffff));
    deepEqual(texts(decodeRecords(bytes, 5, 1)), [['', 'b', '']]);
  });

  it('of no rows are no bytes, and of no columns zeros', () => {
    deepEqual(texts(decodeRecords(new Uint8Array(0), 9, 3)), [[], [], []]);
    equal(longestRecord([textColumn([]), textColumn([])]), 8);
    deepEqual(textPayload([], 2).records(rows(1)), new Uint8Array(2));
  });

  const malformed: readonly (readonly [what: string, record: number[]])[] = [
    ['a text longer than the record', [3, 0, 0, 0, 97, 98]],
    ['a length of four gigabytes', [255, 255, 255, 255, 97, 98]],
    ['a length cut short', [1, 0, 0, 0, 97, 1]],
    ['bytes that are not UTF-8', [2, 0, 0, 0, 0xc3, 0x28]],
    ['a surrogate', [3, 0, 0, 0, 0xed, 0xa0, 0x80, 0, 0, 0, 0]],
    ['padding that is not zero', [0, 0, 0, 0, 0, 0, 0, 0, 1]],
  ];
  for (const [what, record] of malformed) {
    it(`refuse ${what}, by number and without the text`, () => {
      const good = textPayload([textColumn(['']), textColumn([''])], record.length + 8);
      const bytes = new Uint8Array([...good.records(rows(1)), ...record, ...new Uint8Array(8)]);
      if (what === 'a length cut short') {
        throws(() => decodeRecords(Uint8Array.from(record), record.length, 2), REFUSED(0));
        return;
      }
      if (what.startsWith('a text longer')) {
        throws(() => decodeRecords(Uint8Array.from(record), record.length, 1), REFUSED(0));
        return;
      }
      throws(() => decodeRecords(bytes, record.length + 8, 2), REFUSED(1));
    });
  }
  const REFUSED =
    (record: number) =>
    (error: Error & { code?: string }): boolean =>
      error.code === 'MALFORMED_MESSAGE' && error.message.startsWith(`record ${record} `);

  it('refuse two halves of a character in two texts', () => {
    const bytes = Uint8Array.of(1, 0, 0, 0, 0xc3, 1, 0, 0, 0, 0xa9);
    throws(() => decodeRecords(bytes, 10, 2), REFUSED(0));
  });

  it('refuse columns of different lengths, and a record that is too short for a row', () => {
    throws(() => longestRecord([textColumn(['a']), textColumn([])]), RangeError);
    const payload = textPayload([textColumn(['a', 'long'])], 7);
    throws(() => payload.records(rows(2)), /row 1/);
  });
});
