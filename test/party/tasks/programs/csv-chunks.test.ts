import { deepEqual, equal, ok } from 'node:assert/strict';
import { csvChunks } from '../../../../src/party/tasks/programs/csv-chunks.ts';

const text = (records: readonly (readonly string[])[]): string =>
  Buffer.concat(csvChunks(records)).toString('utf8');

describe('CSV chunks', () => {
  it('quotes what a reader could take apart, and nothing else', () => {
    equal(text([['id', 'score']]), 'id,score\n');
    equal(text([['a,b', 'a"b', 'a\nb', 'a\rb']]), '"a,b","a""b","a\nb","a\rb"\n');
    equal(text([['a;b', 'a|b', 'a\tb', 'a b', '']]), '"a;b","a|b","a\tb","a b",""\n');
    equal(text([['Zoë', '漢字', '007', '=1+1']]), 'Zoë,漢字,007,=1+1\n');
    deepEqual(csvChunks([]), []);
  });

  it('cuts between records, and loses nothing', () => {
    const records = Array.from({ length: 30_000 }, (_, i) => [`key ${i}`, 'é']);
    const chunks = csvChunks(records);
    ok(chunks.length > 3);
    for (const chunk of chunks) equal(chunk.at(-1), 0x0a);
    equal(text(records), records.map(([key]) => `"${key}",é\n`).join(''));
  });
});
