import { equal } from 'node:assert/strict';
import {
  type IntersectionTable,
  intersectionChunks,
} from '../../../../src/party/tasks/programs/intersection-file.ts';
import { NO_ROW } from '../../../../src/party/tasks/programs/own-keys.ts';
import { textColumn } from '../../../../src/protocols/psi/text-column.ts';

const text = (changes: Partial<IntersectionTable>): string =>
  Buffer.concat(
    intersectionChunks({
      keyColumns: ['id', 'day'],
      keys: [textColumn(['a', 'b c', '']), textColumn(['1', '2', '3'])],
      lines: { rows: Uint32Array.of(2, 0, NO_ROW), common: 1 },
      tellsBoth: false,
      tellsRow: false,
      ...changes,
    }),
  ).toString('utf8');

describe('file of an intersection', () => {
  it('has the keys of each line, and nothing where the record is the other party’s', () => {
    equal(text({}), 'id,day\n"",3\na,1\n,\n');
    equal(text({ lines: { rows: Uint32Array.of(1, 1), common: 2 } }), 'id,day\n"b c",2\n"b c",2\n');
  });

  it('tells lines of common records from others, and records from each other', () => {
    equal(
      text({ tellsBoth: true, tellsRow: true }),
      'in_both,row,id,day\n1,3,"",3\n0,1,a,1\n0,,,\n',
    );
  });

  it('calls no two columns alike', () => {
    const lines = { rows: Uint32Array.of(0), common: 1 };
    const payload = {
      party: 'orgB',
      names: ['day', 'city'],
      columns: [textColumn(['Monday']), textColumn([''])],
    };
    equal(text({ lines, payload }), 'id,day,orgB.day,city\na,1,Monday,""\n');
    equal(text({ lines, keyColumns: ['row', 'row_'], tellsRow: true }), 'row__,row,row_\n1,a,1\n');
  });
});
