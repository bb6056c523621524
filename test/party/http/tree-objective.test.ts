import { deepEqual, equal, throws } from 'node:assert/strict';
import type { HyperParameters } from '../../../src/party/http/hyper-parameters.ts';
import type { MetricName } from '../../../src/party/http/metric-name.ts';
import {
  chooseObjective,
  OBJECTIVES_OF_LABELS,
  undefinedMetrics,
} from '../../../src/party/http/tree-objective.ts';

function chosen(hyper: HyperParameters, metrics: readonly MetricName[] = ['loss']) {
  const found = chooseObjective({ hyper, metrics });
  return found && `${found.objective} ${found.num_class}`;
}

describe('objective of trees', () => {
  it('is decided by the first rule that applies', () => {
    equal(chosen({ loss: 'mse' }), 'reg:squarederror 1');
    equal(chosen({ loss: 'mse' }, ['auc']), 'binary:logistic 1');
    equal(chosen({ loss: 'logloss' }, ['rmse']), 'reg:squarederror 1');
    equal(chosen({ loss: 'logloss' }), 'binary:logistic 1');
    equal(chosen({ num_class: 2 }, ['rmse']), 'binary:logistic 1');
    equal(chosen({ num_class: 3 }, ['auc']), 'multi:softprob 3');
    equal(
      chosen({ objective: 'reg:squarederror', loss: 'logloss' }, ['auc']),
      'reg:squarederror 1',
    );
  });

  it('is left to the label when nothing tells: two values, or numbers', () => {
    equal(chosen({}), null);
    equal(chosen({ num_class: 1 }), null);
    deepEqual(
      OBJECTIVES_OF_LABELS.map(({ objective }) => objective),
      ['binary:logistic', 'reg:squarederror'],
    );
  });

  it('has as many classes as it learns', () => {
    equal(chosen({ objective: 'binary:logistic', num_class: 2 }), 'binary:logistic 1');
    equal(chosen({ objective: 'binary:logistic', num_class: 1 }), 'binary:logistic 1');
    equal(chosen({ objective: 'multi:softprob', num_class: 2 }), 'multi:softprob 2');
    for (const hyper of [
      { objective: 'binary:logistic', num_class: 3 },
      { objective: 'reg:squarederror', num_class: 2 },
      { objective: 'multi:softprob' },
      { objective: 'multi:softprob', num_class: 1 },
    ] as const) {
      throws(() => chosen(hyper), /^ApiError: hyper_params\.num_class/, JSON.stringify(hyper));
    }
  });

  it('is none that minimises other losses', () => {
    for (const loss of ['mae', 'huber'] as const) {
      throws(() => chosen({ loss }), /hyper_params\.loss of xgboost must be logloss or mse/);
    }
  });

  it('says which metrics it has', () => {
    const all: readonly MetricName[] = ['loss', 'accuracy', 'auc', 'ks', 'logloss', 'rmse', 'r2'];
    const missing = (objective: Parameters<typeof undefinedMetrics>[0]) =>
      undefinedMetrics(objective, all).map(({ message }) => /metrics: (\w+)/.exec(message)![1]);
    deepEqual(missing('binary:logistic'), []);
    deepEqual(missing('reg:squarederror'), ['accuracy', 'auc', 'ks', 'logloss']);
    deepEqual(missing('multi:softprob'), ['auc', 'ks', 'rmse', 'r2']);
  });
});
