import { deepEqual, rejects } from 'node:assert/strict';
import { readCsvHeader } from '../../../src/party/datasets/csv-header.ts';
import type { DatasetErrorCode } from '../../../src/party/datasets/dataset-error.ts';
import { resolveDataset } from '../../../src/party/datasets/roots.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

describe('CSV header', () => {
  const folder = scratchFolder();
  const read = async (content: string | Uint8Array) =>
    readCsvHeader(await resolveDataset([folder.path], folder.write('h.csv', content)));

  it('reads names and the delimiter', async () => {
    const cases: [string, string, string[]][] = [
      ['id,x0,x1\n1,2,3\n', ',', ['id', 'x0', 'x1']],
      ['\uFEFFid,x\r\n', ',', ['id', 'x']],
      ['id;"a;b";c\n', ';', ['id', 'a;b', 'c']],
      ['id\tx\n', '\t', ['id', 'x']],
      ['id|x', '|', ['id', 'x']],
      ['"i""d","two\nlines", x \n', ',', ['i"d', 'two\nlines', 'x']],
      ['id\n', ',', ['id']],
      ['id,1,2\n', ',', ['id', '1', '2']],
      ['größe,Größe\n', ',', ['größe', 'Größe']],
    ];
    for (const [text, delimiter, names] of cases) {
      deepEqual(await read(text), { delimiter, names }, JSON.stringify(text));
    }
  });

  const refused: [string | Uint8Array, DatasetErrorCode][] = [
    ['', 'empty'],
    ['\nid,x\n', 'no_header'],
    ['1,2,3\n4,5,6\n', 'no_header'],
    ['u17,0.25,1\n', 'no_header'],
    ['u17,-3,1\n', 'no_header'],
    [',x,y\n', 'no_header'],
    ['id,x,x\n', 'duplicate_column'],
    ['id,x, x \n', 'duplicate_column'],
    ['"id,x\n1,2\n', 'malformed'],
    ['PAR1....', 'bad_type'],
    [Buffer.from([0x1f, 0x8b, 8, 0]), 'bad_type'],
    ['[{"id":1}]', 'bad_type'],
    ['{"id":1}\n{"id":2}\n', 'bad_type'],
    [`${'x'.repeat(3 << 19)}`, 'malformed'],
  ];
  for (const [content, code] of refused) {
    it(`refuses ${JSON.stringify(String(content).slice(0, 20))}: ${code}`, async () => {
      await rejects(read(content), { code });
    });
  }

  it('does not show what may be a value of a file without header', async () => {
    await rejects(read('alice,bob,alice\n'), {
      code: 'duplicate_column',
      message: 'h.csv: columns 1 and 3 have the same name',
    });
  });
});
