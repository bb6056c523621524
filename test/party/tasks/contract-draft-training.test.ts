import { deepEqual, equal, match, ok } from 'node:assert/strict';
import {
  isTreeTraining,
  type LinearTraining,
  type TrainContract,
  type TreeTraining,
} from '../../../src/party/consensus/contract.ts';
import { checkContract } from '../../../src/party/consensus/contract-check.ts';
import { ConsensusError } from '../../../src/party/consensus/errors.ts';
import type { TaskDraft } from '../../../src/party/consensus/task-draft.ts';
import { parseTrainRequest } from '../../../src/party/http/train-request.ts';
import type { DraftedContract } from '../../../src/party/tasks/contract-draft.ts';
import { draftTraining } from '../../../src/party/tasks/contract-draft-training.ts';
import { declareAlgorithms } from '../../../src/party/tasks/declaration.ts';
import { NOW } from '../../support/contracts.ts';
import {
  fakeNode,
  IMPLEMENTATION,
  LABELLED,
  OTHER,
  refusesDraft as refuses,
} from '../../support/drafting-node.ts';

function request(a: object = {}, b: object = {}, change: object = {}) {
  const common = { data_path: 'd.csv', data_type: 'csv', key_column: 'id' };
  return parseTrainRequest({
    data_providers: [
      { name: 'orgA', ...common, label_column: 'y', ...a },
      { name: 'orgB', ...common, ...b },
    ],
    result_receivers: ['orgA'],
    metrics: ['auc'],
    purpose: 'credit risk',
    ...change,
  });
}

/** Party, role and columns, in the contract's order. */
function layout({ contract }: DraftedContract<TrainContract>): string[] {
  return contract.parties.map(({ name, role, dataset }) => {
    const { labelColumn, features } = dataset!;
    return `${name} ${role} ${labelColumn ?? '-'}: ${features.map((f) => f.name).join(' ')}`;
  });
}

/** The contract of a linear model. */
function linear({ contract }: DraftedContract<TrainContract>): LinearTraining {
  if (isTreeTraining(contract)) throw new TypeError('the contract is of trees');
  return contract;
}

function trees({ contract }: DraftedContract<TrainContract>): TreeTraining {
  if (!isTreeTraining(contract)) throw new TypeError('the contract is of a linear model');
  return contract;
}

