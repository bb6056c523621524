import { deepEqual, equal, ok } from 'node:assert/strict';
import { CsvWriter } from '../../../../src/party/tasks/programs/csv-writer.ts';
import { textColumn } from '../../../../src/protocols/psi/text-column.ts';

/** The same records through texts, and through columns. */
function written(records: readonly (readonly string[])[]): string {
  const [texts, cells] = [new CsvWriter(), new CsvWriter()];
  for (const record of records) {
    for (const text of record) {
      texts.text(text);
      cells.cell(textColumn(['before', text, 'after']), 1);
    }
    texts.endLine();
    cells.endLine();
  }
  const [first, second] = [texts, cells].map((csv) => Buffer.concat(csv.finish()).toString('utf8'));
  equal(first, second);
  return first!;
}

describe('CSV writer', () => {
  it('quotes what a reader could take apart, and nothing else', () => {
    equal(written([['id', 'score']]), 'id,score\n');
    equal(written([['a,b', 'a"b', 'a\nb', 'a\rb', '"']]), '"a,b","a""b","a\nb","a\rb",""""\n');
    equal(written([['a;b', 'a|b', 'a\tb', 'a b', '']]), '"a;b","a|b","a\tb","a b",""\n');
    equal(written([['Zo\u00eb', '漢字', '007', '=1+1', 'é,é']]), 'Zo\u00eb,漢字,007,=1+1,"é,é"\n');
    equal(written([['a\u00a0b', '\ufeffx', '\u2028']]), '"a\u00a0b","\ufeffx","\u2028"\n');
    deepEqual(new CsvWriter().finish(), []);
  });

  it('writes numbers, and nothing where there is none', () => {
    const csv = new CsvWriter();
    csv.nothing();
    csv.number(-0.25);
    csv.nothing();
    csv.text('');
    csv.endLine();
    csv.number(7);
    csv.endLine();
    equal(Buffer.concat(csv.finish()).toString('utf8'), ',-0.25,,""\n7\n');
  });

  it('cuts between records, and loses nothing', () => {
    const csv = new CsvWriter();
    const keys = textColumn(Array.from({ length: 60_000 }, (_, i) => `key ${i}`));
    for (let i = 0; i < 60_000; i++) {
      csv.cell(keys, i);
      csv.text('é');
      csv.endLine();
    }
    const long = 'x'.repeat(1 << 20);
    csv.text(long);
    csv.endLine();
    const chunks = csv.finish();
    ok(chunks.length > 3);
    for (const chunk of chunks) equal(chunk.at(-1), 0x0a);
    const expected = Array.from({ length: 60_000 }, (_, i) => `"key ${i}",é\n`).join('');
    equal(Buffer.concat(chunks).toString('utf8'), `${expected}${long}\n`);
  });
});
