import { deepEqual, equal } from 'node:assert/strict';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import { requestTerms } from '../../../src/party/consensus/describe.ts';
import type { DatasetDraft, TaskDraft } from '../../../src/party/consensus/task-draft.ts';
import { METHODS } from '../../../src/party/consensus/wire.ts';
import { DatasetRefusal, OPEN_RULE, withNetwork } from '../../support/consensus-network.ts';
import { refusesAsync } from '../../support/refusals.ts';

const TWO = ['orgA', 'orgB'];

const DRAFT: TaskDraft = {
  version: 1,
  kind: 'train',
  algorithm: { name: 'logistic_regression', partition: 'vertical' },
  alignment: { method: 'psi', duplicates: 'reject', minimumIntersection: 0 },
  purpose: 'credit risk',
  parties: TWO,
  receivers: ['orgA'],
  modelRelease: 'full',
  model: null,
  dataset: {
    path: 'credit/train.csv',
    type: 'csv',
    keyColumns: ['id'],
    labelColumn: null,
    labelKind: null,
    selectColumns: ['income', 'region'],
    notFeatures: [],
    discreteColumns: ['region'],
    payload: [],
  },
};

const drafting = (changes: Partial<DatasetDraft>): TaskDraft => ({
  ...DRAFT,
  dataset: { ...DRAFT.dataset, ...changes },
});

