import { ok } from 'node:assert/strict';
import { auc, ks } from '../../../src/ml/metrics/classification.ts';
import { meanOverFolds } from '../../support/boosted-folds.ts';
import { loadTask } from '../../support/tables.ts';
import {
  loadXgboostVectors,
  optionsFrom,
  type XgboostParameters,
} from '../../support/xgboost-vectors.ts';

describe('gradient boosting on default_credit', () => {
  it('scores like XGBoost over five folds', () => {
    const { default_credit: expected } = loadXgboostVectors<{
      default_credit: { parameters: XgboostParameters; rounds: number; auc: number; ks: number };
    }>('quality');
    const task = loadTask('default_credit', 'id', 'y');
    const options = optionsFrom(expected.parameters, expected.rounds);
    const mean = meanOverFolds(task, options, { auc, ks });
    ok(Math.abs(mean.auc - expected.auc) < 0.0005, `AUC ${mean.auc}, XGBoost ${expected.auc}`);
    ok(Math.abs(mean.ks - expected.ks) < 0.001, `KS ${mean.ks}, XGBoost ${expected.ks}`);
  });
});
