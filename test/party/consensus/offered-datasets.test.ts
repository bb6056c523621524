import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict';
import type {
  Contract,
  DatasetTerms,
  LinearPrediction,
  LinearTraining,
} from '../../../src/party/consensus/contract.ts';
import { DatasetTermsSchema } from '../../../src/party/consensus/contract-schema.ts';
import {
  type FindPart,
  type OfferedDatasets,
  type OwnPart,
  offeredDatasets,
} from '../../../src/party/consensus/offered-datasets.ts';
import { checkShape } from '../../../src/party/consensus/schema.ts';
import { datasetErrorCode, type TaskDraft } from '../../../src/party/consensus/task-draft.ts';
import { createDatasets } from '../../../src/party/datasets/datasets.ts';
import { Store } from '../../../src/party/store.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { NOW, sampleContract, sampleTrees, testIdentity } from '../../support/contracts.ts';
import { psiContract } from '../../support/program-parties.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { onlyKeys, stringsOf } from '../../support/text-columns.ts';

const ROWS = 'id,y,age,region,theirs\na,0,30,north,1\nb,1,40,south,0\nc,1,50,east,1\n';

const DRAFT: TaskDraft = {
  version: 1,
  kind: 'train',
  algorithm: { name: 'logistic_regression', partition: 'vertical' },
  alignment: { method: 'psi', duplicates: 'reject', minimumIntersection: 0 },
  purpose: 'credit risk',
  parties: ['orgA', 'orgB'],
  receivers: ['orgA'],
  modelRelease: 'full',
  model: null,
  dataset: {
    path: 'train.csv',
    type: 'csv',
    keyColumns: ['id'],
    labelColumn: 'y',
    labelKind: 'binary',
    selectColumns: null,
    discreteColumns: ['region'],
    notFeatures: ['theirs'],
    payload: [],
  },
};

const NO_CONDITIONS = { minimumIntersection: 0 };
const [ORG_A, ORG_B] = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);

const MODEL = 'model-01hqxyzabcdefghjkmnpqrstvw';
const PART: OwnPart = {
  taskId: 'ab'.repeat(32),
  training: sampleContract([ORG_A!, ORG_B!]),
  encoding: [
    { kind: 'numeric', name: 'age', mean: 35 },
    { kind: 'categorical', name: 'region', levels: ['south', 'west'] },
  ],
};
const PREDICT: TaskDraft = {
  ...DRAFT,
  kind: 'predict',
  modelRelease: null,
  model: MODEL,
  dataset: {
    ...DRAFT.dataset,
    labelColumn: null,
    labelKind: null,
    selectColumns: ['age', 'region'],
    notFeatures: [],
  },
};

const TREES: TaskDraft = {
  ...DRAFT,
  algorithm: { name: 'xgboost', partition: 'vertical' },
  dataset: {
    ...DRAFT.dataset,
    labelKind: { classes: 3 },
    discreteColumns: [],
    notFeatures: [],
  },
};

/** A training in which orgA brings these terms. */
const trainWith = (dataset: DatasetTerms): LinearTraining => {
  const base = sampleContract([ORG_A!, ORG_B!]);
  const [own, ...others] = base.parties;
  return { ...base, parties: [{ ...own!, dataset }, ...others] };
};

/** The same two parties, in a prediction with the model. */
const predictWith = (
  dataset: DatasetTerms,
  model: LinearPrediction['model'] = { id: MODEL, taskId: PART.taskId },
): LinearPrediction => {
  const { metrics: _, ...base } = trainWith(dataset);
  const parameters = { predict_threshold: 0.5, open_bits: 12 };
  return { ...base, kind: 'predict', model, parameters };
};

