import { deepEqual, equal, ok } from 'node:assert/strict';
import { reconstructionMargin } from '../../src/ml/vertical/trees/leakage.ts';
import { policyAlgorithm, policyRequest } from '../../src/party/policy-request.ts';
import { intersectionLeakageOf, leakageOf } from '../../src/party/tasks/declaration.ts';
import {
  sampleContract,
  sampleLabelled,
  sampleTreePrediction,
  sampleTrees,
  testIdentity,
} from '../support/contracts.ts';

describe('policy request', () => {
  it('is the part of a contract that concerns one party', () => {
    const [a, b, r] = ['orgA', 'orgB', 'auditor'].map((n) => testIdentity(n).signer);
    const contract = sampleContract([a!, b!], { receiver: r! });
    deepEqual(policyRequest(contract, contract.parties[1]!), {
      peers: ['orgA', 'auditor'],
      purpose: 'credit risk',
      algorithm: 'vertical/logistic_regression',
      dataset: {
        path: 'credit/train.csv',
        keys: ['id'],
        label: null,
        features: ['income', 'region'],
      },
      receivers: ['orgA', 'auditor'],
      modelRelease: 'full',
      terms: {
        security: { model: 'semi-honest', kappa: 128, sigma: 40 },
        fewestFeatures: 1,
        margin: null,
        minimumIntersection: 0,
        openBits: 12,
        metrics: ['auc', 'accuracy'],
        heldOut: true,
        openings: [
          { peer: 'orgA', class: 'intersection_size', most: 1 },
          { peer: 'auditor', class: 'intersection_size', most: 1 },
          { peer: 'orgA', class: 'validation_scores', most: 200 },
          { peer: 'orgA', class: 'weights', most: 6 },
          { peer: 'auditor', class: 'weights', most: 6 },
        ],
      },
    });
    const auditor = policyRequest(contract, contract.parties[2]!);
    equal(auditor.dataset, null);
    deepEqual(auditor.receivers, ['orgA']);
    deepEqual(auditor.terms?.openings, [], 'a party without data has nothing to learn of');
  });
});

describe('policy request of trees', () => {
  const signers = ['orgA', 'orgB', 'orgC'].map((name) => testIdentity(name).signer);
  const contract = sampleTrees(signers);

  it('tells each feature holder the margin, and the label holder none', () => {
    const margins = contract.parties.map((party) => policyRequest(contract, party).terms!.margin);
    const { parameters } = contract;
    const margin = reconstructionMargin({ parameters, rows: 1000 });
    deepEqual(margins, [null, margin, margin]);
    const prediction = sampleTreePrediction(signers);
    const [, holder] = prediction.parties;
    equal(policyRequest(prediction, holder!).terms!.margin, null, 'nothing is trained');
  });

  it('counts what each other party learns', () => {
    const declared = { ...contract, leakage: leakageOf(contract) };
    const { openings } = policyRequest(declared, declared.parties[1]!).terms!;
    const learns = (peer: string): string[] =>
      openings.filter((each) => each.peer === peer).map((each) => each.class);
    ok(learns('orgA').includes('split_sums') && learns('orgA').includes('split_sides'));
    ok(learns('orgC').includes('winning_splits') && !learns('orgC').includes('split_sums'));
  });
});

describe('policy request of a labelled intersection', () => {
  const [a, b] = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);
  const contract = sampleLabelled([a!, b!]);
  const labelled = { ...contract, leakage: intersectionLeakageOf(contract) };

  it('has payload judged like features, and counted for the one who gives it', () => {
    const [told, provider] = labelled.parties.map((party) => policyRequest(labelled, party));
    deepEqual(provider!.dataset!.features, ['city', 'segment']);
    deepEqual(told!.dataset!.features, []);
    deepEqual(provider!.terms!.openings, [
      { peer: 'orgA', class: 'intersection', most: 1000 },
      { peer: 'orgA', class: 'payload', most: 2000 },
    ]);
    deepEqual(told!.terms!.openings, []);
    const both = { ...labelled, receivers: ['orgA', 'orgB'] };
    deepEqual(policyRequest(both, both.parties[0]!).terms!.openings, [
      { peer: 'orgB', class: 'intersection', most: 1000 },
    ]);
  });
});

describe('policy algorithm', () => {
  it('is how rules name what a task does', () => {
    const linear = { name: 'logistic_regression', partition: 'vertical' } as const;
    equal(policyAlgorithm({ kind: 'train', algorithm: linear }), 'vertical/logistic_regression');
    equal(policyAlgorithm({ kind: 'predict', algorithm: linear }), 'predict/logistic_regression');
    const trees = { name: 'xgboost', partition: 'vertical' } as const;
    equal(policyAlgorithm({ kind: 'train', algorithm: trees }), 'vertical/xgboost');
    equal(policyAlgorithm({ kind: 'predict', algorithm: trees }), 'predict/xgboost');
    const intersection = { name: 'intersection', partition: 'psi' } as const;
    equal(policyAlgorithm({ kind: 'psi', algorithm: intersection }), 'psi/intersection');
    const labelled = { ...intersection, name: 'labelled_intersection' } as const;
    equal(policyAlgorithm({ kind: 'psi', algorithm: labelled }), 'psi/labelled_intersection');
  });
});
