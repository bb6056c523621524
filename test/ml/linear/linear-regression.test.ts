import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { concatColumns, type Matrix, matrix, takeRows } from '../../../src/ml/data/matrix.ts';
import { kFoldSplit } from '../../../src/ml/data/split.ts';
import { fitLinearRegression, predictValues } from '../../../src/ml/linear/linear-regression.ts';
import type { FitOptions } from '../../../src/ml/linear/model.ts';
import { rmse } from '../../../src/ml/metrics/regression.ts';
import { loadReference, loadTask, near, type Task } from '../../support/tables.ts';

const KEY = ['motor', 'idx', 'motor_speed'] as const;
const motor = loadTask(...KEY);
const reference = loadReference().motor;

function foldRmse({ blocks, y }: Task, options: FitOptions): number {
  const X = concatColumns(blocks);
  const blockWidths = blocks.map((block) => block.columns);
  let sum = 0;
  for (let fold = 0; fold < 5; fold++) {
    const { train, validation } = kFoldSplit(X.rows, 5, fold);
    const pick = (rows: Uint32Array): [Matrix, Float64Array] => [
      takeRows(X, rows),
      Float64Array.from(rows, (row) => y[row]!),
    ];
    const [testX, testY] = pick(validation);
    const model = fitLinearRegression(...pick(train), { ...options, blockWidths });
    sum += rmse(testY, predictValues(model, testX));
  }
  return sum / 5;
}

describe('linear regression', () => {
  for (const l2 of [0, 1]) {
    it(`exact agrees with scikit-learn: l2 = ${l2}`, () => {
      const expected = reference[`l2 = ${l2}`]!;
      const { train } = kFoldSplit(800, 5, 0);
      const X = takeRows(concatColumns(motor.blocks), train);
      const y = Float64Array.from(train, (row) => motor.y[row]!);
      const model = fitLinearRegression(X, y, { l2 });
      ok(near(model.intercept, expected.intercept, 1e-10), `intercept ${model.intercept}`);
      expected.weights.forEach((weight, j) => {
        ok(near(model.weights[j]!, weight, 1e-10), `weight ${j}: ${model.weights[j]}, ${weight}`);
      });
      ok(near(foldRmse(motor, { l2 }), expected.rmse, 1e-10));
    });
  }

  it('auto at its defaults is within 0.1 % of least squares for two parties, 0.3 % for three', () => {
    const expected = reference['l2 = 0']!.rmse;
    const two = foldRmse(motor, { solver: 'auto', l2: 0 });
    ok(Math.abs(two / expected - 1) < 0.001, `two parties: ${two}, ${expected}`);
    const three = foldRmse(loadTask(...KEY, ['host_1', 'host_2']), { solver: 'auto', l2: 0 });
    ok(Math.abs(three / expected - 1) < 0.003, `three parties: ${three}, ${expected}`);
  });

  it('auto converges to the exact optimum, at once for a single block', () => {
    const X = concatColumns(motor.blocks);
    const exact = fitLinearRegression(X, motor.y, { l2: 2 });
    const blockWidths = motor.blocks.map((block) => block.columns);
    const two = fitLinearRegression(X, motor.y, {
      ...{ solver: 'auto', l2: 2, epochs: 600, blockWidths },
    });
    const one = fitLinearRegression(X, motor.y, { solver: 'auto', l2: 2, epochs: 1 });
    exact.weights.forEach((weight, j) => {
      ok(near(two.weights[j]!, weight, 1e-9), `two blocks, weight ${j}`);
      ok(near(one.weights[j]!, weight, 1e-9), `one block, weight ${j}`);
    });
  });

  it('sgd comes within 5 % of least squares and is reproducible bit for bit', () => {
    const options = {
      solver: 'sgd',
      l2: 0,
      epochs: 100,
      batchSize: 64,
      learningRate: 0.02,
    } as const;
    ok(foldRmse(motor, options) < 1.05 * reference['l2 = 0']!.rmse);
    const X = concatColumns(motor.blocks);
    deepEqual(fitLinearRegression(X, motor.y, options), fitLinearRegression(X, motor.y, options));
  });

  it('does not depend on units', () => {
    const X = concatColumns(motor.blocks);
    const y = motor.y.map((value) => 1e6 * value + 3e7);
    for (const solver of ['exact', 'auto', 'sgd'] as const) {
      const base = fitLinearRegression(X, motor.y, { solver, epochs: 5 });
      const scaled = fitLinearRegression(X, y, { solver, epochs: 5 });
      base.weights.forEach((weight, j) => {
        ok(Math.abs(scaled.weights[j]! / 1e6 - weight) < 1e-7, `${solver}, weight ${j}`);
      });
    }
  });

  it('handles a constant label, dependent columns and no columns', () => {
    const X = matrix(Float64Array.of(1, 2, 7, 2, 4, 7, 3, 6, 7, 5, 10, 7), 4, 3);
    deepEqual(fitLinearRegression(X, new Float64Array(4).fill(5)).intercept, 5);
    const model = fitLinearRegression(X, Float64Array.of(3, 5, 7, 11), { l2: 0 });
    ok(near(model.weights[0]!, 2, 1e-12) && near(model.intercept, 1, 1e-12));
    deepEqual([model.weights[1], model.weights[2]], [0, 0]);
    const none = matrix(new Float64Array(), 2, 0);
    equal(fitLinearRegression(none, Float64Array.of(1, 4)).intercept, 2.5);
  });

  it('refuses labels that do not fit', () => {
    throws(() => fitLinearRegression(matrix(new Float64Array(2), 2, 1), Float64Array.of(1)), /"y"/);
  });
});
