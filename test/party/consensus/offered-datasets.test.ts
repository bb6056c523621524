import { deepEqual, doesNotMatch, equal, notEqual, rejects } from 'node:assert/strict';
import type { DatasetTerms } from '../../../src/party/consensus/contract.ts';
import { DatasetTermsSchema } from '../../../src/party/consensus/contract-schema.ts';
import {
  type OfferedDatasets,
  offeredDatasets,
} from '../../../src/party/consensus/offered-datasets.ts';
import { checkShape } from '../../../src/party/consensus/schema.ts';
import { datasetErrorCode, type TaskDraft } from '../../../src/party/consensus/task-draft.ts';
import { createDatasets } from '../../../src/party/datasets/datasets.ts';
import { Store } from '../../../src/party/store.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

const ROWS = 'id,y,age,region,theirs\na,0,30,north,1\nb,1,40,south,0\nc,1,50,east,1\n';

const DRAFT: TaskDraft = {
  version: 1,
  kind: 'train',
  algorithm: { name: 'logistic_regression', partition: 'vertical' },
  alignment: { method: 'psi', engine: 'ecdh', duplicates: 'reject', minimumIntersection: 0 },
  purpose: 'credit risk',
  parties: ['orgA', 'orgB'],
  receivers: ['orgA'],
  modelRelease: 'full',
  model: null,
  dataset: {
    path: 'train.csv',
    type: 'csv',
    keyColumn: 'id',
    labelColumn: 'y',
    selectColumns: null,
    discreteColumns: ['region'],
    notFeatures: ['theirs'],
  },
};

const NO_CONDITIONS = { minimumIntersection: 0 };

describe('offered datasets', () => {
  const folder = scratchFolder();
  const LIMITS = { roots: [`${folder.path}/data`], threads: 1, memoryLimit: '256MB' };

  async function withDirectory(
    use: (directory: OfferedDatasets, terms: DatasetTerms, store: Store) => Promise<void>,
  ): Promise<void> {
    folder.write('data/train.csv', ROWS);
    const store = await Store.open(`${folder.path}/store`);
    try {
      const datasets = createDatasets(LIMITS, systemRng);
      const directory = offeredDatasets(datasets, store);
      await use(directory, (await directory.describe(DRAFT, NO_CONDITIONS)).terms, store);
    } finally {
      await store.close();
    }
  }

  it('describe in terms a contract can hold, and verify and load by them', () =>
    withDirectory(async (directory, terms) => {
      deepEqual(checkShape(DatasetTermsSchema, terms, 'malformed_message'), terms);
      deepEqual(
        terms.features.map(({ name, categories }) => [name, categories]),
        [
          ['age', undefined],
          ['region', 2],
        ],
      );
      await directory.verify(terms);
      const loaded = await directory.load(terms, 'logistic_regression');
      deepEqual([...loaded.label!], [0, 1, 1]);
      deepEqual(loaded.keys, ['a', 'b', 'c']);
    }));

  it('list columns by the header alone', () =>
    withDirectory(async (directory) => {
      folder.write('data/train.csv', ROWS.replace('30', 'n/a?'));
      deepEqual(await directory.columns('train.csv', 'csv'), [
        'id',
        'y',
        'age',
        'region',
        'theirs',
      ]);
    }));

  it('do not tell how many rows repeat a key', () =>
    withDirectory(async (directory) => {
      folder.write('data/train.csv', `${ROWS}c,1,50,east,1\nc,1,50,east,1\n`);
      await rejects(directory.describe(DRAFT, NO_CONDITIONS), (error) => {
        equal(datasetErrorCode(error), 'duplicate_key');
        doesNotMatch((error as Error).message, /\d/);
        return true;
      });
    }));

  it('commit afresh each time, and remember every offer over a restart', () =>
    withDirectory(async (directory, first, store) => {
      const { terms: second } = await directory.describe(DRAFT, NO_CONDITIONS);
      notEqual(first.commitment, second.commitment);
      const datasets = createDatasets(LIMITS, systemRng);
      const again = offeredDatasets(datasets, store);
      await again.verify(first);
      await again.verify(second);
    }));

  it('refuse terms that differ in anything from what was given', () =>
    withDirectory(async (directory, terms) => {
      const changes: readonly Partial<DatasetTerms>[] = [
        { rowCount: 4 },
        { keyColumn: 'age' },
        { labelColumn: null },
        { features: terms.features.slice(1) },
        { features: terms.features.toReversed() },
        { path: './train.csv' },
        { commitment: '00'.repeat(32) },
      ];
      for (const change of changes) {
        const forged = { ...terms, ...change };
        await rejects(directory.verify(forged), { code: 'changed' }, JSON.stringify(change));
        await rejects(directory.load(forged, 'logistic_regression'), { code: 'changed' });
      }
    }));

  it('refuse a file that changed, and report errors that consensus understands', () =>
    withDirectory(async (directory, terms) => {
      folder.write('data/train.csv', ROWS.replace('30', '31'));
      await rejects(directory.verify(terms), (error) => {
        equal(datasetErrorCode(error), 'changed');
        return true;
      });
      const missing = { ...DRAFT, dataset: { ...DRAFT.dataset, path: 'none.csv' } };
      await rejects(directory.describe(missing, NO_CONDITIONS), (error) => {
        equal(datasetErrorCode(error), 'missing_dataset');
        return true;
      });
    }));
});
