import { deepEqual, equal, ok } from 'node:assert/strict';
import type { TrainContract } from '../../../src/party/consensus/contract.ts';
import { checkContract } from '../../../src/party/consensus/contract-check.ts';
import { ConsensusError } from '../../../src/party/consensus/errors.ts';
import { fitsTraining } from '../../../src/party/consensus/scoring.ts';
import type { PredictRequest } from '../../../src/party/http/predict-request.ts';
import { draftPrediction } from '../../../src/party/tasks/contract-draft-prediction.ts';
import { declareAlgorithms } from '../../../src/party/tasks/declaration.ts';
import { sampleContract, sampleTrees, testIdentity } from '../../support/contracts.ts';
import {
  type FakeParty,
  fakeNode,
  IMPLEMENTATION,
  refusesDraft,
} from '../../support/drafting-node.ts';

const MODEL = 'model-01hqxyzabcdefghjkmnpqrstvw';
const TASK = 'ab'.repeat(32);
// Trained by orgB, who held the label, with orgA.
const [b, a, c] = ['orgB', 'orgA', 'orgC'].map((name) => testIdentity(name).signer);
const TRAINING = sampleContract([b!, a!]);
const NODES: Readonly<Record<string, FakeParty>> = {
  orgA: { columns: ['key', 'income', 'region', 'more'] },
  orgB: { columns: ['id', 'age'] },
};

const BY_KEYS: PredictRequest['providers'] = [
  { name: 'orgA', path: 'new-a.csv', type: 'csv', keyColumns: ['key'] },
  { name: 'orgB', path: 'new-b.csv', type: 'csv', keyColumns: ['id'] },
];

function request(change: Partial<PredictRequest> = {}): PredictRequest {
  return {
    providers: BY_KEYS,
    receivers: ['orgB'],
    modelId: MODEL,
    threshold: null,
    duplicates: 'reject',
    minimumIntersection: 0,
    engine: 'auto',
    async: false,
    purpose: 'credit risk',
    warnings: [],
    ...change,
  };
}

function drafting(parties = NODES, training: TrainContract = TRAINING) {
  const { node, asked } = fakeNode(parties);
  const findTrained = async (id: string) => (id === MODEL ? { taskId: TASK, training } : null);
  return { node: { ...node, findTrained }, asked };
}

