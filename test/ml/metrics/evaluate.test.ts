import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { evaluate, METRIC_NAMES, type MetricName } from '../../../src/ml/metrics/evaluate.ts';
import { loadReference, near } from '../../support/tables.ts';

describe('evaluate', () => {
  it('agrees with scikit-learn on every metric, ties included', () => {
    const { binary, regression } = loadReference();
    for (const [task, cases] of [
      ['binary', binary] as const,
      ['regression', regression] as const,
    ]) {
      for (const { y, outputs, metrics } of cases) {
        const names = Object.keys(metrics) as MetricName[];
        const result = evaluate(names, Float64Array.from(y), Float64Array.from(outputs), { task });
        deepEqual(Object.keys(result.metrics), names);
        deepEqual(result.reasons, {});
        for (const name of names) {
          const actual = result.metrics[name]!;
          ok(near(actual, metrics[name]!, 1e-12), `${task} ${name}: ${actual}, ${metrics[name]}`);
        }
      }
    }
  });

  it('counts a probability equal to the threshold as positive', () => {
    const y = Float64Array.of(1, 0);
    const p = Float64Array.of(0.3, 0.2);
    equal(evaluate(['accuracy'], y, p, { task: 'binary', threshold: 0.3 }).metrics.accuracy, 1);
    equal(evaluate(['accuracy'], y, p, { task: 'binary' }).metrics.accuracy, 0.5);
  });

  it('reports the loss the task or the caller names', () => {
    const y = Float64Array.of(1, 0);
    const p = Float64Array.of(0.5, 0.5);
    equal(evaluate(['loss'], y, p, { task: 'binary' }).metrics.loss, Math.LN2);
    equal(evaluate(['loss'], y, p, { task: 'binary', loss: 'mse' }).metrics.loss, 0.25);
  });

  it('gives null and a reason where a metric is undefined', () => {
    const zeros = Float64Array.of(0, 0, 0);
    const low = Float64Array.of(0.1, 0.2, 0.3);
    const { metrics, reasons } = evaluate(METRIC_NAMES, zeros, low, { task: 'binary' });
    const undefinedNames = METRIC_NAMES.filter((name) => metrics[name] === null);
    deepEqual(undefinedNames, ['precision', 'recall', 'f1', 'auc', 'ks', 'r2']);
    deepEqual(Object.keys(reasons), undefinedNames);
    equal(reasons.auc, 'auc needs rows of both classes');

    const real = Float64Array.of(1.5, 2, 3);
    const regression = evaluate(['auc', 'accuracy', 'mae'], real, real, { task: 'regression' });
    deepEqual(regression.metrics, { auc: null, accuracy: null, mae: 0 });
  });

  it('gives null and a reason for a diverged model', () => {
    for (const bad of [NaN, Infinity]) {
      const y = Float64Array.of(0, 1);
      const { metrics, reasons } = evaluate(METRIC_NAMES, y, Float64Array.of(0, bad), {
        task: 'binary',
      });
      for (const name of METRIC_NAMES) equal(metrics[name], null, `${name} of ${bad}`);
      ok(reasons.auc!.includes('diverged'));
    }
    const huge = Float64Array.of(1e200, -1e200);
    const { metrics, reasons } = evaluate(['mse'], Float64Array.of(0, 1), huge, {
      task: 'regression',
    });
    deepEqual([metrics.mse, reasons.mse], [null, 'mse overflows']);
  });

  it('refuses wrong lengths, labels and thresholds', () => {
    const y = Float64Array.of(0, 1);
    throws(() => evaluate(['auc'], y, Float64Array.of(0), { task: 'binary' }), RangeError);
    throws(() => evaluate(['auc'], Float64Array.of(0, 2), y, { task: 'binary' }), /row 1/);
    throws(() => evaluate(['auc'], y, y, { task: 'binary', threshold: 2 }), /threshold/);
    throws(
      () => evaluate(['mse'], new Float64Array(), new Float64Array(), { task: 'regression' }),
      RangeError,
    );
  });
});
