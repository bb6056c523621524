import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { type Matrix, matrix, takeRows } from '../../../src/ml/data/matrix.ts';
import { seededGenerator } from '../../../src/ml/data/random.ts';
import { meanLogLoss } from '../../../src/ml/metrics/classification.ts';
import { rmse } from '../../../src/ml/metrics/regression.ts';
import {
  type BoostingOptions,
  fitBoostedTrees,
  predictBoosted,
  predictMargins,
  sampleColumns,
  sampleRows,
  type Validation,
} from '../../../src/ml/trees/gradient-boosting.ts';
import { featureImportance } from '../../../src/ml/trees/importance.ts';
import { toXgboostJson, type XgboostModel } from '../../../src/ml/trees/xgboost-json.ts';
import { meanOverFolds } from '../../support/boosted-folds.ts';
import { loadTask } from '../../support/tables.ts';
import {
  loadXgboostVectors,
  optionsFrom,
  type XgboostParameters,
} from '../../support/xgboost-vectors.ts';

interface ReferenceCase {
  readonly name: string;
  readonly parameters: XgboostParameters;
  readonly rounds: number;
  readonly X: readonly (readonly (number | null)[])[];
  readonly y: readonly number[];
  readonly predictions: readonly (number | readonly number[])[];
  readonly importance: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly model: XgboostModel;
}

function tableOf(rows: ReferenceCase['X']): Matrix {
  const values = Float64Array.from(rows.flat(), (value) => value ?? Number.NaN);
  return matrix(values, rows.length, rows[0]!.length);
}

function near(actual: number, expected: number, what: string): void {
  const off = Math.abs(actual - expected);
  ok(off <= 2e-5 * Math.max(1, Math.abs(expected)), `${what}: ${actual}, expected ${expected}`);
}

/** n rows of four columns in [0, 1), labels that depend on the first two and on chance. */
function noisyTask(n: number, seed = 1): { X: Matrix; y: Float64Array } {
  const next = seededGenerator(seed);
  const uniform = () => next() / 2 ** 32;
  const X = matrix(Float64Array.from({ length: 4 * n }, uniform), n, 4);
  const score = (i: number) => X.values[4 * i]! - X.values[4 * i + 1]! + uniform() - 0.5;
  return { X, y: Float64Array.from({ length: n }, (_, i) => (score(i) > 0 ? 1 : 0)) };
}

const logLoss: Validation['loss'] = (y, [p]) => meanLogLoss(y, p!);

