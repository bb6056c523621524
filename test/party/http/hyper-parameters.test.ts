import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { parseHyperParameters } from '../../../src/party/http/hyper-parameters.ts';

describe('hyper-parameters', () => {
  it('takes snake_case, camelCase and the synonyms of a key', () => {
    const { hyper } = parseHyperParameters({ batchSize: 64, learning_rate: 1, regLambda: 0 }, true);
    deepEqual(hyper, { batch_size: 64, learning_rate: 1, l2: 0 });
    for (const key of ['l2', 'lambda', 'lambd', 'reg_lambda', 'regLambda']) {
      deepEqual(parseHyperParameters({ [key]: 2 }, true).hyper, { l2: 2 }, key);
    }
  });

  it('takes the names of both interfaces of XGBoost', () => {
    const names: Readonly<Record<string, readonly string[]>> = {
      num_trees: ['n_estimators', 'nEstimators', 'num_boost_round', 'num_round', 'numTrees'],
      learning_rate: ['eta'],
      num_bins: ['max_bin', 'maxBin'],
      gamma: ['min_split_loss', 'minSplitLoss'],
      reg_alpha: ['alpha', 'regAlpha'],
      seed: ['random_state', 'randomState'],
      colsample_bytree: ['colsampleBytree'],
      scale_pos_weight: ['scalePosWeight'],
    };
    for (const [key, aliases] of Object.entries(names)) {
      const value = key === 'num_bins' || key === 'num_trees' ? 2 : 1;
      for (const alias of aliases) {
        deepEqual(parseHyperParameters({ [alias]: value }, true).hyper, { [key]: value }, alias);
      }
    }
    throws(
      () => parseHyperParameters({ eta: 0.1, learning_rate: 0.2 }, true),
      /hyper_params\.eta and hyper_params\.learning_rate .* differ/,
    );
  });

  it('takes the spellings of a loss', () => {
    for (const spelling of ['logloss', 'BCE', 'cross_entropy', 'log_loss']) {
      equal(parseHyperParameters({ loss: spelling }, true).hyper.loss, 'logloss', spelling);
    }
  });

  it('takes two names of one key that agree and refuses two that differ', () => {
    const { hyper } = parseHyperParameters({ epochs: 3, maxDepth: 2, max_depth: 2 }, true);
    deepEqual(hyper, { epochs: 3, max_depth: 2 });
    throws(
      () => parseHyperParameters({ batch_size: 2, batchSize: 3 }, false),
      /hyper_params\.batch_size and hyper_params\.batchSize .* differ/,
    );
  });

  it('reads null as not given', () => {
    deepEqual(parseHyperParameters({ epochs: null }, true).hyper, {});
  });

  it('names the key and what it must be, for each key', () => {
    const wrong: Record<string, readonly unknown[]> = {
      algorithm: ['', 1],
      loss: ['hinge', 1],
      epochs: [0, 1.5, '10', 10_001, true],
      batch_size: [0, -1, 0.5, '256'],
      learning_rate: [0, -0.1, '0.1', Number.POSITIVE_INFINITY],
      use_validation_set: ['true', 1],
      validation_set_rate: [0, 1, '0.2'],
      predict_threshold: [-0.1, 1.1, '0.5'],
      use_intercept: [1, 'yes'],
      solver: ['lbfgs', 1],
      momentum: [1, -0.1, '0.9'],
      l2: [-1, '1'],
      class_weight: ['even', 1, [1, 1], { '0': 1 }, { '0': 1, '1': 0 }, { '0': 1, '1': 1, '2': 1 }],
      seed: [-1, 0.5, 2 ** 53],
      open_bits: [3, 21, 10.5],
      model_release: ['none', true],
      optimizer: ['lion'],
      layer_units: [[], [0], ['32'], 32],
      layer_activation: [[], ['gelu'], 'relu'],
      init_method: ['he'],
      objective: ['binary:hinge', 1],
      num_class: [0, 1001],
      num_trees: [0, 10_001],
      max_depth: [-1, 0, 17],
      num_bins: [1, 1.5, 257],
      reg_alpha: [-1],
      gamma: ['0', -1],
      min_child_weight: [-1, '1'],
      subsample: [0, 1.1],
      colsample_bytree: [0, 1.1],
      scale_pos_weight: [0],
      base_score: ['0.5'],
      early_stopping_rounds: [-1, 0.5],
      noise_multiplier: [0, 1.5, 17],
    };
    for (const [key, values] of Object.entries(wrong)) {
      for (const value of values) {
        throws(
          () => parseHyperParameters({ [key]: value }, false),
          (error) => {
            ok(error instanceof ApiError);
            equal(error.code, 'INVALID_REQUEST');
            ok(error.message.startsWith(`hyper_params.${key} must be `), error.message);
            ok(!error.message.includes('undefined'), error.message);
            return true;
          },
          `${key}: ${JSON.stringify(value)}`,
        );
      }
    }
  });

  it('takes the bounds of each range', () => {
    const good: Record<string, readonly unknown[]> = {
      epochs: [1, 10_000],
      open_bits: [4, 20],
      predict_threshold: [0, 1],
      momentum: [0, 0.999],
      class_weight: ['none', 'balanced', { '0': 1, '1': 4.5 }],
      layer_activation: [['', 'sigmoid', null]],
      num_trees: [1, 10_000],
      max_depth: [1, 16],
      num_bins: [2, 256],
      num_class: [1, 1000],
      subsample: [0.001, 1],
      early_stopping_rounds: [0, 10_000],
      noise_multiplier: [1, 16],
      base_score: [-3.5, 0],
    };
    for (const [key, values] of Object.entries(good)) {
      for (const value of values) {
        deepEqual(parseHyperParameters({ [key]: value }, true).hyper, { [key]: value }, key);
      }
    }
  });

  it('is not confused by names that every object has', () => {
    const json: unknown = JSON.parse('{"__proto__": {"epochs": 3}, "constructor": 1}');
    const { hyper, warnings } = parseHyperParameters(json as Record<string, unknown>, false);
    deepEqual(hyper, {});
    equal(warnings.length, 2);
  });
});