describe('offered datasets', () => {
  const folder = scratchFolder();
  const LIMITS = { roots: [`${folder.path}/data`], threads: 1, memoryLimit: '256MB' };
  const findPart: FindPart = async (model) => (model === MODEL ? PART : null);

  async function withDirectory(
    use: (directory: OfferedDatasets, terms: DatasetTerms, store: Store) => Promise<void>,
  ): Promise<void> {
    folder.write('data/train.csv', ROWS);
    const store = await Store.open(`${folder.path}/store`);
    try {
      const datasets = createDatasets(LIMITS, systemRng);
      const directory = offeredDatasets(datasets, store, findPart, () => NOW);
      await use(directory, (await directory.describe(DRAFT, NO_CONDITIONS, 'orgB')).terms, store);
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
      await directory.verify(trainWith(terms), 'orgA');
      const loaded = await directory.load(trainWith(terms), 'orgA');
      deepEqual([...loaded.label!], [0, 1, 1]);
      deepEqual(onlyKeys(loaded), ['a', 'b', 'c']);
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

  it('name the first row that repeats a key, and do not tell how many do', () =>
    withDirectory(async (directory) => {
      for (const more of ['c,1,50,east,1\n', 'c,1,50,east,1\nc,1,50,east,1\na,1,50,east,1\n']) {
        folder.write('data/train.csv', `${ROWS}${more}`);
        await rejects(directory.describe(DRAFT, NO_CONDITIONS, 'orgB'), (error) => {
          equal(datasetErrorCode(error), 'duplicate_key');
          equal(
            (error as Error).message,
            'train.csv: row 4, column id: repeats the key of an earlier row: remove it, or ask for privacy.duplicates first',
          );
          return true;
        });
      }
    }));

  it('commit afresh each time, and remember every offer over a restart', () =>
    withDirectory(async (directory, first, store) => {
      const { terms: second } = await directory.describe(DRAFT, NO_CONDITIONS, 'orgB');
      notEqual(first.commitment, second.commitment);
      const datasets = createDatasets(LIMITS, systemRng);
      const again = offeredDatasets(datasets, store, findPart, () => NOW);
      await again.verify(trainWith(first), 'orgA');
      await again.verify(trainWith(second), 'orgA');
    }));

  it('keep what is missing for trees, and read their labels as what is learnt', () =>
    withDirectory(async (directory) => {
      folder.write('data/train.csv', 'id,y,age,income\na,0,,1\nb,2,,\nc,1,,3\n');
      const { terms } = await directory.describe(TREES, NO_CONDITIONS, 'orgB');
      const base = sampleTrees([ORG_A!, ORG_B!]);
      const parameters = { ...base.parameters, objective: 'multi:softprob', num_class: 3 } as const;
      const [own, other] = base.parties;
      const contract = { ...base, parameters, parties: [{ ...own!, dataset: terms }, other!] };
      await directory.verify(contract, 'orgA');
      const { features, label, encoding } = await directory.load(contract, 'orgA');
      const { NaN: none } = Number;
      deepEqual([...features], [none, 1, none, none, none, 3]);
      deepEqual([...label!], [0, 2, 1]);
      deepEqual(encoding[0], { kind: 'numeric', name: 'age', mean: null });

      const two = { ...TREES, dataset: { ...TREES.dataset, labelKind: { classes: 2 } } };
      await rejects(directory.describe(two, NO_CONDITIONS, 'orgB'), { code: 'not_class' });
      const fewer = { ...contract, parameters: { ...parameters, num_class: 2 } };
      await rejects(directory.load(fewer, 'orgA'), { code: 'not_class' });
    }));

  it('refuse terms that differ in anything from what was given', () =>
    withDirectory(async (directory, terms) => {
      const changes: readonly Partial<DatasetTerms>[] = [
        { rowCount: 4 },
        { keyColumns: ['age'] },
        { labelColumn: null },
        { features: terms.features.slice(1) },
        { features: terms.features.toReversed() },
        { path: './train.csv' },
        { minimumIntersection: 1 },
        { commitment: '00'.repeat(32) },
      ];
      for (const change of changes) {
        const forged = trainWith({ ...terms, ...change });
        const what = JSON.stringify(change);
        await rejects(directory.verify(forged, 'orgA'), { code: 'changed' }, what);
        await rejects(directory.load(forged, 'orgA'), { code: 'changed' }, what);
      }
    }));

  it('refuse a file that changed, and report errors that consensus understands', () =>
    withDirectory(async (directory, terms) => {
      folder.write('data/train.csv', ROWS.replace('30', '31'));
      await rejects(directory.verify(trainWith(terms), 'orgA'), (error) => {
        equal(datasetErrorCode(error), 'changed');
        return true;
      });
      const missing = { ...DRAFT, dataset: { ...DRAFT.dataset, path: 'none.csv' } };
      await rejects(directory.describe(missing, NO_CONDITIONS, 'orgB'), (error) => {
        equal(datasetErrorCode(error), 'missing_dataset');
        return true;
      });
    }));

  describe('of a set intersection', () => {
    const PSI: TaskDraft = {
      ...DRAFT,
      kind: 'psi',
      algorithm: { name: 'intersection', partition: 'psi' },
      modelRelease: null,
      dataset: { ...DRAFT.dataset, labelColumn: null, selectColumns: [], discreteColumns: [] },
    };
    const psiWith = (dataset: DatasetTerms): Contract => {
      const base = psiContract({ orgA: 1, orgB: 1 });
      const [own, ...others] = base.parties;
      return { ...base, parties: [{ ...own!, dataset }, ...others] };
    };

    it('are keys alone, whatever columns the draft names', () =>
      withDirectory(async (directory) => {
        folder.write('data/train.csv', ROWS.replace('30', 'no number'));
        for (const change of [{}, { labelColumn: 'y', selectColumns: ['age'] }]) {
          const draft = { ...PSI, dataset: { ...PSI.dataset, ...change } };
          const { terms } = await directory.describe(draft, { minimumIntersection: 7 }, 'orgB');
          deepEqual([terms.features, terms.labelColumn, terms.rowCount], [[], null, 3]);
          equal(terms.minimumIntersection, 7);
          await directory.verify(psiWith(terms), 'orgA');
          const loaded = await directory.load(psiWith(terms), 'orgA');
          deepEqual([[...loaded.features], loaded.label], [[], null]);
          deepEqual(onlyKeys(loaded), ['a', 'b', 'c']);
        }
      }));

    it('have the payload of a labelled one, text as it is', () =>
      withDirectory(async (directory) => {
        const draft: TaskDraft = {
          ...PSI,
          algorithm: { name: 'labelled_intersection', partition: 'psi' },
          dataset: { ...PSI.dataset, keyColumns: ['id', 'y'], payload: ['region', 'age'] },
        };
        const { terms } = await directory.describe(draft, NO_CONDITIONS, 'orgB');
        deepEqual(
          [terms.keyColumns, terms.payload],
          [
            ['id', 'y'],
            ['region', 'age'],
          ],
        );
        const { keys, payload } = await directory.load(psiWith(terms), 'orgA');
        deepEqual(keys!.map(stringsOf), [
          ['a', 'b', 'c'],
          ['0', '1', '1'],
        ]);
        deepEqual(payload.map(stringsOf), [
          ['north', 'south', 'east'],
          ['30', '40', '50'],
        ]);
      }));

    it('may have no row, which nothing else may', () =>
      withDirectory(async (directory) => {
        folder.write('data/train.csv', 'id,y,age,region,theirs\n');
        const { terms } = await directory.describe(PSI, NO_CONDITIONS, 'orgB');
        equal(terms.rowCount, 0);
        deepEqual(onlyKeys(await directory.load(psiWith(terms), 'orgA')), []);
        for (const draft of [DRAFT, PREDICT]) {
          await rejects(directory.describe(draft, NO_CONDITIONS, 'orgB'), { code: 'empty' });
        }
      }));
  });

  describe('of a prediction', () => {
    it('are the columns of the model, encoded as in the training', () =>
      withDirectory(async (directory) => {
        folder.write('data/train.csv', 'region,id,age\nsouth,a,\nnorth,b,1\nwest,c,2\n');
        const { terms } = await directory.describe(PREDICT, NO_CONDITIONS, 'orgB');
        deepEqual(terms.features, [
          { name: 'age', kind: 'numeric' },
          { name: 'region', kind: 'categorical', categories: 2 },
        ]);
        const contract = predictWith(terms);
        await directory.verify(contract, 'orgA');
        const { features, columnNames } = await directory.load(contract, 'orgA');
        deepEqual(columnNames, ['age', 'region=south', 'region=west']);
        deepEqual([...features], [35, 1, 0, 1, 0, 0, 2, 0, 1]);
      }));

    it('are unknown to whoever did not train the model, and for other columns', () =>
      withDirectory(async (directory) => {
        folder.write('data/train.csv', 'not even a table');
        const dataset = (change: Partial<TaskDraft['dataset']>) => ({
          ...PREDICT,
          dataset: { ...PREDICT.dataset, ...change },
        });
        const asked: readonly (readonly [TaskDraft, string])[] = [
          [{ ...PREDICT, model: 'model-00000000000000000000000000' }, 'orgB'],
          [{ ...PREDICT, model: null }, 'orgB'],
          [PREDICT, 'orgC'],
          [{ ...PREDICT, parties: ['orgA', 'orgC'] }, 'orgB'],
          [{ ...PREDICT, algorithm: { ...PREDICT.algorithm, name: 'linear_regression' } }, 'orgB'],
          [dataset({ selectColumns: ['age'] }), 'orgB'],
          [dataset({ selectColumns: ['age', 'region', 'theirs'] }), 'orgB'],
          [dataset({ selectColumns: ['age', 'theirs'] }), 'orgB'],
          [dataset({ selectColumns: null }), 'orgB'],
        ];
        for (const [draft, peer] of asked) {
          const describing = directory.describe(draft, NO_CONDITIONS, peer);
          await rejects(describing, { code: 'unknown_model' }, JSON.stringify(draft));
        }
      }));

    it('are verified for the model, the training and the parties that they were given for', () =>
      withDirectory(async (directory, trained) => {
        const { terms } = await directory.describe(PREDICT, NO_CONDITIONS, 'orgB');
        const good = predictWith(terms);
        const [own, other] = good.parties;
        const wrong: readonly (readonly [Contract, string])[] = [
          [predictWith(trained), 'changed'],
          [trainWith(terms), 'changed'],
          [predictWith(terms, { id: `${MODEL.slice(0, -1)}0`, taskId: PART.taskId }), 'changed'],
          [predictWith(terms, { id: MODEL, taskId: 'cd'.repeat(32) }), 'unknown_model'],
          [{ ...good, parties: [other!, own!] }, 'unknown_model'],
          [{ ...good, parameters: { ...good.parameters, open_bits: 20 } }, 'unknown_model'],
          [{ ...good, parties: [own!, { ...other!, name: 'orgC' }] }, 'unknown_model'],
        ];
        for (const [contract, code] of wrong) {
          await rejects(directory.verify(contract, 'orgA'), { code }, code);
          await rejects(directory.load(contract, 'orgA'), { code }, code);
        }
        await directory.verify(good, 'orgA');
      }));
  });
});
