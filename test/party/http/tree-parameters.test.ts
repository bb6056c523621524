import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { plainParameters } from '../../../src/ml/vertical/trees/parameters.ts';
import { ApiError } from '../../../src/party/http/api-error.ts';
import {
  type HyperParameters,
  parseHyperParameters,
} from '../../../src/party/http/hyper-parameters.ts';
import type { TreeObjective } from '../../../src/party/http/tree-objective.ts';
import { resolveTreeParameters } from '../../../src/party/http/tree-parameters.ts';

const BINARY: TreeObjective = { objective: 'binary:logistic', num_class: 1 };
const NUMBERS: TreeObjective = { objective: 'reg:squarederror', num_class: 1 };
const CLASSES: TreeObjective = { objective: 'multi:softprob', num_class: 3 };

function resolve(hyper: HyperParameters, objective = BINARY) {
  return resolveTreeParameters({ hyper, modelConfig: null, metrics: [] }, objective);
}

function ignoredKeys(hyper: HyperParameters, objective = BINARY): string[] {
  return resolve(hyper, objective).warnings.map(
    (warning) => /hyper_params\.(\w+)/.exec(warning.message)![1]!,
  );
}

function refuses(hyper: HyperParameters, message: RegExp, objective = BINARY): void {
  throws(
    () => resolve(hyper, objective),
    (error) => {
      ok(error instanceof ApiError);
      equal(error.code, 'INVALID_REQUEST');
      ok(message.test(error.message), error.message);
      return true;
    },
  );
}

describe('tree parameters', () => {
  it('resolves every default, as XGBoost’s but for the size of the forest', () => {
    const { parameters, warnings } = resolve({});
    deepEqual(warnings, []);
    deepEqual(parameters, {
      objective: 'binary:logistic',
      num_class: 1,
      num_trees: 30,
      learning_rate: 0.3,
      max_depth: 3,
      num_bins: 32,
      reg_lambda: 1,
      reg_alpha: 0,
      gamma: 0,
      min_child_weight: 1,
      subsample: 1,
      colsample_bytree: 1,
      scale_pos_weight: 1,
      base_score: 0.5,
      early_stopping_rounds: 0,
      use_validation_set: true,
      validation_set_rate: 0.2,
      seed: 0,
      predict_threshold: 0.5,
      open_bits: 10,
      split_finding: 'open_sums',
      noise_multiplier: 1,
      model_release: 'full',
    });
    plainParameters(parameters);
  });

  it('gives the same parameters for XGBoost’s names as for ours', () => {
    const theirs = {
      n_estimators: 12,
      eta: 0.1,
      max_bin: 64,
      max_depth: 5,
      reg_lambda: 3,
      alpha: 0.5,
      min_split_loss: 0.25,
      min_child_weight: 6,
      subsample: 0.75,
      colsample_bytree: 0.5,
      scale_pos_weight: 2,
      base_score: 0.25,
      early_stopping_rounds: 4,
      random_state: 9,
    };
    const ours = {
      num_trees: 12,
      learning_rate: 0.1,
      num_bins: 64,
      max_depth: 5,
      l2: 3,
      reg_alpha: 0.5,
      gamma: 0.25,
      min_child_weight: 6,
      subsample: 0.75,
      colsample_bytree: 0.5,
      scale_pos_weight: 2,
      base_score: 0.25,
      early_stopping_rounds: 4,
      seed: 9,
    };
    const resolved = resolve(parseHyperParameters(theirs, true).hyper);
    deepEqual(resolved, resolve(parseHyperParameters(ours, true).hyper));
    deepEqual(resolved.warnings, []);
    plainParameters(resolved.parameters);
  });

  it('warns of each key that has no effect, which stands at its default', () => {
    deepEqual(ignoredKeys({ epochs: 3, class_weight: 'balanced', solver: 'sgd' }), [
      'epochs',
      'class_weight',
      'solver',
    ]);
    const numbers = { scale_pos_weight: 3, predict_threshold: 0.9, loss: 'mse' } as const;
    deepEqual(ignoredKeys(numbers, NUMBERS), ['scale_pos_weight', 'predict_threshold']);
    deepEqual(resolve(numbers, NUMBERS).parameters, resolve({}, NUMBERS).parameters);
    deepEqual(ignoredKeys({ loss: 'mse' }), ['loss'], 'two classes are not learnt by squares');
    deepEqual(ignoredKeys({ loss: 'logloss' }, CLASSES), []);
    const blind = { use_validation_set: false, validation_set_rate: 0.4 };
    deepEqual(ignoredKeys(blind), ['validation_set_rate']);
    equal(resolve(blind).parameters.validation_set_rate, 0.2);
  });

  it('warns of metrics that are not defined, and of a model_config', () => {
    const { warnings } = resolveTreeParameters(
      { hyper: {}, modelConfig: {}, metrics: ['auc', 'logloss'] },
      CLASSES,
    );
    deepEqual(
      warnings.map(({ code }) => code),
      ['MODEL_CONFIG_IGNORED', 'METRIC_UNDEFINED'],
    );
  });

  it('refuses what contradicts itself', () => {
    refuses({ learning_rate: 1.5 }, /learning_rate must be at most 1/);
    refuses({ base_score: 1 }, /base_score must be a probability/);
    equal(resolve({ base_score: 12 }, NUMBERS).parameters.base_score, 12);
    refuses(
      { early_stopping_rounds: 3, use_validation_set: false },
      /early_stopping_rounds needs a validation set/,
    );
  });
});
