/** What the label holder computes from margins: the loss that stops a training early, and metrics. */
import { accuracy } from '../../metrics/classification.ts';
import { type Evaluation, evaluate, type MetricName } from '../../metrics/evaluate.ts';
import { transformMargins } from '../../trees/objective.ts';
import type { Objective } from '../../trees/parameters.ts';

/** Mean log loss of classes, or root of the mean squared error. Smaller is better. */
export function lossOf(
  objective: Objective,
  margins: readonly Float64Array[],
  y: Float64Array,
): number {
  const predictions = transformMargins(objective, margins);
  if (objective === 'multi:softprob') return meanLogLoss(predictions, y);
  if (objective === 'reg:squarederror') return metric('rmse', 'regression', y, predictions[0]!);
  return metric('logloss', 'binary', y, predictions[0]!);
}

function metric(
  name: MetricName,
  task: 'binary' | 'regression',
  y: Float64Array,
  outputs: Float64Array,
): number {
  return evaluate([name], y, outputs, { task }).metrics[name] ?? Infinity;
}

/** The requested metrics of margins. threshold: on the probability of class 1. */
export function evaluateMargins(
  names: readonly MetricName[],
  objective: Objective,
  margins: readonly Float64Array[],
  y: Float64Array,
  threshold: number,
): Evaluation {
  const predictions = transformMargins(objective, margins);
  if (objective === 'multi:softprob') return evaluateClasses(names, predictions, y);
  return objective === 'binary:logistic'
    ? evaluate(names, y, predictions[0]!, { task: 'binary', threshold })
    : evaluate(names, y, predictions[0]!, { task: 'regression' });
}

/** Of several classes: accuracy and log loss. The other metrics are of two classes or of values. */
function evaluateClasses(
  names: readonly MetricName[],
  p: readonly Float64Array[],
  y: Float64Array,
): Evaluation {
  const metrics: Partial<Record<MetricName, number | null>> = {};
  const reasons: Partial<Record<MetricName, string>> = {};
  for (const name of names) {
    metrics[name] = null;
    if (name === 'accuracy') metrics[name] = accuracy(y, likeliest(p));
    else if (name === 'loss' || name === 'logloss') metrics[name] = meanLogLoss(p, y);
    else reasons[name] = `${name} is not defined for several classes`;
  }
  return { metrics, reasons };
}

/** The class with the largest probability, of the first one among equals. */
export function likeliest(p: readonly Float64Array[]): Float64Array {
  return p[0]!.map((_, i) => p.reduce((best, p_k, k) => (p_k[i]! > p[best]![i]! ? k : best), 0));
}

/** Mean of -log p_y, p clipped from below at 2^-52. */
function meanLogLoss(p: readonly Float64Array[], y: Float64Array): number {
  const sum = y.reduce((total, k, i) => total - Math.log(Math.max(Number.EPSILON, p[k]![i]!)), 0);
  return sum / y.length;
}
