import { deepEqual, rejects, throws } from 'node:assert/strict';
import { join } from 'node:path';
import { createDatasets } from '../../../src/party/datasets/datasets.ts';
import { parseDatasetType } from '../../../src/party/datasets/table.ts';
import { writeQueryResult } from '../../support/parquet-file.ts';
import { csvText, scratchFolder } from '../../support/scratch-folder.ts';
import { onlyKeys } from '../../support/text-columns.ts';

describe('dataset table', () => {
  const folder = scratchFolder();
  const datasets = createDatasets(
    { roots: [folder.path], threads: 1, memoryLimit: '256MB' },
    (length) => new Uint8Array(length),
  );
  const draft = {
    type: 'parquet',
    keyColumns: ['id'],
    label: null,
    selectColumns: null,
    discreteColumns: [],
  };

  it('takes the three types in any case', () => {
    deepEqual(
      ['csv', 'JSON', 'Parquet'].map((type) => parseDatasetType('f', type)),
      ['csv', 'json', 'parquet'],
    );
    throws(() => parseDatasetType('f', 'xml'), { code: 'bad_type' });
  });

  it('reads Parquet columns by their declared types', async () => {
    await writeQueryResult(
      join(folder.path, 'p.parquet'),
      `SELECT * FROM (VALUES
        (12::BIGINT, 1.5::FLOAT, 3::TINYINT, 2.25::DECIMAL(8,2), true, 'a', DATE '2020-01-02', {'s': 1}),
        (-7::BIGINT, NULL, 4::TINYINT, 1::DECIMAL(8,2), false, ' 8 ', NULL, {'s': 2}))
        t(id, f, i, m, "b b", t, d, nested)`,
    );
    deepEqual(await datasets.columns('p.parquet', 'parquet'), [
      'id',
      'f',
      'i',
      'm',
      'b b',
      't',
      'd',
      'nested',
    ]);
    deepEqual((await datasets.describe('p.parquet', 'parquet')).columns, [
      { name: 'id', type: 'integer', missing: 0 },
      { name: 'f', type: 'number', missing: 1 },
      { name: 'i', type: 'integer', missing: 0 },
      { name: 'm', type: 'number', missing: 0 },
      { name: 'b b', type: 'boolean', missing: 0 },
      { name: 't', type: 'text', missing: 0 },
      { name: 'd', type: 'date', missing: 1 },
      { name: 'nested', type: 'other', missing: 0 },
    ]);
    const offer = await datasets.terms({
      ...draft,
      path: 'p.parquet',
      selectColumns: ['f', 'i', 'm', 'b b', 't', 'd'],
      discreteColumns: ['t', 'd'],
    });
    const loaded = await datasets.load(offer.terms, offer.salt);
    deepEqual(onlyKeys(loaded), ['12', '-7']);
    deepEqual(loaded.columnNames, ['f', 'i', 'm', 'b b', 't=a', 'd=2020-01-02']);
    deepEqual([...loaded.features], [1.5, 3, 2.25, 1, 1, 1, 1.5, 4, 1, 0, 0, 0]);
    for (const [column, code] of [
      ['d', 'not_numeric'],
      ['nested', 'not_numeric'],
      ['t', 'not_numeric'],
    ] as const) {
      await rejects(datasets.terms({ ...draft, path: 'p.parquet', selectColumns: [column] }), {
        code,
      });
    }
    await rejects(datasets.terms({ ...draft, path: 'p.parquet', keyColumns: ['f'] }), {
      code: 'bad_key',
    });
  });

  it('tells Parquet columns apart by case and keeps their names', async () => {
    await writeQueryResult(
      join(folder.path, 'n.parquet'),
      `SELECT 1 AS id, 2 AS "x""'", [3] AS l, 4 AS "é"`,
    );
    const { columns } = await datasets.describe('n.parquet', 'parquet');
    deepEqual(
      columns.map(({ name }) => name),
      ['id', `x"'`, 'l', 'é'],
    );
  });

  it('takes no column from the name of a folder', async () => {
    folder.write('year=2020/a.csv', 'id,x\n1,2\n');
    const { columns } = await datasets.describe('year=2020/a.csv', 'csv');
    deepEqual(
      columns.map(({ name }) => name),
      ['id', 'x'],
    );
  });

  it('skips blank lines of a file with one column too', async () => {
    folder.write('one.csv', 'id\n1\n\n2\n\n\n');
    const offer = await datasets.terms({ ...draft, path: 'one.csv', type: 'csv' });
    deepEqual(onlyKeys(await datasets.load(offer.terms, offer.salt)), ['1', '2']);
    folder.write('one.csv', 'id\n1\n""\n');
    await rejects(datasets.terms({ ...draft, path: 'one.csv', type: 'csv' }), {
      code: 'missing_key',
    });
  });

  it('keeps the file’s order and width over many chunks and threads', async () => {
    const n = 9_000;
    const rows = Array.from({ length: n }, (_, i) => [`k${i}`, `${i}`, `${i / 8}`]);
    folder.write('long.csv', csvText([['id', 'a', 'b'], ...rows]));
    folder.write('long.json', rows.map(([id, a, b]) => JSON.stringify({ id, a, b })).join('\n'));
    for (const path of ['long.csv', 'long.json']) {
      const parallel = createDatasets(
        { roots: [folder.path], threads: 4, memoryLimit: '512MB' },
        (length) => new Uint8Array(length),
      );
      const offer = await parallel.terms({ ...draft, path, type: path.slice(5) });
      const loaded = await parallel.load(offer.terms, offer.salt);
      const { features } = loaded;
      deepEqual(
        onlyKeys(loaded),
        rows.map(([id]) => id),
        path,
      );
      deepEqual(
        features,
        Float64Array.from(rows.flatMap(([, a, b]) => [Number(a), Number(b)])),
        path,
      );
    }
  });
});
