import { deepEqual, equal } from 'node:assert/strict';
import { createDatasets } from '../../../src/party/datasets/datasets.ts';
import { csvText, scratchFolder } from '../../support/scratch-folder.ts';

describe('dataset description', () => {
  const folder = scratchFolder();
  const datasets = createDatasets(
    { roots: [folder.path], threads: 1, memoryLimit: '256MB' },
    (length) => new Uint8Array(length),
  );
  const typesOf = async (columns: Record<string, string[]>) => {
    const names = Object.keys(columns);
    const rows = columns[names[0]!]!.map((_, row) => names.map((name) => columns[name]![row]!));
    folder.write('d.csv', csvText([names, ...rows]));
    const { columns: described } = await datasets.describe('d.csv', 'csv');
    return Object.fromEntries(
      described.map(({ name, type, missing }) => [name, `${type} ${missing}`]),
    );
  };

  it('decides types over every row', async () => {
    const late = (value: string): string[] => [...Array<string>(5000).fill('1'), value];
    deepEqual(
      await typesOf({
        integer: late('-2'),
        number: late('0.5'),
        marked: late('NA'),
        gap: late(''),
        text: late('x'),
        grouped: late('1_0'),
        infinite: late('inf'),
      }),
      {
        integer: 'integer 0',
        number: 'number 0',
        marked: 'integer 1',
        gap: 'integer 1',
        text: 'text 0',
        grouped: 'text 0',
        infinite: 'text 0',
      },
    );
  });

  it('knows booleans, empty columns and texts with gaps', async () => {
    deepEqual(
      await typesOf({
        id: ['1', '2', '3'],
        b: ['true', '', 'False'],
        e: ['', ' ', ''],
        t: ['a', '', 'NA'],
      }),
      {
        id: 'integer 0',
        b: 'boolean 1',
        e: 'empty 3',
        t: 'text 1',
      },
    );
  });

  it('describes files without rows', async () => {
    folder.write('h.csv', 'id,x\n');
    deepEqual(await datasets.describe('h.csv', 'csv'), {
      type: 'csv',
      rowCount: 0,
      columns: [
        { name: 'id', type: 'empty', missing: 0 },
        { name: 'x', type: 'empty', missing: 0 },
      ],
    });
    folder.write('h.json', '[]');
    equal((await datasets.describe('h.json', 'json')).rowCount, 0);
  });
});
