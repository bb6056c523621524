import { deepEqual, equal } from 'node:assert/strict';
import { MAX_ROWS } from '../../../src/ml/vertical/linear/fixed-point.ts';
import type {
  Contract,
  DatasetTerms,
  PsiContract,
  TrainContract,
} from '../../../src/party/consensus/contract.ts';
import { checkContract, checkDeclaration } from '../../../src/party/consensus/contract-check.ts';
import { declareAlgorithms } from '../../../src/party/tasks/declaration.ts';
import {
  sampleContract,
  sampleIntersection,
  sampleLabelled,
  testIdentity,
} from '../../support/contracts.ts';
import { psiContract } from '../../support/program-parties.ts';
import { refuses } from '../../support/refusals.ts';
import { predictionContract } from '../../support/training-pair.ts';

const [a, b, c] = ['orgA', 'orgB', 'orgC'].map((name) => testIdentity(name).signer);
const CODE = 'ab'.repeat(32);

describe('declaration', () => {
  const declare = declareAlgorithms(CODE);

  /** Whether the code runs a contract that is well formed. */
  function runs(contract: Contract): boolean {
    checkContract(contract);
    return declare(contract) !== undefined;
  }

  const contract = sampleContract([a!, b!]);
  const trained = (
    parameters: Partial<TrainContract['parameters']>,
    terms?: Partial<DatasetTerms>,
  ) => ({
    ...contract,
    parameters: { ...contract.parameters, ...parameters },
    parties: contract.parties.map((party) => ({
      ...party,
      dataset: { ...party.dataset!, ...terms },
    })),
  });

  it('is of this code and by the contract’s own terms', () => {
    const own = declare(contract)!;
    equal(own.implementation, CODE);
    const classes = (parameters: Partial<TrainContract['parameters']>) =>
      declare(trained(parameters))!.leakage.opened.map(({ name }) => name);
    deepEqual(classes({}).includes('weights'), true);
    deepEqual(classes({ model_release: 'split' }).includes('weights'), false);
  });

  it('is missing where a party only receives', () => {
    equal(runs(contract), true);
    const received = sampleContract([a!, b!], { receiver: c! });
    equal(runs(received), false);
    refuses(
      () => checkDeclaration(received, declare),
      'implementation_mismatch',
      'this node has no',
    );
  });

  it('is missing for parameters that the code cannot run', () => {
    const sgd = { solver: 'sgd', batch_size: 100 } as const;
    equal(runs(trained(sgd)), true);
    equal(runs(trained({ ...sgd, learning_rate: 1e-300 })), false, 'steps round to zero');
    equal(runs(trained({ ...sgd, learning_rate: 1e300 })), false, 'steps beyond fixed point');
    equal(runs(trained({ ...sgd, l2: 1e300 })), false, 'a penalty beyond fixed point');
    const weight = { '0': 1e300, '1': 1 };
    equal(runs(trained({ ...sgd, class_weight: weight, learning_rate: 1e300 })), false);
    const few = { epochs: 1 };
    equal(runs(trained(few, { rowCount: MAX_ROWS })), true);
    equal(runs(trained(few, { rowCount: MAX_ROWS + 1 })), false);
    const large = { ...sgd, batch_size: 2 ** 23 };
    equal(runs(trained(large, { rowCount: 2 ** 23 })), false, 'a batch too large for its step');
  });

  it('is of a set intersection by its terms', () => {
    const psi = psiContract({ orgA: 10, orgB: 30 });
    equal(runs(psi), true);
    deepEqual(declare(psi), { implementation: CODE, leakage: psi.leakage });
    const counted = { ...psi, alignment: { ...psi.alignment, minimumIntersection: 3 } };
    deepEqual(
      declare(counted)!.leakage.opened.map(({ name, to, most }) => [name, to, most]),
      [
        ['intersection_size', 'data_holders', 1],
        ['intersection', 'receivers', 30],
      ],
    );
    const receiver = { name: 'orgC', fingerprint: 'cd'.repeat(32), role: 'receiver' } as const;
    const parties = [...psi.parties, { ...receiver, dataset: null }];
    equal(runs({ ...psi, parties, receivers: ['orgC'] }), false);
    equal(runs(psiContract({ orgA: 2 ** 24, orgB: 1 })), true);
    equal(runs(psiContract({ orgA: 2 ** 24 + 1, orgB: 1 })), false, 'more than one run takes');
    const large = (rows: number, minimumIntersection: number): boolean => {
      const alignment = { ...psi.alignment, engine: 'rr22', minimumIntersection } as const;
      return runs(psiContract({ orgA: rows, orgB: 2 ** 24 }, { alignment }));
    };
    equal(large(2 ** 27, 0), true, 'in buckets');
    equal(large(2 ** 27 + 1, 0), false);
    equal(large(2 ** 24 + 1, 1), false, 'counted in one run');
  });

  it('is of every set intersection that there is', () => {
    const labelled = sampleLabelled([a!, b!]);
    const opened = (contract: PsiContract): string[] => {
      equal(runs(contract), true);
      return declare(contract)!.leakage.opened.map(({ name, to, most }) => `${name} ${to} ${most}`);
    };
    const common = 'intersection receivers 1000';
    deepEqual(opened(labelled), [common, 'payload payload_receivers 2000']);
    const three = sampleIntersection([a!, b!, c!]);
    deepEqual(opened(three), [common]);
    const receivers = ['orgA', 'orgB'];
    const two = sampleIntersection([a!, b!], { receivers });
    const { alignment } = two;
    const expanded: PsiContract = { ...two, alignment: { ...alignment, duplicates: 'expand' } };
    deepEqual(opened(expanded), [common, 'multiplicities receivers 1000']);
    const parameters = { output: 'rows', join: 'difference' } as const;
    deepEqual(opened({ ...expanded, parameters }), [common], 'of lines that have no partner');
    const size: PsiContract = { ...two, parameters: { output: 'size', join: 'inner' } };
    deepEqual(opened(size), ['intersection_size data_holders 1']);
  });

  it('is of a prediction by its terms and its receivers', () => {
    const training = sampleContract([a!, b!]);
    const opened = (name: 'logistic_regression' | 'linear_regression', receivers: string[]) => {
      const algorithm = { ...training.algorithm, name };
      const contract = predictionContract({ ...training, algorithm }, { receivers });
      equal(runs(contract), true);
      return declare(contract)!.leakage.opened.map((each) => [each.name, each.to, each.most]);
    };
    const aligned = ['intersection', 'data_holders', 1000];
    const scores = ['prediction_scores', 'receivers', 1000];
    deepEqual(opened('logistic_regression', ['orgA', 'orgB']), [aligned, scores]);
    deepEqual(opened('linear_regression', ['orgA']), [aligned, scores]);
    const unit = ['score_unit', 'feature_holder', 1];
    deepEqual(opened('linear_regression', ['orgB']), [aligned, unit, scores]);
  });
});
