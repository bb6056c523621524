import { equal } from 'node:assert/strict';
import { checkCsv } from '../../../src/party/datasets/csv-check.ts';
import { resolveDataset } from '../../../src/party/datasets/roots.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

describe('CSV check', () => {
  const folder = scratchFolder();
  const find = async (content: string, names: string[]): Promise<string | null> => {
    const file = await resolveDataset([folder.path], folder.write('f.csv', content));
    const { fault } = await checkCsv(file, { delimiter: ',', names });
    return fault?.message ?? null;
  };

  it('passes what RFC 4180 and the width allow', async () => {
    const texts = [
      'a,b\n1,2\n',
      'a,b\r\n1,2\r\n\r\n\r\n',
      'a,b\n1,2',
      'a,b\n"x\n,""y",2\n\n3,4\n',
      'a,b\n1,2,\n',
      'a,b\r1,2\r',
      'a,b\n"1" , 2\n',
      'a,b\nx"y,2\n',
    ];
    for (const text of texts) equal(await find(text, ['a', 'b']), null, JSON.stringify(text));
    equal(await find('a\n1\n\n2\n', ['a']), null);
  });

  it('counts records after the header, as blank lines and quotes allow', async () => {
    const cases: [string, number][] = [
      ['a,b', 0],
      ['a,b\n', 0],
      ['a,b\r\n\r\n1,2\r\n\r\n', 1],
      ['a,b\n"1\n\n","2\n"\n3,4', 2],
      ['a,b\r1,2\r3,4\r', 2],
      ['a,b\r1,2\r3,4', 2],
      ['a,b\n"",""\n,\n', 2],
      ['\uFEFF"a,\n",b\n1,2\n', 1],
      [`a,b\n${'1,"2\n"\n'.repeat(50_000)}`, 50_000],
    ];
    for (const [text, records] of cases) {
      const file = await resolveDataset([folder.path], folder.write('n.csv', text));
      const check = await checkCsv(file, { delimiter: ',', names: ['a', 'b'] });
      equal(check.records, records, JSON.stringify(text.slice(0, 30)));
    }
  });

  it('names row, line and what is wrong, and no value', async () => {
    const cases: [string, string][] = [
      ['a,b\n1,2\n7,8,9\n', 'row 2 (line 3) has 3 fields where the header has 2'],
      ['a,b\n\n"x\ny",2\n\n7\n', 'row 2 (line 6) has 1 fields where the header has 2'],
      ['a,b\n1,2\n7', 'row 2 (line 3) has 1 fields where the header has 2'],
      ['a,b\n7,"8', 'row 1 (line 2) has a quote that does not close in column b'],
      ['a,b\n"7"8,9\n', 'row 1 (line 2) has text after a closing quote in column a'],
      ['a,b\n1,2\r\n7,8\n', 'row 1 (line 2) ends with CRLF where earlier lines end with LF'],
      ['a,b\r\n1,2\n', 'row 1 (line 2) ends with LF where earlier lines end with CRLF'],
      ['a,b\n1,2\r7,8\n', 'row 1 (line 2) ends with CR where earlier lines end with LF'],
      [`a,b\n1,${'7'.repeat(2_000_001)}\n`, 'row 1 (line 2) is longer than 2 MB'],
    ];
    for (const [text, message] of cases) equal(await find(text, ['a', 'b']), `f.csv: ${message}`);
  });
});
