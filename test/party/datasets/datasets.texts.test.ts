import { deepEqual, equal, rejects } from 'node:assert/strict';
import { join } from 'node:path';
import {
  createDatasets,
  type DatasetDraft,
  type LoadedDataset,
} from '../../../src/party/datasets/datasets.ts';
import { writeQueryResult } from '../../support/parquet-file.ts';
import { csvText, scratchFolder } from '../../support/scratch-folder.ts';
import { onlyKeys, stringsOf } from '../../support/text-columns.ts';

describe('keys and payload of datasets', () => {
  const folder = scratchFolder();
  const open = (threads: number) =>
    createDatasets(
      { roots: [folder.path], threads, memoryLimit: '256MB' },
      (length) => new Uint8Array(length),
    );
  const datasets = open(1);

  const draft = (path: string, more: Partial<DatasetDraft> = {}): DatasetDraft => ({
    path,
    type: path.split('.').at(-1)!,
    keyColumns: ['id'],
    label: null,
    selectColumns: null,
    discreteColumns: [],
    encoding: [],
    mayBeEmpty: true,
    ...more,
  });
  const load = async (
    path: string,
    more: Partial<DatasetDraft> = {},
    from = datasets,
  ): Promise<LoadedDataset> => {
    const { terms, salt } = await from.terms(draft(path, more));
    return from.load(terms, salt, { encoding: [] });
  };
  const keysOf = async (path: string): Promise<string[] | null> => onlyKeys(await load(path));

  describe('read keys', () => {
    const cases: [string, string | Uint8Array, string[]][] = [
      ['after a byte order mark', '\uFEFFid,x\nk1,1\nk2,2\n', ['k1', 'k2']],
      ['that end with a byte order mark', 'id,x\nk1\uFEFF,1\n\uFEFFk2,2\n', ['k1', 'k2']],
      ['with CRLF', 'x,id\r\n1,k1\r\n2,k2\r\n', ['k1', 'k2']],
      ['before blank lines', 'x,id\n1,k1\n2,k2\n\n\n', ['k1', 'k2']],
      ['between blank lines of one column', 'id\n\nk1\n\nk2', ['k1', 'k2']],
      [
        'with new lines',
        'id,x\n"two\nlines",1\n"two\r\nlines",2\n',
        ['two\nlines', 'two\r\nlines'],
      ],
      ['with quotes', 'id,x\n"say ""hi""",1\nit\'s,2\n', ['say "hi"', "it's"]],
      ['beyond ASCII', 'id,x\n漢字,1\nZoë,2\n😀😀😀😀,3\n', ['漢字', 'Zoë', '😀😀😀😀']],
      ['that are not composed', 'id,x\nZoe\u0308,1\n\u212b,2\n', ['Zoë', 'Å']],
      ['in outer space', 'id,x\n  k1\t,1\n\u00a0k 2\u3000,2\n', ['k1', 'k 2']],
      [
        'short and long at once',
        'id,x\na,1\ntwelve bytes,2\nthirteen byte,3\nfourteen bytes,4\nb,5\n',
        ['a', 'twelve bytes', 'thirteen byte', 'fourteen bytes', 'b'],
      ],
      ['of no row', 'id,x\n', []],
    ];
    for (const [what, content, keys] of cases) {
      it(what, async () => {
        folder.write('k.csv', content);
        deepEqual(await keysOf('k.csv'), keys);
      });
    }

    it('of JSON, numbers and escapes included', async () => {
      const rows = String.raw`[{"id":12},{"id":"012"},{"id":-7},{"id":"tab\tnul\u0000end"},
        {"id":"e\u0301\ud83d\ude00"},{"id":123456789012345678901234567890},{"id":" true "}]`;
      folder.write('k.json', rows);
      const wide = '123456789012345678901234567890';
      const expected = ['12', '012', '-7', 'tab\tnul\0end', 'é😀', wide, 'true'];
      deepEqual(await keysOf('k.json'), expected);
    });

    it('of Parquet: integers of any width, decimals without a fraction, ids and enums', async () => {
      const cases: [string, string[]][] = [
        ['7::TINYINT', ['7']],
        ['(-9223372036854775808)::BIGINT', ['-9223372036854775808']],
        ['18446744073709551615::UBIGINT', ['18446744073709551615']],
        ['12::DECIMAL(9,0)', ['12']],
        [`'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID`, ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']],
        [`' Zoe\u0308, of a long name '`, ['Zoë, of a long name']],
      ];
      for (const [value, keys] of cases) {
        await writeQueryResult(join(folder.path, 'k.parquet'), `SELECT ${value} AS id`);
        deepEqual(await keysOf('k.parquet'), keys, value);
      }
    });

    it('of many rows in their order, on one thread and on four', async () => {
      const rows = Array.from({ length: 30_000 }, (_, i) =>
        i % 977 === 0 ? `ключ ${i}` : `k${'x'.repeat(i % 23)}${i}`,
      );
      folder.write('m.csv', csvText([['n', 'id'], ...rows.map((key, i) => [`${i}`, key])]));
      folder.write('m.json', rows.map((id) => JSON.stringify({ id })).join('\n'));
      for (const path of ['m.csv', 'm.json']) {
        for (const from of [datasets, open(4)]) {
          deepEqual(onlyKeys(await load(path, {}, from)), rows, path);
        }
      }
    });
  });

  describe('refuse keys', () => {
    const cases: [string, string, string, RegExp][] = [
      ['that are empty', 'id,x\nk1,1\n,2\n', 'missing_key', /row 2, column id: has no key/],
      ['that are quoted emptiness', 'id,x\n"",1\n', 'missing_key', /row 1, column id/],
      ['of white space of any script', 'id,x\nk,1\n\u3000\ufeff,2\n', 'missing_key', /row 2/],
      ['of a vertical tab', 'id,x\nk,1\n\v,2\n', 'bad_key', /row 2, column id: is neither/],
    ];
    for (const [what, content, code, message] of cases) {
      it(what, async () => {
        folder.write('bad.csv', content);
        await rejects(datasets.terms(draft('bad.csv')), { code, message });
      });
    }

    it('of JSON that have no text of their own, or are none', async () => {
      const cases: [string, string][] = [
        ['{"id":1.5}', 'bad_key'],
        ['{"id":true}', 'bad_key'],
        ['{"id":["k"]}', 'bad_key'],
        ['{"id":null}', 'missing_key'],
        ['{"x":1}', 'missing_key'],
        [String.raw`{"id":"\ud800"}`, 'malformed'],
      ];
      for (const [row, code] of cases) {
        folder.write('bad.json', `{"id":"k","x":0}\n${row}\n`);
        await rejects(datasets.terms(draft('bad.json')), { code }, row);
      }
    });

    it('of Parquet that are missing or have no text of their own', async () => {
      const cases: [string, string][] = [
        ['NULL::BIGINT', 'missing_key'],
        ['NULL::VARCHAR', 'missing_key'],
        [`''`, 'missing_key'],
        ['1.5::DOUBLE', 'bad_key'],
        ['true', 'bad_key'],
        [`'k'::BLOB`, 'bad_key'],
      ];
      for (const [value, code] of cases) {
        await writeQueryResult(join(folder.path, 'bad.parquet'), `SELECT ${value} AS id`);
        await rejects(datasets.terms(draft('bad.parquet')), { code }, value);
      }
    });
  });

  describe('of several columns', () => {
    const people = [
      ['first', 'x', 'last', 'zip'],
      [' Ann', '1', 'Lee', '012'],
      ['Zoe\u0308', '2', 'Li ', '12'],
      ['Ann', '3', 'Lee', '12'],
    ];
    const names = { keyColumns: ['last', 'first', 'zip'] };

    it('are read in the order named, each canonical by itself', async () => {
      folder.write('c.csv', csvText(people));
      const { keys } = await load('c.csv', names);
      const expected = [
        ['Lee', 'Li', 'Lee'],
        ['Ann', 'Zoë', 'Ann'],
        ['012', '12', '12'],
      ];
      deepEqual(keys!.map(stringsOf), expected);
      const [header, ...rows] = people;
      const objects = rows.map((row) =>
        Object.fromEntries(row.map((cell, i) => [header![i], cell])),
      );
      folder.write('c.json', JSON.stringify(objects));
      deepEqual((await load('c.json', names)).keys!.map(stringsOf), expected);
    });

    it('repeat where all of them do', async () => {
      folder.write('c.csv', csvText(people));
      equal((await datasets.terms(draft('c.csv', names))).repeatedKey, null);
      const two = { keyColumns: ['first', 'last'] };
      equal((await datasets.terms(draft('c.csv', two))).repeatedKey, 3);
    });

    it('are missing where one is: the first such row and its column are named', async () => {
      folder.write('c.csv', 'a,b,x\n1,2,0\n3,,0\n,4,0\n');
      const message = 'c.csv: row 2, column b: has no key';
      for (const keyColumns of [
        ['a', 'b'],
        ['b', 'a'],
      ]) {
        const asked = draft('c.csv', { keyColumns });
        await rejects(datasets.terms(asked), { code: 'missing_key', message });
      }
    });

    it('leave the other columns to be features, in the order of the file', async () => {
      folder.write('c.csv', csvText(people));
      const { encoding: _, ...plain } = draft('c.csv', { keyColumns: ['last', 'first'] });
      const { terms } = await datasets.terms(plain);
      deepEqual(
        terms.features.map(({ name }) => name),
        ['x', 'zip'],
      );
      deepEqual(terms.keyColumns, ['last', 'first']);
    });
  });

  describe('read payload', () => {
    it('of CSV and JSON as it stands, empty where it is missing', async () => {
      folder.write('p.csv', 'id,x,city\nk1, 1.50 ,"Ulm, ""Nord"""\nk2,NA,\nk3,,Zoe\u0308\n');
      const csv = await load('p.csv', { payload: ['city', 'x'] });
      const expected = [
        ['Ulm, "Nord"', '', 'Zoe\u0308'],
        [' 1.50 ', 'NA', ''],
      ];
      deepEqual(csv.payload.map(stringsOf), expected);
      deepEqual(onlyKeys(csv), ['k1', 'k2', 'k3']);
      const rows = [
        { id: 'k1', x: 1.5, city: 'Ulm', list: [1, 'a'], yes: true },
        { id: 'k2', x: null, list: {} },
      ];
      folder.write('p.json', JSON.stringify(rows));
      const json = await load('p.json', { payload: ['x', 'city', 'list', 'yes'] });
      deepEqual(json.payload.map(stringsOf), [
        ['1.5', ''],
        ['Ulm', ''],
        ['[1,"a"]', '{}'],
        ['true', ''],
      ]);
    });

    it('of every type of Parquet that has a text', async () => {
      const cases: [string, string][] = [
        ['7::TINYINT', '7'],
        ['18446744073709551615::UBIGINT', '18446744073709551615'],
        ['0.1::DOUBLE', '0.1'],
        ['0.1::FLOAT', '0.1'],
        ['1e300::DOUBLE', '1e+300'],
        ['12.50::DECIMAL(8,2)', '12.50'],
        ['true', 'true'],
        [`DATE '2020-02-29'`, '2020-02-29'],
        [`'2020-02-29 12:34:56+02'::TIMESTAMPTZ`, '2020-02-29 10:34:56+00'],
        [`TIMESTAMP '2020-02-29 12:34:56.789'`, '2020-02-29 12:34:56.789'],
        [`'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID`, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
        [`' a text, as it stands '`, ' a text, as it stands '],
      ];
      const columns = cases.map(([value], i) => `${value} AS v${i}`).join(', ');
      const missing = cases.map(([value], i) => `CASE WHEN false THEN ${value} END AS v${i}`);
      await writeQueryResult(
        join(folder.path, 'p.parquet'),
        `SELECT 1 AS id, ${columns} UNION ALL SELECT 2, ${missing.join(', ')} ORDER BY id`,
      );
      const payload = cases.map((_, i) => `v${i}`);
      const loaded = await load('p.parquet', { payload });
      deepEqual(
        loaded.payload.map(stringsOf),
        cases.map(([, text]) => [text, '']),
      );
    });

    it('refuses a column of Parquet that has no text of one line', async () => {
      for (const value of [`[1, 2]`, `{'a': 1}`, `'\\x00'::BLOB`]) {
        await writeQueryResult(join(folder.path, 'p.parquet'), `SELECT 1 AS id, ${value} AS v`);
        await rejects(
          datasets.terms(draft('p.parquet', { payload: ['v'] })),
          { code: 'bad_selection', message: /p\.parquet: column v cannot be sent/ },
          value,
        );
      }
    });

    it('keeps its columns out of the features', async () => {
      folder.write('p.csv', 'id,x,city\nk1,1,Ulm\n');
      const { encoding: _, ...plain } = draft('p.csv', { payload: ['city'] });
      const { terms } = await datasets.terms(plain);
      deepEqual(terms.payload, ['city']);
      deepEqual(
        terms.features.map(({ name }) => name),
        ['x'],
      );
    });
  });

  it('refuses columns named twice, for one purpose or two', async () => {
    folder.write('t.csv', 'id,x,y\nk1,1,0\nk2,2,1\n');
    const cases: [Partial<DatasetDraft>, string][] = [
      [{ keyColumns: ['id', 'x', 'id'] }, 'column id is named twice as key'],
      [{ payload: ['x', 'x'] }, 'column x is named twice as payload'],
      [{ payload: ['x', 'id'] }, 'key and payload are one column, id'],
      [
        { payload: ['y'], label: { column: 'y', kind: 'binary' } },
        'label and payload are one column, y',
      ],
      [
        { keyColumns: ['id', 'y'], label: { column: 'y', kind: 'binary' } },
        'key and label are one column, y',
      ],
    ];
    for (const [more, message] of cases) {
      await rejects(datasets.terms(draft('t.csv', more)), {
        code: 'bad_selection',
        message: `t.csv: ${message}`,
      });
    }
    for (const more of [{ keyColumns: ['id', 'no'] }, { payload: ['no'] }]) {
      await rejects(datasets.terms(draft('t.csv', more)), {
        code: 'missing_column',
        message: 't.csv: no column no',
      });
    }
    await rejects(datasets.terms(draft('t.csv', { keyColumns: [] })), { code: 'bad_selection' });
  });
});
