import { deepEqual, equal, throws } from 'node:assert/strict';
import type { HyperParameters } from '../../../src/party/http/hyper-parameters.ts';
import { resolveLinearParameters } from '../../../src/party/http/linear-parameters.ts';

function logistic(hyper: HyperParameters): ReturnType<typeof resolveLinearParameters> {
  return resolveLinearParameters('logistic_regression', { hyper, modelConfig: null });
}

function linear(hyper: HyperParameters): ReturnType<typeof resolveLinearParameters> {
  return resolveLinearParameters('linear_regression', { hyper, modelConfig: null });
}

function ignoredKeys(hyper: HyperParameters, resolve = logistic): string[] {
  return resolve(hyper).warnings.map((warning) => /hyper_params\.(\w+)/.exec(warning.message)![1]!);
}

describe('linear parameters', () => {
  it('resolves every default', () => {
    const defaults = {
      solver: 'auto',
      loss: 'logloss',
      epochs: 40,
      batch_size: 256,
      learning_rate: 0.001,
      momentum: 0,
      l2: 1,
      use_intercept: true,
      class_weight: 'none',
      use_validation_set: true,
      validation_set_rate: 0.2,
      seed: 0,
      predict_threshold: 0.5,
      open_bits: 10,
      model_release: 'full',
    };
    deepEqual(logistic({}), { parameters: defaults, warnings: [] });
    const regression = { ...defaults, loss: 'mse', epochs: 60, l2: 0.01 };
    deepEqual(linear({}), { parameters: regression, warnings: [] });
  });

  it('takes a step length or a batch size for the sgd solver, and nothing else', () => {
    const { parameters } = logistic({ learning_rate: 0.1 });
    deepEqual(
      [parameters.solver, parameters.epochs, parameters.batch_size, parameters.learning_rate],
      ['sgd', 10, 256, 0.1],
    );
    equal(logistic({ batch_size: 64 }).parameters.solver, 'sgd');
    equal(logistic({ epochs: 5 }).parameters.solver, 'auto');
    equal(logistic({ epochs: 5 }).parameters.epochs, 5);
  });

  it('lets an explicit solver win and warns about what it does not read', () => {
    const hyper: HyperParameters = { solver: 'auto', learning_rate: 0.1, momentum: 0.9 };
    deepEqual(ignoredKeys(hyper), ['learning_rate', 'momentum']);
    deepEqual(logistic(hyper).parameters, logistic({}).parameters);
    deepEqual(ignoredKeys({ solver: 'sgd', momentum: 0.9 }), []);
    equal(logistic({ solver: 'sgd', momentum: 0.9 }).parameters.momentum, 0.9);
  });

  it('warns about keys of other algorithms and keys without effect', () => {
    deepEqual(ignoredKeys({ num_trees: 3, optimizer: 'sgd' }), ['num_trees', 'optimizer']);
    deepEqual(ignoredKeys({ predict_threshold: 0.3 }, linear), ['predict_threshold']);
    deepEqual(ignoredKeys({ use_validation_set: false, validation_set_rate: 0.3 }), [
      'validation_set_rate',
    ]);
    const { warnings } = resolveLinearParameters('logistic_regression', {
      hyper: {},
      modelConfig: { layers: [] },
    });
    deepEqual(
      warnings.map((warning) => warning.code),
      ['MODEL_CONFIG_IGNORED'],
    );
  });

  it('supports squared error for classification, and only losses that exist', () => {
    equal(logistic({ loss: 'mse' }).parameters.loss, 'mse');
    equal(linear({ loss: 'mse' }).parameters.loss, 'mse');
    throws(() => logistic({ loss: 'mae' }), /logistic_regression must be logloss or mse/);
    throws(() => linear({ loss: 'logloss' }), /linear_regression must be mse/);
  });

  it('weights classes, and only where there are classes', () => {
    const weights = { '0': 1, '1': 3 };
    deepEqual(logistic({ class_weight: weights }).parameters.class_weight, weights);
    equal(linear({ class_weight: 'none' }).parameters.class_weight, 'none');
    throws(() => linear({ class_weight: 'balanced' }), /class_weight of linear_regression/);
  });
});
