import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { DatasetError } from '../../../../src/party/datasets/dataset-error.ts';
import {
  createDatasets,
  type DatasetDraft,
  type LoadedDataset,
} from '../../../../src/party/datasets/datasets.ts';
import { alignRows } from '../../../../src/party/tasks/programs/alignment.ts';
import { CsvWriter } from '../../../../src/party/tasks/programs/csv-writer.ts';
import { intersect } from '../../../../src/party/tasks/programs/intersect.ts';
import { systemRng } from '../../../../src/protocols/primitives/rng.ts';
import { writeQueryResult } from '../../../support/parquet-file.ts';
import { keysAlone, programRuns, psiContract } from '../../../support/program-parties.ts';
import { scratchFolder } from '../../../support/scratch-folder.ts';
import { onlyKeys } from '../../../support/text-columns.ts';

const BOM = '\ufeff';
const range = (n: number, from = 0): string[] =>
  Array.from({ length: n }, (_, i) => `k${from + i}`);
const csv = (keys: readonly string[]): string => `id\n${keys.map((key) => `${key}\n`).join('')}`;

describe('matching keys of real files', () => {
  const folder = scratchFolder();
  const datasets = createDatasets(
    { roots: [folder.path], threads: 1, memoryLimit: '256MB' },
    systemRng,
  );

  /** The keys of a file, as a set intersection reads them. */
  async function load(path: string, change: Partial<DatasetDraft> = {}): Promise<LoadedDataset> {
    const draft = {
      path,
      type: path.split('.').at(-1)!,
      keyColumns: ['id'],
      label: null,
      selectColumns: null,
      discreteColumns: [],
      encoding: [],
      mayBeEmpty: true,
    };
    const { terms, salt } = await datasets.terms({ ...draft, ...change });
    return datasets.load(terms, salt);
  }

  /** What each party keeps of the intersection of their datasets where it alone receives. */
  async function intersectionOf(
    orgA: LoadedDataset,
    orgB: LoadedDataset,
    duplicates: 'reject' | 'first' = 'reject',
  ) {
    const files: string[] = [];
    for (const [i, receiver] of (['orgA', 'orgB'] as const).entries()) {
      const rows = { orgA: orgA.rowCount, orgB: orgB.rowCount };
      const base = psiContract(rows, { receivers: [receiver] });
      const alignment = { ...base.alignment, duplicates };
      const runs = programRuns({ ...base, alignment }, { orgA, orgB });
      const results = await Promise.all(
        [runs.orgA, runs.orgB].map(({ context }) => intersect(context)),
      );
      files.push(Buffer.concat(results[i]!.file!.chunks).toString('utf8'));
    }
    return files;
  }

  const fileOf = (keys: readonly string[]): string => {
    const csv = new CsvWriter();
    for (const cell of ['id', ...keys]) {
      csv.text(cell);
      csv.endLine();
    }
    return Buffer.concat(csv.finish()).toString('utf8');
  };
  const OTHER = ['7', '007', 'Zo\u00eb', 'a b', 'line\nbreak', 'x,y', 'k1', '漢字', 'NA'];

  const right: readonly (readonly [
    what: string,
    path: string,
    content: string,
    common: readonly string[],
  ])[] = [
    ['a byte order mark', 'a.csv', `${BOM}id,x\nk1,1\nk2,2\n`, ['k1']],
    ['a byte order mark before a quoted header', 'a.csv', `${BOM}"id","x"\n"k1","1"\n`, ['k1']],
    ['CRLF', 'a.csv', 'id,x\r\nk1,1\r\n7,2\r\n', ['k1', '7']],
    ['CR alone', 'a.csv', 'id,x\rk1,1\r7,2\r', ['k1', '7']],
    ['no end of the last line', 'a.csv', 'id,x\nk1,1\n7,2', ['k1', '7']],
    ['blank trailing lines', 'a.csv', 'id,x\nk1,1\n\n\n', ['k1']],
    ['blank trailing lines with CRLF', 'a.csv', 'id,x\r\nk1,1\r\n\r\n\r\n', ['k1']],
    ['blank lines in a file of one column', 'a.csv', 'id\nk1\n\n7\n\n', ['k1', '7']],
    [
      'a quoted newline in the key',
      'a.csv',
      'id,x\n"line\nbreak",1\nk1,2\n',
      ['line\nbreak', 'k1'],
    ],
    ['a quoted newline beside the key', 'a.csv', 'id,x\nk1,"two\r\nlines"\n7,1\n', ['k1', '7']],
    ['quoted delimiters and quotes', 'a.csv', 'id,x\n"x,y","say ""hi"""\n', ['x,y']],
    ['numbers as text', 'a.csv', 'id,x\n7,1\n07,2\n7.0,3\n+7,4\n7e0,5\n', ['7']],
    ['leading zeros', 'a.csv', 'id,x\n007,1\n0007,2\n', ['007']],
    ['JSON numbers and texts', 'a.json', '[{"id":7},{"id":"007"},{"id":"7.0"}]', ['7', '007']],
    ['JSON by lines, CRLF', 'a.json', '{"id":"k1"}\r\n{"id":7}\r\n\r\n', ['k1', '7']],
    [
      'JSON escapes',
      'a.json',
      '[{"id":"Zo\\u00eb"},{"id":"line\\nbreak"}]',
      ['Zoë', 'line\nbreak'],
    ],
    ['decomposed accents', 'a.csv', 'id,x\nZoe\u0308,1\n', ['Zoë']],
    ['keys beyond ASCII', 'a.csv', 'id,x\n漢字,1\nzoë,2\n', ['漢字']],
    [
      'surrounding spaces',
      'a.csv',
      'id,x\n  k1 ,1\n\t7\t,2\n\u00a0漢字\u00a0,3\n',
      ['k1', '7', '漢字'],
    ],
    ['quoted surrounding spaces', 'a.csv', 'id,x\n" k1 ",1\n"a b",2\n', ['k1', 'a b']],
    ['inner spaces', 'a.csv', 'id,x\na b,1\na  b,2\n', ['a b']],
    ['marks that are missing values elsewhere', 'a.csv', 'id,x\nNA,1\nNULL,2\n', ['NA']],
    ['another delimiter', 'a.csv', 'id;x\nx,y;1,5\nk1;2\n', ['x,y', 'k1']],
    ['a delimiter at the end of lines', 'a.csv', 'id,x\nk1,1,\n7,2,\n', ['k1', '7']],
    ['no row', 'a.csv', 'id,x\n', []],
    ['no row and no end of line', 'a.csv', 'id,x', []],
  ];
  for (const [what, path, content, common] of right) {
    it(`is right with ${what}`, async () => {
      folder.write(path, content);
      const [a, b] = await intersectionOf(await load(path), keysAlone(OTHER));
      equal(a, fileOf(common));
      equal(b, fileOf(OTHER.filter((key) => common.includes(key))));
    });
  }

  it('reads back what it leaves, quoted where it has to be', async () => {
    const keys = [...OTHER, 'a;b', 'tab\there', 'say "hi"', '|', "it's", '=1+1'];
    const [left] = await intersectionOf(keysAlone(keys), keysAlone(keys));
    deepEqual(onlyKeys(await load(folder.write('out.csv', left!))), keys);
  });

  it('is right with integers of a Parquet file', async () => {
    await writeQueryResult(
      `${folder.path}/a.parquet`,
      'SELECT * FROM (VALUES (7::BIGINT), (1)) AS t(id)',
    );
    folder.write('b.csv', csv(OTHER.filter((key) => !/[\n,]/.test(key))));
    const [a, b] = await intersectionOf(await load('a.parquet'), await load('b.csv'));
    deepEqual([a, b], ['id\n7\n', 'id\n7\n']);
  });

  it('is right with one key against 100 000, both ways', async () => {
    folder.write('one.csv', csv(['k77777']));
    folder.write('many.csv', csv(range(100_000)));
    const [one, many] = [await load('one.csv'), await load('many.csv')];
    deepEqual(await intersectionOf(one, many), ['id\nk77777\n', 'id\nk77777\n']);
    deepEqual(await intersectionOf(many, one), ['id\nk77777\n', 'id\nk77777\n']);
  });

  it('is right with repeated keys under `first`, repeated as they are compared', async () => {
    folder.write('a.csv', 'id,x\nk2,1\nZo\u00eb,2\n k2,3\nZoe\u0308,4\nk9,5\n');
    folder.write('b.csv', csv(['Zo\u00eb', 'k2', 'k3']));
    const sides = [await load('a.csv'), await load('b.csv')] as const;
    deepEqual(await intersectionOf(...sides, 'first'), ['id\nk2\nZoë\n', 'id\nZoë\nk2\n']);
    const { repeatedKey } = await datasets.terms({
      path: 'a.csv',
      type: 'csv',
      keyColumns: ['id'],
      label: null,
      selectColumns: null,
      discreteColumns: [],
    });
    equal(repeatedKey, 3);
  });

  it('is right for an alignment, over files in orders of their own', async () => {
    folder.write('a.csv', `${BOM}id,x\r\nk3,3\r\nk1,1\r\n Zo\u00eb,9\r\n`);
    folder.write('b.csv', 'x,id\n90,Zoe\u0308\n10,k1\n70,k7\n30,k3\n');
    const features = { encoding: [{ kind: 'numeric', name: 'x', mean: 0 }] } as const;
    const data = { orgA: await load('a.csv', features), orgB: await load('b.csv', features) };
    const base = psiContract({ orgA: 3, orgB: 4 }, { receivers: ['orgA', 'orgB'] });
    const { orgA, orgB } = programRuns(base, data);
    const [atA, atB] = await Promise.all([
      alignRows(orgA.context, data.orgA),
      alignRows(orgB.context, data.orgB),
    ]);
    equal(atA.length, 3);
    atA.forEach((row, i) => {
      equal(data.orgB.features[atB[i]!], 10 * data.orgA.features[row]!, `record ${i}`);
    });
  });

  const wrong: readonly (readonly [
    what: string,
    path: string,
    content: string | Buffer,
    message: string,
  ])[] = [
    ['an empty file', 'a.csv', '', 'a.csv: the file is empty'],
    ['no key column', 'a.csv', 'ID,x\nk1,1\n', 'a.csv: no column id'],
    ['a missing key', 'a.csv', 'id,x\nk1,1\n,2\n', 'a.csv: row 2, column id: has no key'],
    ['a blank key', 'a.csv', 'id,x\nk1,1\nk2,1\n"  ",2\n', 'a.csv: row 3, column id: has no key'],
    ['a JSON null', 'a.json', '[{"id":1},{"id":null}]', 'a.json: row 2, column id: has no key'],
    [
      'a JSON member that is not there',
      'a.json',
      '[{"id":1},{"x":1}]',
      'a.json: row 2, column id: has no key',
    ],
    ...['7.0', '1e3', 'true', '[1]', '{"a":1}'].map(
      (value) =>
        [
          `the JSON key ${value}`,
          'a.json',
          `[{"id":1},{"id":"b"},{"id":${value}}]`,
          'a.json: row 3, column id: is neither text nor an integer',
        ] as const,
    ),
    [
      'JSON with a byte order mark',
      'a.json',
      `${BOM}[{"id":1}]`,
      'a.json: begins with a byte order mark, which JSON does not have: save it without one',
    ],
    [
      'a line of spaces',
      'a.csv',
      'id,x\nk1,1\n   \n',
      'a.csv: row 2 (line 3) has 1 fields where the header has 2',
    ],
    [
      'a field too many',
      'a.csv',
      'id,x\nk1,1\nk2,2,3\n',
      'a.csv: row 2 (line 3) has 3 fields where the header has 2',
    ],
    [
      'an open quote',
      'a.csv',
      'id,x\nk1,1\nk2,"2\nk3,3\n',
      'a.csv: row 2 (line 3) has a quote that does not close in column x',
    ],
    [
      'mixed line ends',
      'a.csv',
      'id,x\r\nk1,1\nk2,2\r\n',
      'a.csv: row 1 (line 2) ends with LF where earlier lines end with CRLF',
    ],
    [
      'Latin-1',
      'a.csv',
      Buffer.from('id,x\nk1,1\nZo\u00eb,2\n', 'latin1'),
      'a.csv: line 3 is not UTF-8: convert the file',
    ],
    [
      'UTF-16',
      'a.csv',
      Buffer.from(`${BOM}id,x\nk1,1\n`, 'utf16le'),
      'a.csv: line 1 is not UTF-8: convert the file',
    ],
    ['a NUL', 'a.csv', 'id,x\nk\u0000,1\n', 'a.csv: line 2 is not UTF-8: convert the file'],
  ];
  for (const [what, path, content, message] of wrong) {
    it(`names the place of ${what}`, async () => {
      folder.write(path, content);
      await rejects(load(path), (error) => {
        ok(error instanceof DatasetError, String(error));
        equal(error.message, message);
        return true;
      });
    });
  }
});