describe('gradient boosting', () => {
  const { cases } = loadXgboostVectors<{ readonly cases: readonly ReferenceCase[] }>('reference');
  for (const each of cases) {
    it(`grows XGBoost's trees: ${each.name}`, () => {
      const X = tableOf(each.X);
      const options = optionsFrom(each.parameters, each.rounds);
      const model = fitBoostedTrees(X, Float64Array.from(each.y), options);
      const ours = toXgboostJson(model, ['f0', 'f1', 'f2', 'f3'].slice(0, X.columns));
      const expected = each.model.learner.gradient_booster.model.trees;
      const trees = ours.learner.gradient_booster.model.trees;
      equal(trees.length, expected.length);
      trees.forEach((tree, t) => {
        const { left_children, split_indices, default_left, parents } = expected[t]!;
        deepEqual(tree.left_children, left_children, `tree ${t}`);
        deepEqual(tree.parents, parents);
        deepEqual(tree.split_indices, split_indices, `columns of tree ${t}`);
        deepEqual(tree.default_left, default_left, `directions of tree ${t}`);
        for (const key of [
          'split_conditions',
          'sum_hessian',
          'loss_changes',
          'base_weights',
        ] as const) {
          tree[key].forEach((value, node) => {
            near(value, expected[t]![key][node]!, `${key} of node ${node} of tree ${t}`);
          });
        }
      });
      const predictions = predictBoosted(model, X);
      each.predictions.forEach((row, i) => {
        const expected = typeof row === 'number' ? [row] : row;
        for (const [k, value] of expected.entries()) near(predictions[k]![i]!, value, `row ${i}`);
      });
      const importance = featureImportance(model);
      for (const [kind, scores] of Object.entries(each.importance)) {
        const name = kind.replace(/_(.)/, (_, c: string) => c.toUpperCase()) as 'totalGain';
        for (const [j, own] of importance.entries()) {
          near(own[name], scores[`f${j}`] ?? 0, `${kind} of f${j}`);
        }
      }
    });
  }

  it('scores like XGBoost over five folds of motor', () => {
    const { motor } = loadXgboostVectors<{
      motor: { parameters: XgboostParameters; rounds: number; rmse: number };
    }>('quality');
    const options = optionsFrom(motor.parameters, motor.rounds);
    const task = loadTask('motor', 'idx', 'motor_speed', ['host_1', 'host_2']);
    const mean = meanOverFolds(task, options, { rmse });
    ok(Math.abs(mean.rmse - motor.rmse) < 0.001 && mean.rmse <= 0.105, `RMSE ${mean.rmse}`);
  });

  it('stops early, and ends with the best round', () => {
    const { X, y } = noisyTask(300);
    const validation = { ...noisyTask(300, 2), loss: logLoss, earlyStoppingRounds: 4 };
    const options: BoostingOptions = { numTrees: 200, maxDepth: 4, numBins: 16 };
    const stopped = fitBoostedTrees(X, y, { ...options, validation });
    const { earlyStoppingRounds: _, ...watch } = validation;
    const all = fitBoostedTrees(X, y, { ...options, numTrees: 40, validation: watch });
    equal(all.rounds.length, 40);
    const losses = all.rounds.map((__, r) => {
      const first = { ...all, rounds: all.rounds.slice(0, r + 1) };
      return logLoss(validation.y, predictBoosted(first, validation.X));
    });
    const best = stopped.rounds.length;
    ok(best > 1 && best < 30, `${best} rounds`);
    deepEqual(stopped.rounds, all.rounds.slice(0, best));
    const later = losses.slice(best, best + 4);
    ok(
      later.every((loss) => loss >= losses[best - 1]!),
      'four rounds without a better loss',
    );
    ok(
      losses.slice(0, best - 1).every((loss) => loss > losses[best - 1]!),
      'the best so far',
    );
  });

  it('keeps one round where the loss is never a number', () => {
    const { X, y } = noisyTask(50);
    const validation = { X, y, loss: () => Number.NaN, earlyStoppingRounds: 3 };
    equal(fitBoostedTrees(X, y, { validation }).rounds.length, 1);
  });

  it('samples rows and columns afresh for every tree, by the seed', () => {
    const { X, y } = noisyTask(400);
    const options = { numTrees: 6, maxDepth: 3, numBins: 16, subsample: 0.5, colsampleBytree: 0.5 };
    const grown = (seed: number) => fitBoostedTrees(X, y, { ...options, seed });
    deepEqual(grown(7), grown(7));
    const columns = grown(7).rounds.map(
      ([tree]) => new Set(tree!.flatMap(({ split }) => (split ? [split.feature] : []))),
    );
    ok(columns.every((used) => used.size <= 2 && used.size > 0));
    ok(
      new Set(columns.map((used) => [...used].sort((a, b) => a - b).join())).size > 1,
      'not always the same',
    );
    for (const [tree] of grown(7).rounds) {
      ok(tree![0]!.cover > 0.15 * 400 * 0.4 && tree![0]!.cover < 0.25 * 400 * 0.6, 'half the rows');
    }
    ok(JSON.stringify(grown(7)) !== JSON.stringify(grown(8)));
  });

  it('samples rows ascending and columns without repetition, one at the least', () => {
    const next = seededGenerator(3);
    const rows = sampleRows(10_000, 0.3, next);
    ok(Math.abs(rows.length - 3000) < 5 * Math.sqrt(10_000 * 0.21), `${rows.length} rows`);
    ok(rows.every((row, k) => k === 0 || row > rows[k - 1]!));
    equal(sampleRows(20, 1e-9, next).length, 1);
    deepEqual(sampleRows(3, 1, next), Uint32Array.of(0, 1, 2));
    const drawn = new Set<number>();
    for (let k = 0; k < 50; k++) {
      const columns = sampleColumns(5, { colsampleBytree: 0.5 }, next);
      equal(columns.length, 2);
      ok(columns[0]! < columns[1]!);
      for (const column of columns) drawn.add(column);
    }
    equal(drawn.size, 5);
    deepEqual(sampleColumns(3, { colsampleBytree: 0.01 }, next).length, 1);
    deepEqual(sampleColumns(3, { colsampleBytree: 1 }, next), [0, 1, 2]);
  });

  it('takes labels of one class: every prediction moves towards it', () => {
    const { X } = noisyTask(50);
    for (const label of [0, 1]) {
      const y = new Float64Array(50).fill(label);
      const model = fitBoostedTrees(X, y, { numTrees: 10 });
      ok(
        model.rounds.flat().every((tree) => tree.length === 1),
        'nothing to split',
      );
      const [p] = predictBoosted(model, X);
      ok(
        p!.every((value) => value === p![0] && Math.abs(value - label) < 0.1),
        `${p![0]}`,
      );
      const options = { objective: 'multi:softprob', numClass: 3, numTrees: 10 } as const;
      const classes = predictBoosted(fitBoostedTrees(X, y, options), X);
      ok(classes[label]!.every((value) => value > 0.8));
    }
  });

  it('takes one row, constant columns, columns without a value, no columns', () => {
    const one = matrix(Float64Array.of(3, Number.NaN), 1, 2);
    const single = fitBoostedTrees(one, Float64Array.of(1), { numTrees: 3, minChildWeight: 0 });
    ok(predictBoosted(single, one)[0]![0]! > 0.5);
    const { X, y } = noisyTask(60);
    const values = X.values.map((value, k) => (k % 4 === 1 ? 5 : k % 4 === 2 ? Number.NaN : value));
    const model = fitBoostedTrees(matrix(values, 60, 4), y, { numTrees: 5 });
    deepEqual(
      featureImportance(model).map(({ weight }) => weight > 0),
      [true, false, false, true],
    );
    const none = matrix(new Float64Array(0), 4, 0);
    const constant = fitBoostedTrees(none, Float64Array.of(0, 1, 1, 1), { minChildWeight: 0 });
    near(predictBoosted(constant, none)[0]![0]!, 0.75, 'the mean');
  });

  it('learns where missing values belong', () => {
    const x = Array.from({ length: 90 }, (_, i) => (i % 3 === 2 ? Number.NaN : i % 3));
    const X = matrix(Float64Array.from(x), 90, 1);
    for (const [y0, y1, missing] of [
      [0, 1, 1],
      [0, 1, 0],
      [1, 1, 0],
    ] as const) {
      const y = Float64Array.from(x, (value) => [y0, y1][value] ?? missing);
      const model = fitBoostedTrees(X, y, { numTrees: 20, maxDepth: 1 });
      const [p] = predictBoosted(model, X);
      ok(
        p!.every((value, i) => Math.abs(value - y[i]!) < 0.1),
        [y0, y1, missing].join(),
      );
    }
  });

  it('predicts what training saw, row by row', () => {
    const { X, y } = noisyTask(200);
    const model = fitBoostedTrees(X, y, { numTrees: 5, maxDepth: 3 });
    const [margins] = predictMargins(model, X);
    for (const row of [0, 17, 199]) {
      equal(predictMargins(model, takeRows(X, Uint32Array.of(row)))[0]![0], margins![row]);
    }
    const whole = model.rounds[0]![0]!;
    near(whole[0]!.cover, 200 / 4, 'cover of the root');
    for (const { split, cover } of whole) {
      if (split) near(whole[split.left]!.cover + whole[split.right]!.cover, cover, 'cover');
    }
  });

  it('refuses tables that do not fit', () => {
    const { X, y } = noisyTask(10);
    throws(() => fitBoostedTrees(X, y.subarray(1)), RangeError);
    throws(
      () => fitBoostedTrees(matrix(new Float64Array(0), 0, 4), new Float64Array(0)),
      RangeError,
    );
    throws(
      () =>
        fitBoostedTrees(
          X,
          y.map((label) => label + 0.5),
        ),
      RangeError,
    );
    const narrow = matrix(new Float64Array(10), 10, 1);
    const model = fitBoostedTrees(X, y, { numTrees: 1 });
    throws(() => predictBoosted(model, narrow), RangeError);
    const refuses = (validation: Validation) =>
      throws(() => fitBoostedTrees(X, y, { validation }), RangeError);
    refuses({ X: narrow, y, loss: logLoss });
    refuses({ X, y: y.subarray(1), loss: logLoss });
    for (const earlyStoppingRounds of [0, -1, 1.5, Number.NaN]) {
      refuses({ X, y, loss: logLoss, earlyStoppingRounds });
    }
  });
});
