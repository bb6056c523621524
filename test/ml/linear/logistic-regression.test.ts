import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { concatColumns, matrix, takeRows } from '../../../src/ml/data/matrix.ts';
import { kFoldSplit } from '../../../src/ml/data/split.ts';
import {
  classWeights,
  fitLogisticRegression,
  type LogisticOptions,
  predictClasses,
  predictProba,
} from '../../../src/ml/linear/logistic-regression.ts';
import { auc, ks } from '../../../src/ml/metrics/classification.ts';
import { loadReference, loadTask, near } from '../../support/tables.ts';

const { blocks, y } = loadTask('breast', 'id', 'y');
const X = concatColumns(blocks);
const blockWidths = blocks.map((block) => block.columns);
const reference = loadReference().breast;

function foldScores(options: LogisticOptions): { auc: number; ks: number } {
  const sums = { auc: 0, ks: 0 };
  for (let fold = 0; fold < 5; fold++) {
    const { train, validation } = kFoldSplit(X.rows, 5, fold);
    const model = fitLogisticRegression(takeRows(X, train), pick(y, train), options);
    const p = predictProba(model, takeRows(X, validation));
    sums.auc += auc(pick(y, validation), p)! / 5;
    sums.ks += ks(pick(y, validation), p)! / 5;
  }
  return sums;
}

function pick(values: Float64Array, rows: Uint32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row]!);
}

