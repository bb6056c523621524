import { deepEqual, equal, ok } from 'node:assert/strict';
import {
  evaluateMargins,
  likeliest,
  lossOf,
} from '../../../../src/ml/vertical/trees/evaluation.ts';

describe('evaluation of margins', () => {
  const y = Float64Array.of(0, 1, 2, 1);
  const margins = [
    Float64Array.of(2, 0, 0, 0),
    Float64Array.of(0, 1, 0, 0),
    Float64Array.of(0, 0, 3, 4),
  ];

  it('of several classes is accuracy and log loss, with reasons for the rest', () => {
    const { metrics, reasons } = evaluateMargins(
      ['accuracy', 'logloss', 'loss', 'auc'],
      ...(['multi:softprob', margins, y, 0.5] as const),
    );
    equal(metrics.accuracy, 0.75);
    equal(metrics.logloss, metrics.loss);
    const e = Math.E;
    const rows = [e ** 2 / (e ** 2 + 2), e / (e + 2), e ** 3 / (e ** 3 + 2), 1 / (e ** 4 + 2)];
    const expected = -rows.reduce((sum, p) => sum + Math.log(p), 0) / 4;
    ok(Math.abs(metrics.loss! - expected) < 1e-12);
    equal(lossOf('multi:softprob', margins, y), metrics.loss);
    equal(metrics.auc, null);
    deepEqual(reasons, { auc: 'auc is not defined for several classes' });
  });

  it('of two classes and of values is the common one', () => {
    const z = [Float64Array.of(-1, 1, 2)];
    const labels = Float64Array.of(0, 1, 1);
    equal(evaluateMargins(['auc'], 'binary:logistic', z, labels, 0.5).metrics.auc, 1);
    equal(evaluateMargins(['recall'], 'binary:logistic', z, labels, 0.8).metrics.recall, 0.5);
    const { metrics } = evaluateMargins(['rmse'], 'reg:squarederror', z, labels, 0.5);
    equal(metrics.rmse, Math.sqrt(2 / 3));
    equal(lossOf('reg:squarederror', z, labels), metrics.rmse);
    equal(
      lossOf('binary:logistic', z, labels),
      evaluateMargins(['logloss'], 'binary:logistic', z, labels, 0.5).metrics.logloss,
    );
    equal(lossOf('reg:squarederror', [Float64Array.of(Number.NaN)], y.slice(0, 1)), Infinity);
  });

  it('takes the first of the likeliest classes', () => {
    deepEqual([...likeliest([Float64Array.of(1, 2), Float64Array.of(1, 3)])], [0, 1]);
  });
});
