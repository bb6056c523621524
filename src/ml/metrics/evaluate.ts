/** Metrics by name, with reasons for those that cannot be computed. */

import { accuracy, auc, countClasses, ks, meanLogLoss, precisionRecall } from './classification.ts';
import { mae, mse, r2, rmse } from './regression.ts';
import { assertParallel } from './rows.ts';

const OF_CLASSES = ['accuracy', 'precision', 'recall', 'f1', 'auc', 'ks', 'logloss'] as const;
const OF_NUMBERS = ['mse', 'rmse', 'mae', 'r2'] as const;

export type MetricName = 'loss' | (typeof OF_CLASSES | typeof OF_NUMBERS)[number];

export const METRIC_NAMES: readonly MetricName[] = ['loss', ...OF_CLASSES, ...OF_NUMBERS];

export interface EvaluateOptions {
  /** `binary`: labels 0 and 1, outputs probabilities of 1. `regression`: labels and outputs real. */
  readonly task: 'binary' | 'regression';
  /** What `loss` reports: the mean log loss or the mean squared error. Default by task. */
  readonly loss?: 'logloss' | 'mse';
  /** Probability from which a row is predicted 1. Default 1/2. */
  readonly threshold?: number;
}

export interface Evaluation {
  /** Exactly the requested names. */
  readonly metrics: Readonly<Partial<Record<MetricName, number | null>>>;
  /** Why a metric is null, for those that are. */
  readonly reasons: Readonly<Partial<Record<MetricName, string>>>;
}

/**
 * The requested metrics of `outputs` against `y`. Never throws for what the outputs are (a diverged
 * model gives nulls and reasons); throws RangeError for lengths, labels and options that are wrong.
 */
export function evaluate(
  names: readonly MetricName[],
  y: Float64Array,
  outputs: Float64Array,
  options: EvaluateOptions,
): Evaluation {
  const { task, threshold = 1 / 2 } = options;
  const loss = options.loss ?? (task === 'binary' ? 'logloss' : 'mse');
  if (task === 'binary') countClasses(y, outputs);
  else assertParallel(y, outputs);
  if (!(threshold >= 0 && threshold <= 1)) {
    throw new RangeError(`"threshold" expected 0 to 1, got ${threshold}`);
  }
  const metrics: Partial<Record<MetricName, number | null>> = {};
  const reasons: Partial<Record<MetricName, string>> = {};
  const finite = outputs.every((output) => Number.isFinite(output));
  const classes = outputs.map((output) => (output >= threshold ? 1 : 0));
  for (const name of names) {
    const metric = name === 'loss' ? loss : name;
    if (!finite) reasons[name] = `${name} needs finite outputs: the model has diverged`;
    else if (task === 'regression' && CLASSIFICATION_ONLY.has(metric)) {
      reasons[name] = `${name} needs a classification task`;
    }
    const value = reasons[name] ? null : COMPUTE[metric](y, outputs, classes);
    const usable = value !== null && Number.isFinite(value);
    metrics[name] = usable ? value : null;
    if (!usable) reasons[name] ??= UNDEFINED_WHEN[metric] ?? `${name} overflows`;
  }
  return { metrics, reasons };
}

const CLASSIFICATION_ONLY: ReadonlySet<string> = new Set(OF_CLASSES);

type Compute = (y: Float64Array, outputs: Float64Array, classes: Float64Array) => number | null;

const COMPUTE: Readonly<Record<Exclude<MetricName, 'loss'>, Compute>> = {
  accuracy: (y, _, classes) => accuracy(y, classes),
  precision: (y, _, classes) => precisionRecall(y, classes).precision,
  recall: (y, _, classes) => precisionRecall(y, classes).recall,
  f1: (y, _, classes) => precisionRecall(y, classes).f1,
  auc,
  ks,
  logloss: meanLogLoss,
  mse,
  rmse,
  mae,
  r2,
};

const UNDEFINED_WHEN: Readonly<Partial<Record<MetricName, string>>> = {
  auc: 'auc needs rows of both classes',
  ks: 'ks needs rows of both classes',
  precision: 'precision needs a row predicted positive',
  recall: 'recall needs a positive row',
  f1: 'f1 needs a row that is or is predicted positive',
  r2: 'r2 needs labels that differ',
};
