/** Whether a jointly trained model is the one that the plain solver finds on the same rows. */
import { type Matrix, matrix, takeRows } from '../src/ml/data/matrix.ts';
import { holdoutSplit } from '../src/ml/data/split.ts';
import { fitScaler, type Scaler } from '../src/ml/data/standardise.ts';
import { evaluateSeries, FOURIER_SIZES, sigmoidSeries } from '../src/ml/linear/fourier-link.ts';
import { CURVATURE } from '../src/ml/linear/link.ts';
import { fitLogisticRegression, predictProba } from '../src/ml/linear/logistic-regression.ts';
import { type LinearModel, unwhitenModel, whitenBlocks } from '../src/ml/linear/model.ts';
import { whitenedIterates } from '../src/ml/linear/whitened-descent.ts';
import { evaluate, type MetricName } from '../src/ml/metrics/evaluate.ts';
import { fullBatchStep } from '../src/ml/vertical/linear/solver.ts';
import { joinedTable, type TableShape } from './synthetic-table.ts';

export interface Training extends TableShape {
  readonly iterations: number;
  readonly l2: number;
  readonly validationRate: number;
  readonly splitSeed: number;
}

export type Metrics = Readonly<Partial<Record<MetricName, number | null>>>;

/** The plain solver's models after the same number of iterations. */
export interface PlainModels {
  /** Rows of the table that they were trained on: fewer than the joint model's if it is very large. */
  readonly rows: number;
  /** The solver `auto` as it is. */
  readonly exact: LinearModel;
  /** With the sigmoid's series and the step of joint training: what the protocol computes on shares. */
  readonly asJoint: LinearModel;
  /** That step; the plain solver's is 1/2. */
  readonly step: number;
  /** Of the training rows. */
  readonly scaler: Scaler;
  /** Of `exact` on the held-out rows. */
  readonly metrics: Metrics;
}

/** Cells that the plain solver is given at most. It holds some five copies of them, 4 GB. */
const MAX_CELLS = 100_000_000;

/** Trains in the clear, in this process, on the rows of the table or, of a very large one, the first. */
export function trainPlain(training: Training, names: readonly MetricName[]): PlainModels {
  const { n, da, dh, iterations, l2 } = training;
  const rows = Math.min(n, Math.floor(MAX_CELLS / (da + dh)));
  const { X, y } = joinedTable({ ...training, n: rows });
  const split = holdoutSplit(rows, training.validationRate, training.splitSeed);
  const pick = (of: Uint32Array): Float64Array => Float64Array.from(of, (row) => y[row]!);
  const features = takeRows(X, split.train);
  const labels = pick(split.train);
  const options = { epochs: iterations, l2, blockWidths: [da, dh] } as const;
  const exact = fitLogisticRegression(features, labels, { solver: 'auto', ...options });
  const { step } = fullBatchStep(features.rows);
  const outputs = predictProba(exact, takeRows(X, split.validation));
  return {
    rows,
    exact,
    asJoint: descend(features, labels, options, step),
    step,
    scaler: fitScaler(features),
    metrics: evaluate(names, pick(split.validation), outputs, { task: 'binary' }).metrics,
  };
}

/**
 * The plain iterations with another step and the sigmoid's series. The solver has the step 1/m, m blocks;
 * a gradient m s times as long makes it s.
 */
function descend(
  features: Matrix,
  labels: Float64Array,
  options: {
    readonly epochs: number;
    readonly l2: number;
    readonly blockWidths: readonly number[];
  },
  step: number,
): LinearModel {
  const blocks = whitenBlocks(features, CURVATURE.logLoss, options);
  const factor = step * blocks.length;
  const series = sigmoidSeries(FOURIER_SIZES[0]!);
  const iterates = whitenedIterates(
    blocks.map(({ U, ridge }) => ({
      U,
      ridge: matrix(
        ridge.values.map((entry) => factor * entry),
        ridge.rows,
        ridge.columns,
      ),
    })),
    (z, row) => factor * (evaluateSeries(series, z) - labels[row]!),
  );
  let v = iterates.next().value;
  for (let k = 1; k < options.epochs; k++) v = iterates.next().value;
  return unwhitenModel(blocks, v);
}

/**
 * Largest difference of two models' weights, in standard deviations of the columns. The intercepts are
 * compared as scores of the mean row: on their own they take up what the rounded weights leave.
 */
export function deviation(a: LinearModel, b: LinearModel, { mean, scale }: Scaler): number {
  let score = a.intercept - b.intercept;
  let largest = 0;
  a.weights.forEach((weight, j) => {
    const difference = weight - b.weights[j]!;
    score += mean[j]! * difference;
    largest = Math.max(largest, Math.abs(scale[j]! * difference));
  });
  return Math.max(largest, Math.abs(score));
}

/** Largest difference of two models' metrics; infinite where one is missing. */
export function metricDeviation(a: Metrics, b: Metrics): number {
  const names = Object.keys(b) as MetricName[];
  return Math.max(
    ...names.map((name) => {
      const [x, y] = [a[name] ?? null, b[name] ?? null];
      return x === null || y === null ? Number.POSITIVE_INFINITY : Math.abs(x - y);
    }),
  );
}
