import { deepEqual, equal } from 'node:assert/strict';
import { policyAlgorithm, policyRequest } from '../../src/party/policy-request.ts';
import { intersectionLeakageOf } from '../../src/party/tasks/declaration.ts';
import { sampleContract, sampleLabelled, testIdentity } from '../support/contracts.ts';

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
    const intersection = { name: 'intersection', partition: 'psi' } as const;
    equal(policyAlgorithm({ kind: 'psi', algorithm: intersection }), 'psi/intersection');
    const labelled = { ...intersection, name: 'labelled_intersection' } as const;
    equal(policyAlgorithm({ kind: 'psi', algorithm: labelled }), 'psi/labelled_intersection');
  });
});
