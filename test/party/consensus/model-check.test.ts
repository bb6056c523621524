import type { Contract } from '../../../src/party/consensus/contract.ts';
import { checkContract } from '../../../src/party/consensus/contract-check.ts';
import { changed, type Json } from '../../support/changed-contract.ts';
import {
  sampleContract,
  samplePrediction,
  sampleTreePrediction,
  sampleTrees,
  testIdentity,
} from '../../support/contracts.ts';
import { refuses } from '../../support/refusals.ts';

const [a, b, c] = ['orgA', 'orgB', 'orgC'].map((name) => testIdentity(name).signer);

/** Each change alone makes the contract malformed, at the path that the error names. */
function refusesEach(
  contract: Contract,
  cases: readonly (readonly [path: string, value: Json, at?: string])[],
): void {
  for (const [path, value, at] of cases) {
    const wrong = changed(path, value, contract);
    refuses(() => checkContract(wrong), 'malformed_contract', at ?? path);
  }
}

describe('check of a training of trees', () => {
  const contract = sampleTrees([a!, b!, c!]);
  const several = changed(
    'parameters/num_class',
    3,
    changed('parameters/objective', 'multi:softprob', contract),
  );
  const numbers = changed('parameters/objective', 'reg:squarederror', contract);

  it('accepts every objective, of two parties and of more', () => {
    for (const each of [contract, several, numbers, sampleTrees([a!, b!])]) checkContract(each);
    checkContract(changed('parameters/base_score', -7.5, numbers));
    checkContract(changed('parameters/early_stopping_rounds', 5, contract));
  });

  it('refuses values of another type or out of range, by path', () => {
    refusesEach(contract, [
      ['parameters/objective', 'rank:pairwise'],
      ['parameters/num_class', 1001],
      ['parameters/num_trees', 0],
      ['parameters/num_trees', 10_001],
      ['parameters/learning_rate', 0],
      ['parameters/learning_rate', 1.5],
      ['parameters/max_depth', 0],
      ['parameters/max_depth', 17],
      ['parameters/num_bins', 1],
      ['parameters/num_bins', 257],
      ['parameters/reg_lambda', -1],
      ['parameters/reg_alpha', -1],
      ['parameters/gamma', -1],
      ['parameters/min_child_weight', -1],
      ['parameters/subsample', 0],
      ['parameters/colsample_bytree', 1.1],
      ['parameters/scale_pos_weight', 0],
      ['parameters/base_score', null],
      ['parameters/early_stopping_rounds', -1],
      ['parameters/noise_multiplier', 0],
      ['parameters/noise_multiplier', 1.5],
      ['parameters/noise_multiplier', 17],
      ['parameters/split_finding', 'private'],
      ['parameters/open_bits', 3],
      ['parameters/epochs', 3],
      ['algorithm/partition', 'horizontal'],
      ['algorithm/name', 'logistic_regression', 'parameters'],
      ['algorithm/name', 'toString'],
    ]);
  });

  it('refuses parameters that do not fit the objective', () => {
    refusesEach(contract, [
      ['parameters/num_class', 2],
      ['parameters/objective', 'multi:softprob', 'parameters/num_class'],
      ['parameters/base_score', 0],
      ['parameters/base_score', 1],
    ]);
    refusesEach(several, [['parameters/num_class', 1]]);
    refusesEach(numbers, [['parameters/scale_pos_weight', 2]]);
  });

  it('refuses to stop early without rows to stop by', () => {
    const blind = changed('parameters/use_validation_set', false, contract);
    checkContract(blind);
    refusesEach(blind, [['parameters/early_stopping_rounds', 1]]);
  });

  it('refuses a metric that stands twice', () => {
    refusesEach(contract, [['metrics', ['auc', 'auc'], 'metrics/1']]);
  });
});

describe('check of a prediction by trees', () => {
  const contract = sampleTreePrediction([a!, b!, c!]);

  it('accepts those of any number of parties', () => {
    checkContract(contract);
    checkContract(sampleTreePrediction([a!, b!]));
  });

  it('asks for a threshold where scores are of two classes', () => {
    refusesEach(contract, [['parameters/predict_threshold', null]]);
    const numbers = changed('parameters/objective', 'reg:squarederror', contract);
    refusesEach(numbers, [['parameters/predict_threshold', 0.5]]);
    checkContract(changed('parameters/predict_threshold', null, numbers));
  });

  it('refuses what is no forest', () => {
    refusesEach(contract, [
      ['parameters/num_class', 3],
      ['parameters/num_trees', 0],
      ['parameters/max_depth', 17],
      ['parameters/num_bins', 32],
    ]);
    const without = changed('parameters/max_depth', undefined, contract);
    refuses(() => checkContract(without), 'malformed_contract', 'parameters');
  });
});

describe('check of a linear model', () => {
  it('asks for two data holders', () => {
    for (const three of [sampleContract([a!, b!, c!]), samplePrediction([a!, b!, c!])]) {
      refuses(() => checkContract(three), 'malformed_contract', 'parties must have two');
    }
  });
});
