import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { takeRows } from '../../../../src/ml/data/matrix.ts';
import { toRawWeights } from '../../../../src/ml/data/whiten.ts';
import { fitLogisticRegression } from '../../../../src/ml/linear/logistic-regression.ts';
import { predictLinear } from '../../../../src/ml/linear/model.ts';
import { auc } from '../../../../src/ml/metrics/classification.ts';
import { splitRows } from '../../../../src/ml/vertical/linear/design.ts';
import type { LinearParameters } from '../../../../src/ml/vertical/linear/parameters.ts';
import {
  agreesWithPlain,
  agreesWithPlainSgd,
  plainModel,
} from '../../../support/plain-comparison.ts';
import {
  DEFAULTS,
  joined,
  openedWeights,
  outlierTable,
  syntheticTable,
  trainInMemory,
} from '../../../support/vertical-run.ts';

const LONG = { ...DEFAULTS, epochs: 50 };

describe('vertical training', () => {
  it('gives the plain model: logistic, with its metrics at the label holder', async () => {
    const table = syntheticTable(300, 3, 2, 'binary');
    const run = await trainInMemory(table, 'logistic_regression', LONG, {
      metrics: ['auc', 'ks', 'loss'],
    });
    const plain = agreesWithPlain(run, table, 'logistic_regression', LONG);
    equal(run.steps, 50);
    equal(run.host.evaluation, null);
    const { validation } = splitRows(300, LONG);
    const expected = auc(
      Float64Array.from(validation, (i) => table.labels[i]!),
      predictLinear(plain, takeRows(joined(table), validation)),
    );
    ok(
      Math.abs(run.guest.evaluation!.metrics.auc! - expected!) < 0.005,
      'AUC of the validation rows',
    );
  });

  it('gives the plain model: regression, with errors in the label’s unit', async () => {
    const table = syntheticTable(300, 2, 4, 'regression');
    const parameters = { ...LONG, loss: 'mse', use_validation_set: false, l2: 0 } as const;
    const run = await trainInMemory(table, 'linear_regression', parameters, {
      metrics: ['rmse', 'r2'],
    });
    const plain = agreesWithPlain(run, table, 'linear_regression', parameters);
    const residuals = predictLinear(plain, joined(table)).map(
      (z, i) => (z - table.labels[i]!) ** 2,
    );
    const rmse = Math.sqrt(residuals.reduce((a, b) => a + b) / 300);
    ok(Math.abs(run.guest.evaluation!.metrics.rmse! / rmse - 1) < 2e-3, 'of the training rows');
    ok(run.recorded[0].some((each) => each.class === 'training_scores' && each.elements === 300));
  });

  it('gives the plain model: mini-batches with momentum, intercept without penalty', async () => {
    const table = syntheticTable(130, 2, 2, 'binary');
    const parameters: LinearParameters = {
      ...DEFAULTS,
      solver: 'sgd',
      epochs: 4,
      batch_size: 32,
      learning_rate: 0.2,
      momentum: 0.7,
      l2: 40,
      open_bits: 14,
    };
    const run = await trainInMemory(table, 'logistic_regression', parameters);
    agreesWithPlainSgd(run, table, 'logistic_regression', parameters);
  });

  it('gives the plain model with explicit class weights beside the penalty', async () => {
    const table = syntheticTable(200, 2, 2, 'binary');
    const parameters = { ...LONG, l2: 30, class_weight: { '0': 1, '1': 4 } };
    const run = await trainInMemory(table, 'logistic_regression', parameters);
    agreesWithPlain(run, table, 'logistic_regression', parameters);
  });

  it('works for ten rows, one column each, and no intercept', async () => {
    const table = syntheticTable(10, 1, 1, 'binary');
    const parameters = { ...LONG, use_intercept: false, use_validation_set: false };
    const run = await trainInMemory(table, 'logistic_regression', parameters);
    agreesWithPlain(run, table, 'logistic_regression', parameters);
  });

  it('keeps a split model in shares: nothing of it is opened', async () => {
    const table = syntheticTable(200, 2, 3, 'binary');
    const parameters = { ...LONG, model_release: 'split' } as const;
    const run = await trainInMemory(table, 'logistic_regression', parameters, {
      receivers: ['guest', 'host'],
    });
    equal(run.guest.release, null);
    equal(run.model, null);
    deepEqual(
      run.publications.map((each) => each!.model),
      [null, null],
    );
    const classes = new Set(run.recorded.flat().map((each) => each.class));
    deepEqual(classes, new Set(['domain_guard', 'validation_scores', 'metrics']));

    const v = openedWeights(run);
    const blocks = [run.guest, run.host].map(({ whitening }, p) => toRawWeights(whitening, v[p]!));
    const plain = plainModel(table, 'logistic_regression', parameters);
    const scales = [run.guest, run.host].flatMap(({ whitening }) => [...whitening.scaler.scale]);
    const weights = blocks.flatMap((block) => [...block.weights]);
    weights.forEach((weight, j) => {
      const off = (weight - plain.weights[j]!) * scales[j]!;
      ok(Math.abs(off) < 8e-4, `weight ${j} is off by ${off}`);
    });
  });

  it('widens the domain for logits beyond it, and comes out right', async () => {
    const table = outlierTable(1000, 45, 1, 1);
    const parameters = { ...DEFAULTS, epochs: 40, use_validation_set: false };
    const run = await trainInMemory(table, 'logistic_regression', parameters);
    const exact = fitLogisticRegression(joined(table), table.labels, { l2: 1 });
    const logit = predictLinear(exact, takeRows(joined(table), Uint32Array.of(0)))[0]!;
    ok(logit > 32, `the outlier's logit is ${logit}: the first period has the wrong sign there`);
    exact.weights.forEach((weight, j) => {
      const got = run.model!.weights[j]!;
      ok(Math.abs(got - weight) < 0.02, `weight ${j} is ${got} for ${weight}`); // series error .0045
    });
  });

  it('stops at both parties when no domain is large enough', async () => {
    const table = outlierTable(4000, 2000, 2, 1);
    const parameters = { ...DEFAULTS, use_validation_set: false };
    await rejects(trainInMemory(table, 'logistic_regression', parameters), {
      code: 'OUT_OF_DOMAIN',
    });
  });

  it('refuses labels that are no classes, at the label holder, before anything is sent', async () => {
    const table = syntheticTable(20, 1, 1, 'binary');
    table.labels[7] = 2;
    let bytes = 0;
    const tap = (_: string, __: string, message: Uint8Array): void => {
      bytes += message.length;
    };
    const abort = new AbortController();
    const run = trainInMemory(table, 'logistic_regression', DEFAULTS, {
      tapFirst: tap,
      signal: abort.signal,
    });
    await rejects(run, /"labels".* row 7/);
    equal(bytes, 0);
    abort.abort();
  });
});