describe('contract draft of a training', () => {
  const both = { orgA: LABELLED, orgB: OTHER };

  it('says everything that the request means', async () => {
    const { node } = fakeNode(both);
    const drafted = await draftTraining(
      node,
      request({}, {}, { hyper_params: { num_trees: 3, loss: 'mse', epochs: 7 }, algorithm: 'lr' }),
    );
    const { contract, reason, warnings } = drafted;
    checkContract(contract);
    equal(reason, 'algorithm');
    deepEqual(
      warnings.map(({ code }) => code),
      ['HYPER_PARAMETER_IGNORED'],
    );
    deepEqual(layout(drafted), ['orgA label_holder y: x', 'orgB feature_holder -: u v']);
    deepEqual(contract.alignment, {
      method: 'psi',
      engine: 'ecdh',
      duplicates: 'reject',
      minimumIntersection: 0,
    });
    const { loss, epochs, batch_size: batch } = linear(drafted).parameters;
    deepEqual([loss, epochs, batch], ['mse', 7, 256]);
    deepEqual(declareAlgorithms(IMPLEMENTATION)(contract), {
      implementation: IMPLEMENTATION,
      leakage: contract.leakage,
    });
    deepEqual(
      [contract.receivers, contract.initiator, contract.purpose, contract.metrics],
      [['orgA'], 'orgA', 'credit risk', ['auc']],
    );
    equal(contract.createdAt, new Date(NOW).toISOString());
    equal(contract.expiresAt, new Date(NOW + 600_000).toISOString());
    match(contract.nonce, /^[0-9a-f]{64}$/);
  });

  it('puts the label holder first, whoever asks', async () => {
    const { node } = fakeNode({ orgA: OTHER, orgB: LABELLED });
    const drafted = await draftTraining(
      node,
      request({ label_column: null }, { label_column: 'y' }),
    );
    deepEqual(layout(drafted), ['orgB label_holder y: x', 'orgA feature_holder -: u v']);
    equal(drafted.contract.initiator, 'orgA');
  });

  it('never asks for more rows a batch than the smaller table has', async () => {
    const { node } = fakeNode({ orgA: LABELLED, orgB: { ...OTHER, rows: 40 } });
    const drafted = await draftTraining(
      node,
      request({}, {}, { hyper_params: { batch_size: 500 } }),
    );
    equal(linear(drafted).parameters.batch_size, 40);
  });

  describe('parties', () => {
    it('must be known, take part and bring data', async () => {
      const { node, asked } = fakeNode(both);
      const stranger = request({}, { name: 'orgX' });
      await refuses(draftTraining(node, stranger), 'UNKNOWN_PARTY', /^orgX is no party that orgA/);
      const receiver = request({}, {}, { result_receivers: ['orgX'] });
      await refuses(draftTraining(node, receiver), 'UNKNOWN_PARTY', /^orgX /);
      const elsewhere = { ...request(), providers: request().providers.slice(1) };
      await refuses(draftTraining(node, elsewhere), 'INVALID_REQUEST', /^orgA is not among/);
      const third = fakeNode({ ...both, orgC: OTHER }).node;
      const onlyReceives = request({}, {}, { result_receivers: ['orgC'] });
      await refuses(draftTraining(third, onlyReceives), 'NOT_AVAILABLE', /orgC, which provides no/);
      const three = {
        ...request(),
        providers: [...request().providers, { ...request().providers[1]!, name: 'orgC' }],
      };
      await refuses(draftTraining(third, three), 'NOT_AVAILABLE', /more than two data providers/);
      deepEqual(asked, [], 'nobody was asked');
    });

    it('may be one of two by name only', async () => {
      const { node } = fakeNode(both);
      const alone = { ...request(), providers: request().providers.slice(0, 1) };
      await refuses(draftTraining(node, alone), 'NOT_AVAILABLE', /at least two parties/);
    });
  });

  describe('algorithm', () => {
    const open = { metrics: undefined };

    it('is the label holder’s to tell when nothing else does', async () => {
      const classes = await draftTraining(fakeNode(both).node, request({}, {}, open));
      equal(classes.contract.algorithm.name, 'logistic_regression');
      equal(classes.reason, 'the label has two values');
      const numbers = { ...both, orgA: { ...LABELLED, binary: [] } };
      const { contract, reason } = await draftTraining(
        fakeNode(numbers).node,
        request({}, {}, open),
      );
      equal(contract.algorithm.name, 'linear_regression');
      equal(reason, 'the label has more than two values');
    });

    it('stands when the request names one, though the label does not suit it', async () => {
      const numbers = { ...both, orgA: { ...LABELLED, binary: [] } };
      await refuses(
        draftTraining(fakeNode(numbers).node, request()),
        'DATASET_UNUSABLE',
        /^orgA: d\.csv: y has three values$/,
      );
    });

    it('must be available, and suit its parameters', async () => {
      const { node, asked } = fakeNode(both);
      await refuses(
        draftTraining(node, request({}, {}, { algorithm: 'dnn' })),
        'NOT_AVAILABLE',
        /dnn is not available/,
      );
      await refuses(
        draftTraining(node, request({}, {}, { algorithm: 'linr', hyper_params: { loss: 'bce' } })),
        'INVALID_REQUEST',
        /loss of linear_regression/,
      );
      deepEqual(asked, []);
      await refuses(
        draftTraining(node, request({}, {}, { hyper_params: { learning_rate: 1e30 } })),
        'INVALID_REQUEST',
        /^steps of this length/,
      );
    });
  });

  describe('of trees', () => {
    const xgb = { algorithm: 'xgb', metrics: [] };

    it('has XGBoost’s parameters, by whatever name, and learns classes if there are two', async () => {
      const { node, asked } = fakeNode(both);
      const drafts = await Promise.all(
        [
          { n_estimators: 5, eta: 0.1, max_bin: 8, lambda: 2, min_split_loss: 1, random_state: 4 },
          { num_trees: 5, learning_rate: 0.1, num_bins: 8, l2: 2, gamma: 1, seed: 4 },
        ].map((hyper_params) => draftTraining(node, request({}, {}, { ...xgb, hyper_params }))),
      );
      const [one, other] = drafts.map(trees);
      checkContract(one!);
      deepEqual(one!.parameters, other!.parameters);
      const { objective, num_trees, num_bins, learning_rate, reg_lambda } = one!.parameters;
      deepEqual(
        [objective, num_trees, num_bins, learning_rate, reg_lambda],
        ['binary:logistic', 5, 8, 0.1, 2],
      );
      deepEqual(one!.leakage.algorithm, 'vertical_xgboost');
      equal(asked[0]![1].dataset.labelKind, 'binary');
      deepEqual(drafts[0]!.warnings, []);
    });

    it('learns numbers from labels that are not two, and classes when told', async () => {
      const numbers = { ...both, orgA: { ...LABELLED, binary: [] } };
      const { node, asked } = fakeNode(numbers);
      const drafted = await draftTraining(node, request({}, {}, xgb));
      equal(trees(drafted).parameters.objective, 'reg:squarederror');
      const kinds = asked.flatMap(([, { dataset }]) => dataset.labelKind ?? []);
      deepEqual(kinds, ['binary', 'number']);
      const classes = request({}, {}, { ...xgb, hyper_params: { num_class: 3 } });
      const several = trees(await draftTraining(node, classes));
      deepEqual(
        [several.parameters.objective, several.parameters.num_class],
        ['multi:softprob', 3],
      );
      deepEqual(asked.at(-2)![1].dataset.labelKind, { classes: 3 });
      const told = { ...xgb, hyper_params: { objective: 'binary:logistic' } };
      await refuses(
        draftTraining(node, request({}, {}, told)),
        'DATASET_UNUSABLE',
        /y has three values/,
      );
    });

    it('is of as many parties as there are, around the label holder', async () => {
      const { node } = fakeNode({ orgA: OTHER, orgB: LABELLED, orgC: OTHER });
      const two = request({ label_column: null }, { label_column: 'y' }, xgb);
      const three = {
        ...two,
        providers: [...two.providers, { ...two.providers[0]!, name: 'orgC' }],
      };
      const drafted = await draftTraining(node, three);
      checkContract(drafted.contract);
      deepEqual(layout(drafted), [
        'orgB label_holder y: x',
        'orgA feature_holder -: u v',
        'orgC feature_holder -: u v',
      ]);
      equal(drafted.contract.alignment.engine, 'rr22');
      deepEqual(declareAlgorithms(IMPLEMENTATION)(drafted.contract), {
        implementation: IMPLEMENTATION,
        leakage: drafted.contract.leakage,
      });
    });

    it('warns of metrics that are not defined, and of a margin that policies refuse', async () => {
      const { node } = fakeNode({ orgA: { ...LABELLED, rows: 20 }, orgB: { ...OTHER, rows: 20 } });
      const hyper_params = { objective: 'reg:squarederror' };
      const { warnings } = await draftTraining(
        node,
        request({}, {}, { algorithm: 'xgb', metrics: ['rmse', 'auc'], hyper_params }),
      );
      deepEqual(
        warnings.map(({ code }) => code),
        ['METRIC_UNDEFINED', 'LOW_MARGIN'],
      );
      match(warnings[1]!.message, /margin is 0\.00\d+: /);
    });

    it('refuses what no node could hold, naming what to change', async () => {
      const deep = { max_depth: 16, num_trees: 1000 };
      for (const [rows, hyper_params, message] of [
        [1000, deep, /^hyper_params\.max_depth: .* nodes$/],
        [2 ** 24 + 1, {}, /^hyper_params\.num_trees: .* at most 16777216 rows/],
        [2 ** 20, { num_class: 1000 }, /^hyper_params\.num_class: /],
      ] as const) {
        const { node } = fakeNode({ orgA: { ...LABELLED, rows }, orgB: { ...OTHER, rows } });
        await refuses(
          draftTraining(node, request({}, {}, { ...xgb, hyper_params })),
          'INVALID_REQUEST',
          message,
        );
      }
    });
  });

  describe('label', () => {
    const named = { label_column: 'y' };

    it('is of the one file that has it, and each party is asked once', async () => {
      const { node, asked } = fakeNode(both);
      const drafted = await draftTraining(node, request({}, named));
      deepEqual(layout(drafted), ['orgA label_holder y: x', 'orgB feature_holder -: u v']);
      deepEqual(
        drafted.warnings.map(({ code }) => code),
        ['LABEL_IGNORED'],
      );
      deepEqual(
        asked.map(([party, { dataset }]) => [party, dataset.labelColumn, dataset.notFeatures]),
        [
          ['orgA', 'y', []],
          ['orgB', 'y', []],
          ['orgB', null, ['y']],
        ],
      );
    });

    it('is not of a party that does not say so', async () => {
      const secretive = {
        ...OTHER,
        refuses: ({ dataset }: TaskDraft) =>
          dataset.labelColumn === null
            ? undefined
            : new ConsensusError('refused_by_policy', 'the policy does not allow it'),
      };
      const { node } = fakeNode({ orgA: LABELLED, orgB: secretive });
      deepEqual(layout(await draftTraining(node, request({}, named))), [
        'orgA label_holder y: x',
        'orgB feature_holder -: u v',
      ]);
      // Nobody else has it: then the refusal is what stands in the way.
      const without = fakeNode({ orgA: OTHER, orgB: secretive }).node;
      await refuses(draftTraining(without, request({}, named)), 'REFUSED', /^orgB: the policy/);
    });

    it('is nowhere', async () => {
      const { node } = fakeNode({ orgA: OTHER, orgB: OTHER });
      await refuses(
        draftTraining(node, request({}, named)),
        'LABEL_NOT_FOUND',
        /^no provider .*: orgA: d\.csv: no column y; orgB: d\.csv: no column y$/,
      );
      await refuses(
        draftTraining(node, request({ label_column: null })),
        'LABEL_NOT_FOUND',
        /no provider names/,
      );
      await refuses(draftTraining(node, request()), 'DATASET_UNUSABLE', /^orgA: .*no column y$/);
    });

    it('is everywhere: horizontal with the same features, else ambiguous', async () => {
      const alike = fakeNode({ orgA: LABELLED, orgB: LABELLED }).node;
      await refuses(
        draftTraining(alike, request({}, named)),
        'NOT_AVAILABLE',
        /horizontal training is not available yet/,
      );
      const other = { columns: ['id', 'u', 'y'], binary: ['y'] };
      const differing = { orgA: LABELLED, orgB: other };
      await refuses(
        draftTraining(fakeNode(differing).node, request({}, named)),
        'LABEL_AMBIGUOUS',
        /^orgA, orgB have the label/,
      );
      const { node, asked } = fakeNode(differing);
      const drafted = await draftTraining(node, request({}, named, { label_owner: 'orgB' }));
      deepEqual(layout(drafted), ['orgB label_holder y: u', 'orgA feature_holder -: x']);
      equal(asked.length, 2);
    });

    it('may be named by the other provider', async () => {
      const { node } = fakeNode(both);
      const asked = request({ label_column: null }, named, { label_owner: 'orgA' });
      deepEqual(layout(await draftTraining(node, asked)), [
        'orgA label_holder y: x',
        'orgB feature_holder -: u v',
      ]);
    });

    it('of one party hides no trouble of another kind', async () => {
      const broken = {
        ...OTHER,
        refuses: () => new ConsensusError('dataset/not_numeric', 'd.csv: line 3: u is no number'),
      };
      const { node } = fakeNode({ orgA: LABELLED, orgB: broken });
      for (const provider of [{}, named]) {
        await refuses(
          draftTraining(node, request({}, provider)),
          'DATASET_UNUSABLE',
          /^orgB: d\.csv: line 3: u is no number$/,
        );
      }
    });
  });

  describe('columns', () => {
    it('are those selected, without key and label', async () => {
      const { node, asked } = fakeNode(both);
      const drafted = await draftTraining(
        node,
        request(
          { select_columns: ['x', 'y', 'id'] },
          { select_columns: ['v', 'y'], label_column: 'y', discrete_cols: ['v', 'u'] },
        ),
      );
      deepEqual(layout(drafted), ['orgA label_holder y: x', 'orgB feature_holder -: v']);
      deepEqual(drafted.contract.parties[1]!.dataset!.features, [
        { name: 'v', kind: 'categorical', categories: 2 },
      ]);
      deepEqual(
        drafted.warnings.map(({ code, message }) => `${code} ${message.split(' ')[2]}`),
        ['LABEL_IGNORED orgB', 'COLUMN_IGNORED orgA', 'COLUMN_IGNORED orgB', 'COLUMN_IGNORED orgB'],
      );
      for (const [, { dataset }] of asked) {
        ok(!dataset.selectColumns!.includes('y'));
        ok(!dataset.discreteColumns.includes('u'));
      }
    });

    it('that are missing are named by their owner', async () => {
      const { node } = fakeNode(both);
      await refuses(
        draftTraining(node, request({}, { select_columns: ['w'] })),
        'DATASET_UNUSABLE',
        /^orgB: d\.csv: no column w$/,
      );
    });

    it('must be some at the feature holder', async () => {
      const { node } = fakeNode({ orgA: LABELLED, orgB: { columns: ['id'] } });
      await refuses(draftTraining(node, request()), 'COLUMN_NOT_FOUND', /^orgB has no feature/);
    });
  });

  describe('alignment', () => {
    const unkeyed = { key_column: null };

    it('is by row order when nobody names a key', async () => {
      const { node } = fakeNode({
        orgA: { ...LABELLED, columns: ['x', 'y'] },
        orgB: { columns: ['u'] },
      });
      const { contract, warnings } = await draftTraining(node, request(unkeyed, unkeyed));
      equal(contract.alignment.method, 'row_order');
      equal(contract.parties[1]!.dataset!.keyColumns, null);
      ok(!contract.leakage.opened.some(({ name }) => name === 'intersection'));
      deepEqual(
        warnings.map(({ code }) => code),
        ['ROW_ORDER'],
      );
    });

    it('by row order needs as many rows', async () => {
      const { node } = fakeNode({ orgA: LABELLED, orgB: { ...OTHER, rows: 999 } });
      await refuses(
        draftTraining(node, request(unkeyed, unkeyed)),
        'DATASET_UNUSABLE',
        /orgA has 1000, orgB has 999$/,
      );
    });

    it('needs a key of all or none', async () => {
      const { node } = fakeNode(both);
      await refuses(
        draftTraining(node, request({}, unkeyed)),
        'INVALID_REQUEST',
        /key_column is missing at orgB/,
      );
    });

    it('keeps the first of repeated keys on request', async () => {
      const { node } = fakeNode(both);
      const asked = request({}, {}, { privacy: { duplicates: 'first' } });
      equal((await draftTraining(node, asked)).contract.alignment.duplicates, 'first');
    });
  });

  describe('failures', () => {
    const from = (error: Error) =>
      draftTraining(
        fakeNode({ ...both, orgB: { ...OTHER, refuses: () => error } }).node,
        request(),
      );

    it('name the party and keep the reason', async () => {
      await refuses(
        from(new ConsensusError('refused_by_policy', 'the policy does not allow it')),
        'REFUSED',
        /^orgB: the policy does not allow it$/,
      );
      await refuses(
        from(new ConsensusError('timed_out', 'orgB did not answer in time')),
        'UNREACHABLE',
        /orgB did not answer/,
      );
      await refuses(from(new TypeError('secret')), 'FAILED', /^orgB: [^s]*could not go on/);
    });
  });

  it('refuses what no contract can say', async () => {
    const { node } = fakeNode(both);
    await refuses(
      draftTraining(node, request({}, {}, { purpose: 'line\nbreak' })),
      'INVALID_REQUEST',
      /^the task: purpose/,
    );
    const large = { orgA: { ...LABELLED, rows: 5e6 }, orgB: { ...OTHER, rows: 5e6 } };
    await refuses(
      draftTraining(
        fakeNode(large).node,
        request({}, {}, { hyper_params: { epochs: 10_000, solver: 'sgd' } }),
      ),
      'INVALID_REQUEST',
      /statistical hiding/,
    );
  });
});
