import { deepEqual, doesNotMatch, equal, notEqual, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { DatasetErrorCode } from '../../../src/party/datasets/dataset-error.ts';
import {
  createDatasets,
  type DatasetDraft,
  type LoadedDataset,
  type LoadOptions,
} from '../../../src/party/datasets/datasets.ts';
import { csvText, scratchFolder } from '../../support/scratch-folder.ts';
import { onlyKeys } from '../../support/text-columns.ts';

const LIMITS = { threads: 1, memoryLimit: '256MB' };

describe('datasets', () => {
  const folder = scratchFolder();
  let calls = 0;
  const rng = (length: number): Uint8Array => new Uint8Array(length).fill(++calls);
  const datasets = createDatasets({ roots: [folder.path], ...LIMITS }, rng);

  const draft = (path: string, more: Partial<DatasetDraft> = {}): DatasetDraft => ({
    path,
    type: path.split('.').at(-1)!,
    keyColumns: ['id'],
    label: null,
    selectColumns: null,
    discreteColumns: [],
    ...more,
  });
  const load = async (asked: DatasetDraft, options?: LoadOptions): Promise<LoadedDataset> => {
    const { terms, salt } = await datasets.terms(asked);
    return datasets.load(terms, salt, {
      ...(asked.label ? { labelKind: asked.label.kind } : {}),
      ...options,
    });
  };

  it('describes, offers and loads one table alike from CSV and JSON', async () => {
    const rows = [
      { id: '7', y: 1, age: 30.5, city: 'Ulm' },
      { id: '8', y: 0, age: null, city: 'Bonn' },
      { id: '9', y: 1, age: 20.5, city: 'Ulm' },
    ];
    const csv = [
      ['id', 'y', 'age', 'city'],
      ...rows.map(({ id, y, age, city }) => [id, `${y}`, `${age ?? ''}`, city]),
    ];
    folder.write('t.csv', csvText(csv));
    folder.write('t.json', JSON.stringify(rows));
    folder.write('lines.json', rows.map((row) => JSON.stringify(row)).join('\n'));
    for (const path of ['t.csv', 't.json', 'lines.json']) {
      const type = path.endsWith('csv') ? 'csv' : 'json';
      deepEqual(await datasets.columns(path, type), ['id', 'y', 'age', 'city']);
      deepEqual(await datasets.describe(path, type.toUpperCase()), {
        type,
        rowCount: 3,
        columns: [
          { name: 'id', type: 'integer', missing: 0 },
          { name: 'y', type: 'integer', missing: 0 },
          { name: 'age', type: 'number', missing: 1 },
          { name: 'city', type: 'text', missing: 0 },
        ],
      });
      const asked = draft(path, {
        label: { column: 'y', kind: 'binary' },
        discreteColumns: ['city'],
      });
      const { terms, missing, repeatedKey } = await datasets.terms(asked);
      deepEqual(
        { ...terms, commitment: '' },
        {
          path,
          type,
          rowCount: 3,
          keyColumns: ['id'],
          labelColumn: 'y',
          features: [
            { name: 'age', kind: 'numeric' },
            { name: 'city', kind: 'categorical', categories: 1 },
          ],
          payload: [],
          commitment: '',
        },
      );
      deepEqual(
        { missing, repeatedKey },
        { missing: [{ name: 'age', cells: 1 }], repeatedKey: null },
      );
      const loaded = await load(asked);
      deepEqual(onlyKeys(loaded), ['7', '8', '9']);
      deepEqual(loaded, {
        rowCount: 3,
        keys: loaded.keys,
        payload: [],
        label: Float64Array.of(1, 0, 1),
        features: Float64Array.of(30.5, 1, 25.5, 0, 20.5, 1),
        columnNames: ['age', 'city=Ulm'],
        encoding: [
          { kind: 'numeric', name: 'age', mean: 25.5 },
          { kind: 'categorical', name: 'city', levels: ['Ulm'] },
        ],
        missing: [{ name: 'age', cells: 1 }],
      });
    }
  });

  it('commits to the file with a fresh salt, and notices every change', async () => {
    const bytes = 'id,x\n1,2\n';
    const path = folder.write('c.csv', bytes);
    const first = await datasets.terms(draft(path));
    const second = await datasets.terms(draft(path));
    notEqual(first.terms.commitment, second.terms.commitment);
    const digest = createHash('sha256').update(bytes).digest();
    equal(
      first.terms.commitment,
      createHash('sha256')
        .update('entente/dataset/v1')
        .update(first.salt)
        .update(digest)
        .digest('hex'),
    );
    await datasets.verify(first.terms, first.salt);
    await rejects(datasets.verify(first.terms, second.salt), { code: 'changed' });
    folder.write('c.csv', 'id,x\n1,3\n');
    await rejects(datasets.verify(first.terms, first.salt), { code: 'changed' });
    await rejects(datasets.load(first.terms, first.salt), { code: 'changed' });
  });

  it('knows a file as the same whatever a request calls it, and after a change', async () => {
    const path = folder.write('same.csv', 'id,x\n1,2\n');
    const other = folder.write('copy.csv', 'id,x\n1,2\n');
    symlinkSync(join(folder.path, path), join(folder.path, 'link.csv'));
    const registered = createDatasets(
      {
        roots: [folder.path],
        ...LIMITS,
        registered: async () => ({ path, type: 'csv' }),
      },
      rng,
    );
    const first = await datasets.identity(path, 'csv');
    equal(first.length, 64);
    equal(await datasets.identity(join(folder.path, path), 'csv'), first, 'absolute');
    equal(await datasets.identity('link.csv', 'csv'), first, 'through a link');
    equal(await registered.identity('dataset:same', 'csv'), first, 'by name');
    notEqual(await datasets.identity(other, 'csv'), first);
    folder.write('same.csv', 'id,x\n1,3\n');
    equal(await datasets.identity(path, 'csv'), first);
    await rejects(datasets.identity('missing.csv', 'csv'), { code: 'missing_dataset' });
  });

  it('refuses terms that the file does not bear out', async () => {
    const { terms, salt } = await datasets.terms(
      draft(folder.write('w.csv', 'id,x,c\n1,2,a\n2,3,b\n'), { discreteColumns: ['c'] }),
    );
    await rejects(datasets.load({ ...terms, rowCount: 1 }, salt), { code: 'changed' });
    await rejects(datasets.load({ ...terms, rowCount: 3 }, salt), { code: 'changed' });
    const features = [{ name: 'c', kind: 'categorical', categories: 2 }] as const;
    await rejects(datasets.load({ ...terms, features }, salt), { code: 'changed' });
    await rejects(datasets.load({ ...terms, labelColumn: 'x' }, salt), TypeError);
  });

  it('applies a model encoding to new rows: unseen and missing values included', async () => {
    const { encoding } = await load(
      draft(folder.write('train.csv', 'id,x,c\n1,2,a\n2,4,b\n3,,c\n'), { discreteColumns: ['c'] }),
    );
    const asked = draft(folder.write('new.csv', 'id,c,x\n1,b,9\n2,zzz,\n3,,1\n4,a,0\n'), {
      encoding,
    });
    const { terms } = await datasets.terms(asked);
    deepEqual(terms.features, [
      { name: 'x', kind: 'numeric' },
      { name: 'c', kind: 'categorical', categories: 2 },
    ]);
    const { features, columnNames } = await load(asked, { encoding });
    deepEqual(columnNames, ['x', 'c=b', 'c=c']);
    deepEqual(features, Float64Array.of(9, 1, 0, 3, 0, 0, 1, 0, 0, 0, 0, 0));
  });

  it('keeps keys as text, trimmed and composed, whatever the type', async () => {
    const json = '[{"id":12,"x":1},{"id":" 12 ","x":1},{"id":"012","x":1},{"id":"e\\u0301","x":1}]';
    deepEqual(onlyKeys(await load(draft(folder.write('k.json', json)))), ['12', '12', '012', 'é']);
    const csv = csvText([
      ['id', 'x'],
      ['12', '1'],
      ['012', '1'],
      ['12.0', '1'],
      ['Ab', '1'],
    ]);
    deepEqual(onlyKeys(await load(draft(folder.write('k.csv', csv)))), ['12', '012', '12.0', 'Ab']);
    equal((await datasets.terms(draft('k.json'))).repeatedKey, 2);
  });

  it('selects columns in the order asked, all but key and label by default', async () => {
    const path = folder.write('s.csv', 'y,b,id,a\n0,1,k,2\n1,3,l,4\n');
    const label = { column: 'y', kind: 'binary' } as const;
    deepEqual((await load(draft(path, { label }))).columnNames, ['b', 'a']);
    deepEqual((await load(draft(path))).columnNames, ['y', 'b', 'a']);
    deepEqual((await load(draft(path, { notFeatures: ['y', 'nope'] }))).columnNames, ['b', 'a']);
    const picked = await load(draft(path, { selectColumns: ['a', 'b'] }));
    deepEqual([...picked.features], [2, 1, 4, 3]);
    const rowOrder = await load(draft(path, { keyColumns: null, selectColumns: ['b'] }));
    deepEqual([rowOrder.keys, [...rowOrder.features]], [null, [1, 3]]);
    const labelOnly = await load(draft(folder.write('l.csv', 'id,y\n1,0\n2,1\n'), { label }));
    deepEqual([labelOnly.columnNames, labelOnly.features.length], [[], 0]);
  });

  it('reads binary labels as 0 and 1', async () => {
    const label = { column: 'y', kind: 'binary' } as const;
    const cases: [string[], number[]][] = [
      [
        ['0', '1', '1.0'],
        [0, 1, 1],
      ],
      [
        ['-1', '1', '-1'],
        [0, 1, 0],
      ],
      [
        ['true', 'False', 'TRUE'],
        [1, 0, 1],
      ],
    ];
    for (const [values, expected] of cases) {
      const path = folder.write(
        'y.csv',
        csvText([['id', 'y'], ...values.map((y, i) => [`${i}`, y])]),
      );
      deepEqual([...(await load(draft(path, { label }))).label!], expected, values.join());
    }
    const real = draft(folder.write('r.csv', 'id,y\n1,2.5\n2,-1e3\n'), {
      label: { column: 'y', kind: 'number' },
    });
    deepEqual([...(await load(real)).label!], [2.5, -1000]);
    const classes = draft(folder.write('k.csv', 'id,y\n1,0\n2,3\n3,3.0\n'), {
      label: { column: 'y', kind: { classes: 4 } },
    });
    deepEqual([...(await load(classes)).label!], [0, 3, 3], 'not every class need be there');
  });

  it('keeps missing cells missing when asked, empty columns among them', async () => {
    const path = folder.write('m.csv', 'id,x,e,c\n1,2,,\n2,,NA,a\n');
    const asked = draft(path, { keepMissing: true, discreteColumns: ['c'] });
    const loaded = await load(asked, { keepMissing: true });
    deepEqual(loaded.columnNames, ['x', 'e', 'c=a']);
    const { NaN: none } = Number;
    deepEqual(loaded.features, Float64Array.of(2, none, 0, none, none, 1));
    deepEqual(
      loaded.encoding.map((each) => each.kind === 'numeric' && each.mean),
      [null, null, false],
    );
    deepEqual(loaded.missing, [
      { name: 'x', cells: 1 },
      { name: 'e', cells: 2 },
      { name: 'c', cells: 1 },
    ]);
    const { encoding } = loaded;
    const again = await load(draft(path, { encoding }), { encoding });
    deepEqual(again.features, loaded.features, 'to predict the encoding says it');
  });

  describe('refuses', () => {
    const label = { column: 'y', kind: 'binary' } as const;
    const SECRET = '867530911';
    const cases: [string, string, Partial<DatasetDraft>, DatasetErrorCode, RegExp][] = [
      ['a header without rows', 'id,x\n', {}, 'empty', /no rows/],
      ['an unknown type', 'id,x\n1,2\n', { type: 'xlsx' }, 'bad_type', /csv, json or parquet/],
      ['CSV called JSON', `id,x\n${SECRET},2\n`, { type: 'json' }, 'malformed', /json/],
      ['CSV called Parquet', `id,x\n${SECRET},2\n`, { type: 'parquet' }, 'malformed', /parquet/],
      ['an absent key column', 'k,x\n1,2\n', {}, 'missing_column', /no column id/],
      [
        'an absent feature',
        'id,x\n1,2\n',
        { selectColumns: ['z'] },
        'missing_column',
        /no column z$/,
      ],
      [
        'an absent discrete column',
        'id,x\n1,2\n',
        { discreteColumns: ['z'] },
        'missing_column',
        /z$/,
      ],
      ['an empty selection', 'id,x\n1,2\n', { selectColumns: [] }, 'bad_selection', /no columns/],
      [
        'a column twice',
        'id,x\n1,2\n',
        { selectColumns: ['x', 'x'] },
        'bad_selection',
        /x is selected twice/,
      ],
      [
        'the key as feature',
        'id,x\n1,2\n',
        { selectColumns: ['id'] },
        'bad_selection',
        /key, payload or label/,
      ],
      [
        'the label as feature',
        'id,y\n1,2\n',
        { label, selectColumns: ['y'] },
        'bad_selection',
        /y is key, payload or/,
      ],
      [
        'the label as key',
        'id,y\n1,2\n',
        { label: { ...label, column: 'id' } },
        'bad_selection',
        /one column/,
      ],
      [
        'a discrete column that is not selected',
        'id,x,c\n1,2,3\n',
        { selectColumns: ['x'], discreteColumns: ['c'] },
        'bad_selection',
        /c is not among/,
      ],
      ['a missing key', `id,x\n1,2\n ,${SECRET}\n`, {}, 'missing_key', /row 2, column id/],
      [
        'a missing label',
        `id,y\n1,0\n2,1\n${SECRET},NA\n`,
        { label },
        'missing_label',
        /row 3, column y/,
      ],
      [
        'a label that is text',
        `id,y\n1,0\n2,${SECRET}a\n`,
        { label },
        'not_numeric',
        /row 2, column y/,
      ],
      [
        'a label with one value',
        `id,y\n1,1\n2,1\n`,
        { label },
        'not_binary',
        /column y has 1 value/,
      ],
      [
        'a label with three values',
        `id,y\n1,0\n2,1\n3,${SECRET}\n`,
        { label },
        'not_binary',
        /y has more than two/,
      ],
      [
        'a label beyond the classes',
        'id,y\n1,0\n2,3\n',
        { label: { column: 'y', kind: { classes: 3 } } },
        'not_class',
        /row 2, column y: is no class: 3 classes are the whole numbers from 0 to 2$/,
      ],
      [
        'a label between two classes',
        'id,y\n1,0.5\n2,1\n',
        { label: { column: 'y', kind: { classes: 3 } } },
        'not_class',
        /row 1, column y/,
      ],
      ['a label of 1 and 2', 'id,y\n1,1\n2,2\n', { label }, 'not_binary', /column y has 2 value/],
      [
        'text in a numeric column',
        `id,x\n1,2\n2,${SECRET}a\n`,
        {},
        'not_numeric',
        /row 2, column x/,
      ],
      ['digit groups', 'id,x\n1,86_753\n', {}, 'not_numeric', /row 1, column x/],
      ['decimal commas', 'id;x\n1;2,5\n', {}, 'not_numeric', /row 1, column x/],
      ['infinity', 'id,x\n1,2\n2,-inf\n', {}, 'not_finite', /row 2, column x/],
      ['NaN', 'id,x\n1,NaN\n', {}, 'not_finite', /row 1, column x/],
      ['numbers beyond the range', 'id,x\n1,1e999\n', {}, 'not_finite', /row 1, column x/],
      ['a column without values', 'id,x\n1,\n2,NA\n', {}, 'missing_values', /column x/],
      ['a short row', `id,x\n1,2\n${SECRET}\n`, {}, 'malformed', /row 2 \(line 3\)/],
      ['a long row', `id,x\n1,2\n${SECRET},2,3\n`, {}, 'malformed', /row 2 \(line 3\)/],
      ['an open quote', `id,x\n1,"${SECRET}\n`, {}, 'malformed', /column x/],
      ['mixed line ends', `id,x\n1,2\r\n${SECRET},4\n`, {}, 'malformed', /CRLF/],
    ];
    for (const [what, content, more, code, message] of cases) {
      it(`${what}: ${code}`, async () => {
        const path = folder.write('bad.csv', content);
        await rejects(datasets.terms(draft(path, more)), (error: Error & { code: string }) => {
          equal(error.code, code, error.message);
          equal(message.test(error.message), true, error.message);
          // Nothing about the error may carry a value: not its text, not a cause, not a field.
          doesNotMatch(
            JSON.stringify([error.message, error.cause, Object.entries(error)]),
            /8675309|86_753/,
          );
          return true;
        });
      });
    }

    it('a feature with more than 1000 categories', async () => {
      const rows = Array.from({ length: 1001 }, (_, i) => [`${i}`, `c${i}`]);
      const path = folder.write('many.csv', csvText([['id', 'c'], ...rows]));
      await rejects(datasets.terms(draft(path, { discreteColumns: ['c'] })), {
        code: 'too_many_categories',
      });
    });

    it('JSON that is not a list of plain objects', async () => {
      const texts: [string, DatasetErrorCode][] = [
        ['[]', 'missing_column'],
        ['[1,2]', 'bad_type'],
        ['[[{"id":1}]]', 'bad_type'],
        ['{"id":1}\n7\n', 'bad_type'],
        ['[{"id":1,"id":2}]', 'duplicate_column'],
        ['[{"id":1,"x":1},{"X":2}]', 'duplicate_column'],
        ['[{"id":1,"":2}]', 'no_header'],
        [`[{"id":1,"x":${SECRET}},]`, 'malformed'],
        [`[{"id":1,"x":{"a":${SECRET}}}]`, 'not_numeric'],
        ['[{"id":1,"x":1},{"x":2}]', 'missing_key'],
        ['[{"id":1,"x":NaN}]', 'not_finite'],
        ['\uFEFF[{"id":1}]', 'bad_type'],
      ];
      for (const [text, code] of texts) {
        const path = folder.write('bad.json', text);
        await rejects(datasets.terms(draft(path)), (error: Error & { code: string }) => {
          equal(error.code, code, `${text}: ${error.message}`);
          doesNotMatch(error.message, /8675309/);
          return true;
        });
      }
    });

    it('every file outside the roots, before anything else', async () => {
      const outside = draft(join(folder.path, '..', 'x.csv'), { type: 'nonsense' });
      await rejects(datasets.terms(outside), { code: 'outside_roots' });
      await rejects(datasets.describe('/etc/passwd', 'csv'), { code: 'outside_roots' });
    });
  });
});
