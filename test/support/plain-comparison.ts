/** Joint models against plain ones, with bounds that follow from the fixed point. */
import { ok } from 'node:assert/strict';
import { type Matrix, matrix, takeRows } from '../../src/ml/data/matrix.ts';
import { permutation, seededGenerator } from '../../src/ml/data/random.ts';
import { applyScaler, fitScaler } from '../../src/ml/data/standardise.ts';
import { evaluateSeries, sigmoidSeries } from '../../src/ml/linear/fourier-link.ts';
import { fitLinearRegression } from '../../src/ml/linear/linear-regression.ts';
import { classWeights, fitLogisticRegression } from '../../src/ml/linear/logistic-regression.ts';
import type { LinearModel } from '../../src/ml/linear/model.ts';
import { splitRows, targetScale } from '../../src/ml/vertical/linear/design.ts';
import type { LinearParameters } from '../../src/ml/vertical/linear/parameters.ts';
import { joined, type SplitTable, type VerticalRun } from './vertical-run.ts';

type Algorithm = 'logistic_regression' | 'linear_regression';

/**
 * How far a training on shares may end from the plain one, in units of columns' and target's deviations: design
 * rows carry 13 bits (2^-14 each), errors 11-bit waves, whose noise of 4e-4 a row averages out over rows.
 */
const TRAINED = 8e-4;

function trainingRows(
  table: SplitTable,
  parameters: LinearParameters,
): [X: Matrix, y: Float64Array] {
  const { train } = splitRows(table.labels.length, parameters);
  return [takeRows(joined(table), train), Float64Array.from(train, (i) => table.labels[i]!)];
}

/** The plain model of the same rows by solver `auto`, with the link that joint training has. */
export function plainModel(
  table: SplitTable,
  algorithm: Algorithm,
  parameters: LinearParameters,
): LinearModel {
  const [X, y] = trainingRows(table, parameters);
  const options = {
    ...({ solver: 'auto', epochs: parameters.epochs, l2: parameters.l2 } as const),
    useIntercept: parameters.use_intercept,
    blockWidths: [table.guest.columns, table.host.columns],
  };
  if (algorithm === 'linear_regression') return fitLinearRegression(X, y, options);
  const { loss, class_weight: classWeight } = parameters;
  const fourier = { period: 64, terms: loss === 'mse' ? 10 : 8 };
  return fitLogisticRegression(X, y, { ...options, loss, classWeight, fourier });
}

/** Asserts that a released model is the plain one; returns that. */
export function agreesWithPlain(
  run: VerticalRun,
  table: SplitTable,
  algorithm: Algorithm,
  parameters: LinearParameters,
  trained = TRAINED,
): LinearModel {
  const plain = plainModel(table, algorithm, parameters);
  compare(run, table, algorithm, parameters, plain, trained);
  return plain;
}

/** The same for `sgd`: the plain steps over the same public batches. */
export function agreesWithPlainSgd(
  run: VerticalRun,
  table: SplitTable,
  algorithm: Algorithm,
  parameters: LinearParameters,
): void {
  compare(run, table, algorithm, parameters, plainSgd(table, algorithm, parameters), TRAINED);
}

function compare(
  run: VerticalRun,
  table: SplitTable,
  algorithm: Algorithm,
  parameters: LinearParameters,
  plain: LinearModel,
  trained: number,
): void {
  const [X, y] = trainingRows(table, parameters);
  const { mean, scale } = fitScaler(X);
  const linear = algorithm === 'linear_regression';
  const deviation = linear ? fitScaler(matrix(y, y.length, 1)).scale[0]! : 1;
  const target = linear ? 2 ** targetScale(y, parameters.use_intercept).exponent : 1;
  const unit = (target / deviation) * 2 ** -parameters.open_bits; // one released unit, columns' units are below 2
  const { weights, intercept } = run.model!;
  let [centre, expected, rounding] = [intercept, plain.intercept, 0];
  weights.forEach((weight, j) => {
    const off = ((weight - plain.weights[j]!) * scale[j]!) / deviation;
    ok(Math.abs(off) < unit + trained, `weight ${j} is off by ${off}, unit ${unit}`);
    centre += weight * mean[j]!;
    expected += plain.weights[j]! * mean[j]!;
    rounding += 2 ** -12 * (Math.abs(weight * scale[j]!) / deviation);
  });
  const off = (centre - expected) / deviation;
  ok(Math.abs(off) < 2 * unit + 2 * trained + rounding, `the centre's score is off by ${off}`);
}

/** u = momentum u + step (X_b^T e / B + l2/n w), w -= u, over the partition that both parties draw. */
function plainSgd(
  table: SplitTable,
  algorithm: Algorithm,
  parameters: LinearParameters,
): LinearModel {
  const [X, y] = trainingRows(table, parameters);
  const { rows: n, columns: d } = X;
  const scaler = fitScaler(X);
  const Z = applyScaler(scaler, X);
  const linear = algorithm === 'linear_regression';
  const { use_intercept: hasIntercept, seed, momentum } = parameters;
  const target = linear ? targetScale(y, hasIntercept) : { centre: 0, exponent: 0 };
  const scaled = y.map((value) => (value - target.centre) / 2 ** target.exponent);
  const series = sigmoidSeries({ period: 64, terms: 8 });
  const c = linear ? [1, 1] : classWeights(y, parameters.class_weight);

  const order = permutation(n, seededGenerator(seed));
  const batches: Uint32Array[] = [];
  const size = Math.min(parameters.batch_size, n);
  for (let from = 0; from < n; from += size) batches.push(order.slice(from, from + size));
  const w = new Float64Array(d + 1);
  const u = new Float64Array(d + 1);
  for (let epoch = 0; epoch < parameters.epochs; epoch++) {
    for (const index of permutation(batches.length, seededGenerator(seed + 1 + epoch))) {
      const batch = batches[index]!;
      const g = new Float64Array(d + 1);
      for (const i of batch) {
        const row = Z.values.subarray(i * d, (i + 1) * d);
        const z = row.reduce((sum, x, j) => sum + x * w[j]!, w[d]!);
        const e = linear ? z - scaled[i]! : c[y[i]!]! * (evaluateSeries(series, z) - y[i]!);
        row.forEach((x, j) => {
          g[j]! += x * e;
        });
        g[d]! += hasIntercept ? e : 0;
      }
      for (let j = 0; j <= d; j++) {
        const ridge = j < d ? (parameters.l2 / n) * w[j]! : 0;
        u[j] = momentum * u[j]! + parameters.learning_rate * (g[j]! / batch.length + ridge);
        w[j]! -= u[j]!;
      }
    }
  }
  const power = 2 ** target.exponent;
  const weights = Float64Array.from({ length: d }, (_, j) => (power * w[j]!) / scaler.scale[j]!);
  const shift = weights.reduce((sum, weight, j) => sum + weight * scaler.mean[j]!, 0);
  return { weights, intercept: power * w[d]! + target.centre - shift };
}