describe('logistic regression', () => {
  const { train } = kFoldSplit(X.rows, 5, 0);
  const [trainX, trainY] = [takeRows(X, train), pick(y, train)];

  const exactCases: [string, LogisticOptions][] = [
    ['l2 = 1', { l2: 1 }],
    ['l2 = 0.001', { l2: 0.001 }],
    ['l2 = 1, balanced', { classWeight: 'balanced' }],
    ['l2 = 1, no intercept', { useIntercept: false }],
  ];
  for (const [name, options] of exactCases) {
    it(`exact agrees with scikit-learn: ${name}`, () => {
      const model = fitLogisticRegression(trainX, trainY, options);
      const expected = reference[name]!;
      ok(near(model.intercept, expected.intercept, 1e-6), `intercept ${model.intercept}`);
      expected.weights.forEach((weight, j) => {
        ok(near(model.weights[j]!, weight, 1e-6), `weight ${j}: ${model.weights[j]}, ${weight}`);
      });
    });
  }

  it('exact agrees with scikit-learn on the five folds', () => {
    const scores = foldScores({});
    ok(near(scores.auc, reference.folds.auc, 1e-9), `AUC ${scores.auc}`);
    ok(near(scores.ks, reference.folds.ks, 1e-9), `KS ${scores.ks}`);
  });

  it('auto at its defaults scores like exact, also through the Fourier link', () => {
    for (const fourier of [undefined, { period: 128, terms: 16 }]) {
      const link = fourier ? { fourier } : {};
      const scores = foldScores({ solver: 'auto', blockWidths, ...link });
      ok(Math.abs(scores.auc - reference.folds.auc) < 0.0005, `AUC ${scores.auc}`);
      ok(Math.abs(scores.ks - reference.folds.ks) < 0.002, `KS ${scores.ks}`);
    }
  });

  it('auto converges to the exact optimum, class weights included', () => {
    for (const classWeight of ['none', 'balanced', { '0': 3, '1': 0.5 }] as const) {
      const exact = fitLogisticRegression(trainX, trainY, { classWeight, l2: 10 });
      const options = { solver: 'auto', epochs: 600, l2: 10, blockWidths, classWeight } as const;
      const model = fitLogisticRegression(trainX, trainY, options);
      exact.weights.forEach((weight, j) => {
        ok(near(model.weights[j]!, weight, 1e-6), `weight ${j}: ${model.weights[j]}, ${weight}`);
      });
    }
  });

  it('mse trains by auto and sgd; the Fourier gradient agrees', () => {
    const base = { loss: 'mse', blockWidths } as const;
    ok(foldScores({ ...base, solver: 'auto' }).auc > 0.99);
    ok(foldScores({ ...base, solver: 'auto', fourier: { period: 64, terms: 8 } }).auc > 0.99);
    ok(foldScores({ ...base, solver: 'sgd', epochs: 30, batchSize: 64 }).auc > 0.99);
    throws(() => fitLogisticRegression(trainX, trainY, { loss: 'mse' }), /"loss"/);
  });

  it('sgd scores like exact and is reproducible bit for bit', () => {
    const options = { solver: 'sgd', epochs: 30, batchSize: 64, seed: 4 } as const;
    ok(foldScores(options).auc > 0.99);
    const tryFit = (): unknown => fitLogisticRegression(trainX, trainY, options);
    deepEqual(tryFit(), tryFit());
  });

  it('ignores constant columns and gives copies one weight', () => {
    const wide = concatColumns([
      matrix(new Float64Array(X.rows).fill(3), X.rows, 1),
      blocks[0]!,
      blocks[0]!,
    ]);
    for (const solver of ['exact', 'auto'] as const) {
      const model = fitLogisticRegression(wide, y, { solver, l2: 0, epochs: 20 });
      const narrow = fitLogisticRegression(blocks[0]!, y, { solver, l2: 0, epochs: 20 });
      equal(model.weights[0], 0);
      ok(model.weights.slice(11).every((weight) => weight === 0));
      narrow.weights.forEach((weight, j) => {
        ok(near(model.weights[j + 1]!, weight, 1e-9), `${j}`);
      });
    }
  });

  it('fits the base rate when there are no columns', () => {
    const none = matrix(new Float64Array(), y.length, 0);
    const rate = y.reduce((sum, label) => sum + label, 0) / y.length;
    for (const [solver, tolerance] of [['exact', 1e-12] as const, ['auto', 1e-3] as const]) {
      const model = fitLogisticRegression(none, y, { solver });
      ok(near(model.intercept, Math.log(rate / (1 - rate)), tolerance), solver);
    }
  });

  it("gives the probabilities of the README's example", () => {
    const column = matrix(Float64Array.of(1, 2, 3, 4, 5, 6), 6, 1);
    const model = fitLogisticRegression(column, Float64Array.of(0, 0, 1, 0, 1, 1), { l2: 1 });
    const rounded = [...predictProba(model, column)].map((p) => Number(p.toFixed(2)));
    deepEqual(rounded, [0.22, 0.32, 0.44, 0.56, 0.68, 0.78]);
  });

  it('predicts classes at the threshold', () => {
    const model = { weights: Float64Array.of(1), intercept: 0 };
    const z = matrix(Float64Array.of(-1, 0, 1), 3, 1);
    deepEqual([...predictClasses(model, z)], [0, 1, 1]);
    deepEqual([...predictClasses(model, z, 0.2)], [1, 1, 1]);
  });

  it('says what is wrong with labels, class weights and separable classes', () => {
    throws(
      () =>
        fitLogisticRegression(
          trainX,
          trainY.map((label) => label + 1),
        ),
      /labels 0 or 1/,
    );
    throws(() => classWeights(Float64Array.of(1, 1), 'balanced'), /both classes/);
    throws(() => classWeights(Float64Array.of(1, 0), { '0': -1, '1': 1 }), /classWeight/);
    deepEqual(classWeights(Float64Array.of(1, 0, 0, 0), 'balanced'), [4 / 6, 2]);
    const line = matrix(Float64Array.of(-2, -1, 1, 2), 4, 1);
    const labels = Float64Array.of(0, 0, 1, 1);
    throws(() => fitLogisticRegression(line, labels, { l2: 0 }), /"l2" expected > 0/);
    const { weights } = fitLogisticRegression(line, labels, { l2: 0.1 });
    ok(weights[0]! > 0 && Number.isFinite(weights[0]));
  });
});
