import { equal, throws } from 'node:assert/strict';
import { chooseAlgorithm } from '../../../src/party/http/algorithm.ts';
import { algorithmName } from '../../../src/party/http/algorithm-name.ts';

type Request = Parameters<typeof chooseAlgorithm>[0];

const NOTHING: Request = { algorithm: null, hyper: {}, modelConfig: null, metrics: ['loss'] };

describe('algorithm of a request', () => {
  it('knows the accepted spellings', () => {
    const spellings = {
      logistic_regression: ['lr', 'LR', 'logistic', 'logistic_reg', 'LogisticRegression'],
      linear_regression: ['linr', 'linear', 'linear_reg', 'LinearRegression'],
      dnn: ['dnn', 'mlp', 'nn', 'neural_network'],
      xgboost: ['xgboost', 'xgb', 'gbdt', 'SecureBoost'],
    };
    for (const [name, all] of Object.entries(spellings)) {
      for (const spelling of [name, ...all]) equal(algorithmName(spelling), name, spelling);
    }
    equal(algorithmName('toString'), null);
  });

  it('is decided by the first rule that applies', () => {
    // Each request also satisfies every later rule, with another outcome where that is possible.
    const requests: [Request, string][] = [];
    let request: Request = { ...NOTHING, hyper: { loss: 'logloss' } };
    requests.push([request, 'logistic_regression: loss logloss']);
    request = { ...request, metrics: ['loss', 'rmse'] };
    requests.push([request, 'linear_regression: metric rmse']);
    request = { ...request, metrics: ['loss', 'rmse', 'auc'] };
    requests.push([request, 'logistic_regression: metric auc']);
    request = { ...request, hyper: { loss: 'mse', num_bins: 8 } };
    requests.push([request, 'xgboost: hyper_params.num_bins is given']);
    request = { ...request, modelConfig: { layers: [] } };
    requests.push([request, 'dnn: model_config is given']);
    request = { ...request, hyper: { num_bins: 8, algorithm: 'linear' } };
    requests.push([request, 'linear_regression: hyper_params.algorithm']);
    request = { ...request, algorithm: 'logistic_regression' };
    requests.push([request, 'logistic_regression: algorithm']);
    for (const [each, expected] of requests) {
      const choice = chooseAlgorithm(each)!;
      equal(`${choice.algorithm}: ${choice.reason}`, expected);
    }
  });

  it('takes mse with classification metrics for logistic regression', () => {
    const choice = chooseAlgorithm({
      ...NOTHING,
      hyper: { loss: 'mse' },
      metrics: ['accuracy', 'precision', 'recall'],
    });
    equal(choice?.algorithm, 'logistic_regression');
  });

  it('takes every regression loss for linear regression', () => {
    for (const loss of ['mse', 'mae', 'huber'] as const) {
      equal(chooseAlgorithm({ ...NOTHING, hyper: { loss } })?.algorithm, 'linear_regression', loss);
    }
  });

  it('is left to the labels when the request does not tell', () => {
    equal(chooseAlgorithm(NOTHING), null);
  });

  it('refuses an unknown hyper_params.algorithm', () => {
    throws(
      () => chooseAlgorithm({ ...NOTHING, hyper: { algorithm: 'magic' } }),
      /^ApiError: hyper_params\.algorithm must be one of/,
    );
  });
});
