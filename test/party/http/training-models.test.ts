import { deepEqual, throws } from 'node:assert/strict';
import type { TrainRequest } from '../../../src/party/http/train-request.ts';
import { trainingModels } from '../../../src/party/http/training-models.ts';

type Request = Pick<TrainRequest, 'algorithm' | 'hyper' | 'modelConfig' | 'metrics'>;

const NOTHING: Request = { algorithm: null, hyper: {}, modelConfig: null, metrics: ['loss'] };

/** Each model with what it learns, and why. */
function models(change: Partial<Request>): string[] {
  return trainingModels({ ...NOTHING, ...change }).map(({ terms, reason }) => {
    const { parameters } = terms;
    const learns = 'objective' in parameters ? parameters.objective : parameters.loss;
    return `${terms.algorithm.name} ${learns}: ${reason}`;
  });
}

describe('models of a request', () => {
  it('is the one that it names', () => {
    deepEqual(models({ algorithm: 'linear_regression' }), ['linear_regression mse: algorithm']);
    deepEqual(models({ algorithm: 'xgboost', metrics: ['auc'] }), [
      'xgboost binary:logistic: algorithm',
    ]);
    deepEqual(models({ hyper: { max_depth: 4, objective: 'reg:squarederror' } }), [
      'xgboost reg:squarederror: hyper_params.objective is given',
    ]);
  });

  it('are two where the label has to tell', () => {
    deepEqual(models({}), [
      'logistic_regression logloss: the label has two values',
      'linear_regression mse: the label has more than two values',
    ]);
    deepEqual(models({ algorithm: 'xgboost' }), [
      'xgboost binary:logistic: algorithm',
      'xgboost reg:squarederror: algorithm',
    ]);
  });

  it('is none of an algorithm that is not there', () => {
    throws(() => models({ algorithm: 'dnn' }), /^ApiError: algorithm dnn is not available yet/);
  });
});
