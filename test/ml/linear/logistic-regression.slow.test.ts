import { ok } from 'node:assert/strict';
import { concatColumns, takeRows } from '../../../src/ml/data/matrix.ts';
import { kFoldSplit } from '../../../src/ml/data/split.ts';
import {
  fitLogisticRegression,
  type LogisticOptions,
  predictProba,
} from '../../../src/ml/linear/logistic-regression.ts';
import { auc, ks } from '../../../src/ml/metrics/classification.ts';
import { loadReference, loadTask } from '../../support/tables.ts';

describe('logistic regression on default_credit', () => {
  const { blocks, y } = loadTask('default_credit', 'id', 'y');
  const X = concatColumns(blocks);
  const blockWidths = blocks.map((block) => block.columns);
  const expected = loadReference().default_credit.folds;

  const cases: [string, LogisticOptions, number, number][] = [
    ['exact', {}, 1e-6, 1e-6],
    ['auto', { solver: 'auto' }, 0.0005, 0.002],
    ['auto, Fourier', { solver: 'auto', fourier: { period: 128, terms: 16 } }, 0.0005, 0.002],
    ['auto, 12 iterations', { solver: 'auto', epochs: 12 }, 0.0005, 0.002],
  ];
  for (const [name, options, aucTolerance, ksTolerance] of cases) {
    it(`scores like scikit-learn over five folds: ${name}`, () => {
      const mean = { auc: 0, ks: 0 };
      for (let fold = 0; fold < 5; fold++) {
        const { train, validation } = kFoldSplit(X.rows, 5, fold);
        const [trainY, testY] = [train, validation].map((rows) =>
          Float64Array.from(rows, (row) => y[row]!),
        );
        const settings = { ...options, blockWidths };
        const model = fitLogisticRegression(takeRows(X, train), trainY!, settings);
        const p = predictProba(model, takeRows(X, validation));
        mean.auc += auc(testY!, p)! / 5;
        mean.ks += ks(testY!, p)! / 5;
      }
      ok(Math.abs(mean.auc - expected.auc) < aucTolerance, `AUC ${mean.auc}`);
      ok(Math.abs(mean.ks - expected.ks) < ksTolerance, `KS ${mean.ks}`);
    });
  }
});