describe('describing a dataset', () => {
  it('gives the owner’s terms, from a peer and from this node', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const expected = {
        path: 'credit/train.csv',
        type: 'csv',
        rowCount: 1000,
        keyColumns: ['id'],
        labelColumn: null,
        features: [
          { name: 'income', kind: 'numeric' },
          { name: 'region', kind: 'categorical', categories: 3 },
        ],
        payload: [],
        minimumIntersection: 0,
        commitment: 'cd'.repeat(32),
      };
      deepEqual(await requestTerms(node, 'orgB', DRAFT), expected);
      equal(network.calls.length, 1);
      deepEqual(await requestTerms(node, 'orgA', DRAFT), expected);
      equal(network.calls.length, 1, 'its own without a call');
    }));

  it('asks the policy before the dataset, for each thing it may mind', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const b = network.at('orgB');
      const denials: readonly (readonly [TaskDraft, string])[] = [
        [{ ...DRAFT, purpose: 'marketing' }, 'purpose'],
        [{ ...DRAFT, receivers: ['orgA', 'orgX'] }, 'receiver'],
        [{ ...DRAFT, parties: [...TWO, 'orgX'] }, 'peer'],
        [{ ...DRAFT, parties: ['orgB', 'orgY'] }, 'peer'],
        [drafting({ path: 'hr/train.csv' }), 'dataset'],
        [drafting({ path: 'credit/../hr/train.csv' }), 'dataset'],
        [drafting({ selectColumns: ['income', 'ssn'] }), 'column'],
        [drafting({ keyColumns: ['ssn'] }), 'column'],
        [drafting({ keyColumns: ['id', 'ssn'] }), 'column'],
        [drafting({ labelColumn: 'income', labelKind: 'number' }), 'column'],
      ];
      const rule = { ...OPEN_RULE, peers: ['orgA'], receivers: ['orgA'] };
      b.policy = { version: 1, rules: [rule] };
      for (const [draft, reason] of denials) {
        await refusesAsync(requestTerms(node, 'orgB', draft), 'refused_by_policy');
        equal(b.log.pop(), `denied orgA ${reason}`);
      }
      equal(b.datasets.described, 0, 'the dataset was never touched');
    }));

  it('tells an allowed peer the least intersection that the rule asks for', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const b = network.at('orgB');
      const least = async (draft: TaskDraft) =>
        (await requestTerms(node, 'orgB', draft)).minimumIntersection;
      equal(await least(DRAFT), 0);
      const strict = { ...OPEN_RULE, minimum_intersection: 100, minimum_columns: 9, open_bits: 4 };
      b.policy = { version: 1, rules: [strict] };
      equal(await least(DRAFT), 100, 'what only a contract says is judged with the contract');
      equal(await least(drafting({ selectColumns: null, discreteColumns: [] })), 100);
      const alignment = { ...DRAFT.alignment, method: 'row_order' as const };
      const rows = { ...drafting({ keyColumns: null }), alignment };
      equal(await least(rows), 0, 'every row is a common record');
    }));

  it('lets a peer see by a rule that asks what it would see by one that allows', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const b = network.at('orgB');
      const terms = await requestTerms(node, 'orgB', DRAFT);
      b.policy = { version: 1, rules: [{ ...OPEN_RULE, action: 'ask', tasks_per_day: 1 }] };
      deepEqual(await requestTerms(node, 'orgB', DRAFT), terms);
      b.policy = { version: 1, rules: [{ ...OPEN_RULE, tasks_per_day: 0 }] };
      await refusesAsync(requestTerms(node, 'orgB', DRAFT), 'refused_by_policy');
      equal(b.log.pop(), 'denied orgA tasks_per_day');
      b.policy = { version: 1, rules: [{ ...OPEN_RULE, expires: '2026-02-28' }] };
      await refusesAsync(requestTerms(node, 'orgB', DRAFT), 'refused_by_policy');
      equal(b.log.pop(), 'denied orgA expires');
    }));

  it('judges what a prediction or an intersection names, and lists no columns for them', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const b = network.at('orgB');
      const algorithms = ['predict/logistic_regression', 'psi/intersection'];
      b.policy = { version: 1, rules: [{ ...OPEN_RULE, algorithms }] };
      const predict = (...selectColumns: string[]): TaskDraft => ({
        ...drafting({ selectColumns, discreteColumns: [] }),
        kind: 'predict',
        modelRelease: null,
        model: 'model-1',
      });
      const psi: TaskDraft = {
        ...drafting({ selectColumns: [], discreteColumns: [] }),
        kind: 'psi',
        algorithm: { name: 'intersection', partition: 'psi' },
        modelRelease: null,
      };
      await refusesAsync(requestTerms(node, 'orgB', predict('ssn')), 'refused_by_policy');
      await refusesAsync(requestTerms(node, 'orgB', DRAFT), 'refused_by_policy');
      deepEqual(b.log.splice(0), ['denied orgA column', 'denied orgA algorithm']);
      equal(b.datasets.described, 0);
      equal((await requestTerms(node, 'orgB', predict('income'))).features.length, 1);
      await requestTerms(node, 'orgB', psi);
      equal(b.datasets.listed, 0);
      algorithms.push('psi/labelled_intersection');
      const labelled = (...payload: string[]): TaskDraft => ({
        ...psi,
        algorithm: { name: 'labelled_intersection', partition: 'psi' },
        dataset: { ...psi.dataset, payload },
      });
      await refusesAsync(
        requestTerms(node, 'orgB', labelled('income', 'ssn')),
        'refused_by_policy',
      );
      equal(b.log.pop(), 'denied orgA column');
      deepEqual((await requestTerms(node, 'orgB', labelled('income'))).payload, ['income']);
      algorithms.pop();
      await refusesAsync(requestTerms(node, 'orgB', labelled('income')), 'refused_by_policy');
      equal(b.log.pop(), 'denied orgA algorithm');
      b.datasets.describeWith = async () => {
        throw new DatasetRefusal('unknown_model', 'no such model');
      };
      await refusesAsync(requestTerms(node, 'orgB', predict('income')), 'refused_by_policy');
    }));

  it('refuses a draft that goes by the name of another kind', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const { datasets, log } = network.at('orgB');
      const intersection = { name: 'intersection', partition: 'psi' } as const;
      const predict = { ...DRAFT, kind: 'predict', modelRelease: null, model: 'm' } as const;
      for (const [draft, field] of [
        [{ ...DRAFT, algorithm: intersection }, 'algorithm/name'],
        [{ ...DRAFT, kind: 'psi' }, 'algorithm/name'],
        [{ ...DRAFT, algorithm: { ...DRAFT.algorithm, partition: 'psi' } }, 'algorithm/partition'],
        [{ ...DRAFT, model: 'm' }, 'model'],
        [{ ...predict, model: null }, 'model'],
        [{ ...predict, modelRelease: 'full' }, 'modelRelease'],
        [{ ...DRAFT, modelRelease: null }, 'modelRelease'],
        [
          { ...predict, dataset: { ...DRAFT.dataset, labelColumn: 'y', labelKind: 'binary' } },
          'dataset/labelColumn',
        ],
        [drafting({ labelColumn: 'y' }), 'dataset/labelKind'],
        [drafting({ labelKind: { classes: 3 } }), 'dataset/labelKind'],
        [drafting({ labelColumn: 'y', labelKind: { classes: 1 } }), 'dataset/labelKind'],
        [
          { ...predict, dataset: { ...DRAFT.dataset, selectColumns: null } },
          'dataset/selectColumns',
        ],
        [{ ...predict, model: '../m' }, 'model'],
        [{ ...DRAFT, dataset: { ...DRAFT.dataset, payload: ['income'] } }, 'dataset/payload'],
        [
          { ...DRAFT, alignment: { ...DRAFT.alignment, duplicates: 'expand' } },
          'alignment/duplicates',
        ],
      ] as const) {
        await refusesAsync(requestTerms(node, 'orgB', draft), 'malformed_message', field);
      }
      deepEqual([datasets.listed, datasets.described, log], [0, 0, []]);
    }));

  it('counts in a peer that leaves itself out', () =>
    withNetwork([...TWO, 'orgC'], async (network) => {
      network.at('orgB').policy = {
        version: 1,
        rules: [{ ...OPEN_RULE, peers: ['orgA'] }],
      };
      const request = { draft: canonicalBytes(DRAFT) };
      const { result } = await network.send('orgC', 'orgB', METHODS.describe, request);
      equal(result?.$case === 'refused' && result.value.code, 'refused_by_policy');
    }));

  it('answers alike whether or not a forbidden dataset exists', () =>
    withNetwork(TWO, async (network) => {
      const b = network.at('orgB');
      b.datasets.describeWith = async () => {
        throw new DatasetRefusal('missing_dataset', 'no such dataset');
      };
      const answers = [];
      for (const path of ['hr/there.csv', 'hr/not-there.csv']) {
        const request = { draft: canonicalBytes(drafting({ path })) };
        answers.push(await network.send('orgA', 'orgB', METHODS.describe, request));
      }
      deepEqual(answers[0], answers[1]);
      equal(b.datasets.described, 0);
    }));

  it('passes on the dataset’s own errors, by code', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      for (const [code, message] of [
        ['missing_dataset', 'credit/train.csv: no such dataset'],
        ['missing_column', 'credit/train.csv has no column income'],
        ['outside_roots', 'credit/train.csv is outside the data roots'],
      ] as const) {
        network.at('orgB').datasets.describeWith = async () => {
          throw new DatasetRefusal(code, message);
        };
        await refusesAsync(requestTerms(node, 'orgB', DRAFT), `dataset/${code}`, message);
      }
    }));

  it('answers of a model that it does not know, or not with this peer, as the policy would', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const draft: TaskDraft = { ...DRAFT, kind: 'predict', modelRelease: null, model: 'model-x' };
      const rule = { ...OPEN_RULE, algorithms: ['*'] };
      const b = network.at('orgB');
      b.policy = { version: 1, rules: [{ ...rule, peers: [] }] };
      const denied = await network.send('orgA', 'orgB', METHODS.describe, {
        draft: canonicalBytes(draft),
      });
      b.policy = { version: 1, rules: [rule] };
      b.datasets.describeWith = async () => {
        throw new DatasetRefusal('unknown_model', 'this node has no part in such a model');
      };
      await refusesAsync(requestTerms(node, 'orgB', draft), 'refused_by_policy');
      const unknown = await network.send('orgA', 'orgB', METHODS.describe, {
        draft: canonicalBytes(draft),
      });
      deepEqual(unknown, denied);
    }));

  it('names no column that the policy has not judged', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const b = network.at('orgB');
      const all = drafting({ selectColumns: null, discreteColumns: [] });
      b.datasets.columnsWith = async () => {
        throw new DatasetRefusal('no_header', 'column ssn is there twice');
      };
      await refusesAsync(
        requestTerms(node, 'orgB', all),
        'dataset/no_header',
        'the dataset is not usable',
      );
    }));

  it('does not tell whether a denied column exists that is named as a category', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const { datasets } = network.at('orgB');
      for (const selectColumns of [['income'], null]) {
        const draft = drafting({ selectColumns, discreteColumns: ['ssn'] });
        await refusesAsync(requestTerms(node, 'orgB', draft), 'refused_by_policy');
      }
      deepEqual([datasets.listed, datasets.described], [0, 0], 'the dataset was never touched');
    }));

  it('judges all columns of the file before it reads a cell', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const { datasets } = network.at('orgB');
      const all = drafting({ selectColumns: null, discreteColumns: [] });
      equal((await requestTerms(node, 'orgB', all)).features.length, 2);
      datasets.columnsWith = async () => ['id', 'income', 'ssn'];
      datasets.described = 0;
      const drafts = [all, { ...all, dataset: { ...all.dataset, notFeatures: ['income'] } }];
      for (const draft of drafts) {
        await refusesAsync(requestTerms(node, 'orgB', draft), 'refused_by_policy');
      }
      equal(datasets.described, 0, 'no cell was read');
    }));

  it('does not tell by leaving a denied column out whether it exists', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const { datasets } = network.at('orgB');
      datasets.columnsWith = async () => ['id', 'income', 'ssn', 'y'];
      const without = (...notFeatures: string[]) =>
        drafting({ selectColumns: null, discreteColumns: [], notFeatures });
      for (const names of [['y'], ['y', 'ssn'], ['y', 'not_there']]) {
        await refusesAsync(requestTerms(node, 'orgB', without(...names)), 'refused_by_policy');
      }
      datasets.columnsWith = async () => ['id', 'income', 'y'];
      for (const names of [['y'], ['y', 'ssn']]) {
        const { features } = await requestTerms(node, 'orgB', without(...names));
        deepEqual(features, [{ name: 'income', kind: 'numeric' }], names.join());
      }
    }));

  it('reads the columns that were judged, whatever the file has by then', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const { datasets } = network.at('orgB');
      const asked: unknown[] = [];
      const { describeWith } = datasets;
      datasets.describeWith = async (draft) => {
        asked.push([draft.dataset.selectColumns, draft.dataset.notFeatures]);
        return describeWith(draft);
      };
      const all = drafting({ selectColumns: null, discreteColumns: [], notFeatures: ['income'] });
      await requestTerms(node, 'orgB', all);
      datasets.columnsWith = async () => ['id', 'income'];
      await requestTerms(node, 'orgB', all);
      deepEqual(asked, [
        [['region'], []],
        [null, ['id', 'income']],
      ]);
    }));

  it('hides faults of the owner', () =>
    withNetwork(TWO, async (network) => {
      network.at('orgB').datasets.describeWith = async () => {
        throw new Error('/srv/secret');
      };
      const { node } = network.at('orgA');
      await refusesAsync(requestTerms(node, 'orgB', DRAFT), 'internal', 'the node could not');
      deepEqual(network.at('orgB').log, ['failed /srv/secret']);
    }));

  it('refuses terms that answer another question', () =>
    withNetwork(TWO, async (network) => {
      const { node } = network.at('orgA');
      const { datasets } = network.at('orgB');
      const honest = datasets.describeWith;
      for (const lie of [
        { path: 'credit/other.csv' },
        { type: 'json' },
        { keyColumns: ['region'] },
        { keyColumns: ['id', 'region'] },
        { keyColumns: null },
        { payload: ['region'] },
        { labelColumn: 'y' },
        { features: [{ name: 'income', kind: 'numeric' }] },
        { features: ['income', 'age'].map((name) => ({ name, kind: 'numeric' })) },
      ]) {
        datasets.describeWith = async (draft) => ({ ...(await honest(draft)), ...lie }) as never;
        await refusesAsync(requestTerms(node, 'orgB', DRAFT), 'data_mismatch', 'orgB');
      }
      datasets.describeWith = async (draft) => ({ ...(await honest(draft)), rowCount: -1 });
      await refusesAsync(requestTerms(node, 'orgB', DRAFT), 'malformed_message', 'rowCount');
    }));

  it('refuses a malformed draft', () =>
    withNetwork(TWO, async (network) => {
      for (const draft of [{ ...DRAFT, extra: 1 }, { ...DRAFT, parties: [] }, {}, []]) {
        const request = { draft: canonicalBytes(draft) };
        const { result } = await network.send('orgA', 'orgB', METHODS.describe, request);
        equal(result?.$case === 'refused' && result.value.code, 'malformed_message');
      }
    }));
});
