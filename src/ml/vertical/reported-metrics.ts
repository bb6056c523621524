/** Which metrics may leave the label holder, and with how many digits. */
import type { Evaluation, MetricName } from '../metrics/evaluate.ts';

/** Fewer rows than this, or rows of a class, and a metric would tell its reader single labels. */
const FEWEST_ROWS = 50;
const FEWEST_OF_A_CLASS = 5;

/** The metrics as they are told: rounded to `openBits` significant bits. */
export function roundMetrics({ metrics, reasons }: Evaluation, openBits: number): Evaluation {
  const rounded = Object.entries(metrics).map(([name, value]) => [
    name,
    significant(value, openBits),
  ]);
  return { metrics: Object.fromEntries(rounded), reasons };
}

/** All metrics null, with the reason, where rows are so few that they would tell labels; else null. */
export function tooFewToReport(
  names: readonly MetricName[],
  labels: Float64Array,
  classes: number,
): Evaluation | null {
  if (!areFew(labels, classes)) return null;
  const reason = `fewer than ${FEWEST_ROWS} rows, or ${FEWEST_OF_A_CLASS} of a class, were held out: metrics would tell labels`;
  return {
    metrics: Object.fromEntries(names.map((name) => [name, null])),
    reasons: Object.fromEntries(names.map((name) => [name, reason])),
  };
}

/** classes: 0 for a regression. */
function areFew(labels: Float64Array, classes: number): boolean {
  if (labels.length < FEWEST_ROWS) return true;
  if (classes === 0) return false;
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label]! += 1;
  return counts.some((count) => count < FEWEST_OF_A_CLASS);
}

/** The value to so many significant bits. */
function significant(value: number | null, bits: number): number | null {
  if (value === null || value === 0) return value;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) + 1 - bits);
  return Math.round(value / unit) * unit;
}