describe('contract draft of a prediction', () => {
  it('has the parties of the training in their roles, with the columns they trained with', async () => {
    const { node, asked } = drafting();
    const { contract, reason } = await draftPrediction(node, request());
    checkContract(contract);
    deepEqual(declareAlgorithms(IMPLEMENTATION)(contract), {
      implementation: IMPLEMENTATION,
      leakage: contract.leakage,
    });
    equal(reason, 'model');
    deepEqual(contract.model, { id: MODEL, taskId: TASK });
    deepEqual(contract.parameters, { predict_threshold: 0.5, open_bits: 12 });
    deepEqual(
      contract.parties.map(({ name, role, dataset }) => [
        name,
        role,
        dataset!.path,
        dataset!.labelColumn,
        dataset!.features.map((feature) => feature.name),
      ]),
      [
        ['orgB', 'label_holder', 'new-b.csv', null, ['age']],
        ['orgA', 'feature_holder', 'new-a.csv', null, ['income', 'region']],
      ],
    );
    for (const [, draft] of asked) {
      deepEqual([draft.kind, draft.model, draft.modelRelease], ['predict', MODEL, null]);
    }
    deepEqual(asked.find(([name]) => name === 'orgA')![1].dataset.discreteColumns, ['region']);
  });

  it('takes the request’s threshold, for classes alone', async () => {
    const { node } = drafting();
    const { contract } = await draftPrediction(node, request({ threshold: 0 }));
    equal(contract.parameters.predict_threshold, 0);
    const linear = {
      ...TRAINING,
      algorithm: { ...TRAINING.algorithm, name: 'linear_regression' },
    } as const;
    const regression = drafting(NODES, linear).node;
    const numbers = await draftPrediction(regression, request());
    equal(numbers.contract.parameters.predict_threshold, null);
    await refusesDraft(
      draftPrediction(regression, request({ threshold: 0.5 })),
      'INVALID_REQUEST',
      /^threshold: the model predicts numbers or several classes/,
    );
  });

  it('of trees takes over what bounds their leakage, and has as many parties as the training', async () => {
    const training = sampleTrees([b!, a!, c!]);
    const nodes = { ...NODES, orgC: { columns: ['id', 'income', 'region'] } };
    const { node } = drafting(nodes, training);
    const providers = [...BY_KEYS, { ...BY_KEYS[1]!, name: 'orgC', path: 'new-c.csv' }];
    const { contract } = await draftPrediction(node, request({ providers, threshold: 0.25 }));
    checkContract(contract);
    ok(fitsTraining(contract, { taskId: TASK, training }));
    const { objective, num_class, num_trees, max_depth, open_bits } = training.parameters;
    deepEqual(contract.parameters, {
      objective,
      num_class,
      num_trees,
      max_depth,
      predict_threshold: 0.25,
      open_bits,
    });
    deepEqual(
      contract.parties.map(({ name, role }) => `${name} ${role}`),
      ['orgB label_holder', 'orgA feature_holder', 'orgC feature_holder'],
    );
    deepEqual(declareAlgorithms(IMPLEMENTATION)(contract)!.leakage, contract.leakage);
    await refusesDraft(
      draftPrediction(node, request()),
      'INVALID_REQUEST',
      /must be those of the training: orgB, orgA, orgC$/,
    );
  });

  it('declares who learns scores, and a count where anybody asks for a minimum', async () => {
    const { node } = drafting({ ...NODES, orgB: { ...NODES.orgB!, minimumIntersection: 30 } });
    const { contract } = await draftPrediction(node, request({ minimumIntersection: 10 }));
    equal(contract.alignment.minimumIntersection, 30);
    deepEqual(
      contract.leakage.opened.map(({ name, to }) => `${name} to ${to}`),
      [
        'intersection_size to data_holders',
        'intersection to data_holders',
        'prediction_scores to receivers',
      ],
    );
  });

  it('is by row order when nobody names a key, and not when one does', async () => {
    const unkeyed = BY_KEYS.map((provider) => ({ ...provider, keyColumns: null }));
    const { node } = drafting();
    const { contract } = await draftPrediction(node, request({ providers: unkeyed }));
    equal(contract.alignment.method, 'row_order');
    checkContract(contract);
    await refusesDraft(
      draftPrediction(node, request({ providers: [BY_KEYS[0]!, unkeyed[1]!] })),
      'INVALID_REQUEST',
      /^data_providers: orgB needs a key_column/,
    );
  });

  it('refuses unknown models and other parties than the training’s, before it asks anybody', async () => {
    const { node, asked } = drafting({ ...NODES, orgC: NODES.orgB! });
    await refusesDraft(
      draftPrediction(node, request({ modelId: 'model-00000000000000000000000000' })),
      'NOT_FOUND',
      /^model_id: orgA has no part in such a model/,
    );
    const others: readonly PredictRequest['providers'][] = [
      [BY_KEYS[0]!],
      [BY_KEYS[0]!, { ...BY_KEYS[1]!, name: 'orgC' }],
    ];
    for (const providers of others) {
      await refusesDraft(
        draftPrediction(node, request({ providers, receivers: ['orgA'] })),
        'INVALID_REQUEST',
        /must be those of the training: orgB, orgA$/,
      );
    }
    const withReceiver = sampleContract([b!, a!], { receiver: c! });
    const { contract } = await draftPrediction(drafting(NODES, withReceiver).node, request());
    equal(contract.parties.length, 2, 'who only received the model takes no part');
    deepEqual(asked, []);
  });

  it('passes a refusal on with the name of who refused', async () => {
    const refuses = () => new ConsensusError('refused_by_policy', 'the policy does not allow it');
    const { node } = drafting({ ...NODES, orgB: { ...NODES.orgB!, refuses } });
    await refusesDraft(draftPrediction(node, request()), 'REFUSED', /^orgB: the policy/);
  });
});
