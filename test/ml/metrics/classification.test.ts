import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import {
  auc,
  ks,
  macroPrecisionRecall,
  meanLogLoss,
  precisionRecall,
} from '../../../src/ml/metrics/classification.ts';
import { loadReference, near } from '../../support/tables.ts';

const f64 = (values: readonly number[]): Float64Array => Float64Array.from(values);

describe('classification metrics', () => {
  it('auc is the share of pairs in order, ties counting half', () => {
    const row = fc.record({ label: fc.integer({ min: 0, max: 1 }), score: fc.integer({ max: 5 }) });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 30 }), (rows) => {
        const positives = rows.filter(({ label }) => label === 1);
        const negatives = rows.filter(({ label }) => label === 0);
        let sum = 0;
        for (const p of positives) {
          for (const q of negatives) sum += p.score > q.score ? 1 : p.score === q.score ? 0.5 : 0;
        }
        const pairs = positives.length * negatives.length;
        const actual = auc(f64(rows.map((r) => r.label)), f64(rows.map((r) => r.score)));
        equal(actual, pairs ? sum / pairs : null);
      }),
      { seed: 1 },
    );
  });

  it('ranks a perfect, a reversed and a constant score', () => {
    const y = f64([0, 0, 1, 1]);
    deepEqual([auc(y, f64([1, 2, 3, 4])), ks(y, f64([1, 2, 3, 4]))], [1, 1]);
    deepEqual([auc(y, f64([4, 3, 2, 1])), ks(y, f64([4, 3, 2, 1]))], [0, 1]);
    deepEqual([auc(y, f64([7, 7, 7, 7])), ks(y, f64([7, 7, 7, 7]))], [0.5, 0]);
    deepEqual([auc(y, f64([-Infinity, 0, 0, Infinity])), ks(y, f64([1, 2, 2, 3]))], [0.875, 0.5]);
  });

  it('refuses NaN scores', () => {
    throws(() => auc(f64([0, 1]), f64([0, NaN])), /row 1/);
    throws(() => ks(f64([0, 1]), f64([NaN, 0])), /row 0/);
  });

  it('log loss is finite for certain and wrong predictions', () => {
    equal(meanLogLoss(f64([1]), f64([0])), 52 * Math.LN2);
    equal(meanLogLoss(f64([0]), f64([1])), 52 * Math.LN2);
    ok(meanLogLoss(f64([1, 0]), f64([1, 0])) < 1e-15);
  });

  it('precision, recall and f1 count class 1', () => {
    const result = precisionRecall(f64([1, 1, 1, 0, 0]), f64([1, 0, 0, 1, 0]));
    deepEqual(result, { precision: 1 / 2, recall: 1 / 3, f1: 2 / 5 });
    deepEqual(precisionRecall(f64([0]), f64([0])), { precision: null, recall: null, f1: null });
    deepEqual(precisionRecall(f64([1]), f64([0])), { precision: null, recall: 0, f1: 0 });
  });

  it('macro means agree with scikit-learn', () => {
    for (const { y, outputs, metrics } of loadReference().macro) {
      const result = macroPrecisionRecall(f64(y), f64(outputs));
      for (const name of ['precision', 'recall', 'f1'] as const) {
        ok(near(result[name]!, metrics[name]!, 1e-12), name);
      }
    }
  });
});
