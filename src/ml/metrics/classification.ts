/**
 * Scores of predicted probabilities and classes against labels. Arrays are parallel; a metric that the rows do not
 * define is null, never NaN. Values agree with scikit-learn's.
 */

import { assertParallel, meanOver } from './rows.ts';

/** Rows with label 1 and others, scored; larger means more likely 1. Ties are exact: midranks. */
export function auc(y: Float64Array, scores: Float64Array): number | null {
  const { positives, negatives } = countClasses(y, scores);
  if (positives === 0 || negatives === 0) return null;
  let doubled = 0; // 2 * (pairs in order) + (pairs tied): an integer, exact below 2^53
  for (const { before, tied } of scoreGroups(y, scores)) {
    doubled += tied.positives * (2 * before.negatives + tied.negatives);
  }
  return doubled / 2 / (positives * negatives);
}

/** Kolmogorov-Smirnov: the largest gap between the classes' score distributions, max |TPR - FPR|. */
export function ks(y: Float64Array, scores: Float64Array): number | null {
  const { positives, negatives } = countClasses(y, scores);
  if (positives === 0 || negatives === 0) return null;
  let largest = 0;
  for (const { before, tied } of scoreGroups(y, scores)) {
    const cdfPositive = (before.positives + tied.positives) / positives;
    const cdfNegative = (before.negatives + tied.negatives) / negatives;
    largest = Math.max(largest, Math.abs(cdfNegative - cdfPositive));
  }
  return largest;
}

/** Mean of -y log p - (1 - y) log(1 - p), p clipped to [eps, 1 - eps], eps = 2^-52. */
export function meanLogLoss(y: Float64Array, probabilities: Float64Array): number {
  countClasses(y, probabilities);
  const eps = Number.EPSILON;
  return meanOver(y, probabilities, (label, p) => {
    const clipped = Math.min(1 - eps, Math.max(eps, p));
    return label === 1 ? -Math.log(clipped) : -Math.log1p(-clipped);
  });
}

/** Share of rows whose predicted class is right. Classes are 0, 1, ... */
export function accuracy(y: Float64Array, predicted: Float64Array): number {
  return meanOver(y, predicted, (label, guess) => (label === guess ? 1 : 0));
}

/** The three of a class, or their unweighted (macro) means over classes. */
export interface PrecisionRecall {
  /** TP / (TP + FP); null when nothing was predicted positive. */
  readonly precision: number | null;
  /** TP / (TP + FN); null when nothing is positive. */
  readonly recall: number | null;
  /** 2 TP / (2 TP + FP + FN); null when nothing is or was predicted positive. */
  readonly f1: number | null;
}

/** Of class 1, for two classes. */
export function precisionRecall(y: Float64Array, predicted: Float64Array): PrecisionRecall {
  return ofClass(y, predicted, 1);
}

/** Macro means over the classes that occur in `y` or `predicted`; an undefined one counts as 0. */
export function macroPrecisionRecall(y: Float64Array, predicted: Float64Array): PrecisionRecall {
  const classes = [...new Set([...y, ...predicted])];
  const each = classes.map((label) => ofClass(y, predicted, label));
  const macro = (name: keyof PrecisionRecall): number =>
    each.reduce((sum, one) => sum + (one[name] ?? 0), 0) / each.length;
  return { precision: macro('precision'), recall: macro('recall'), f1: macro('f1') };
}

/** Rows by class. */
export interface ClassCounts {
  positives: number;
  negatives: number;
}

/** Counts the labels; throws RangeError unless each is 0 or 1. */
export function countClasses(y: Float64Array, scores: Float64Array): ClassCounts {
  assertParallel(y, scores);
  let positives = 0;
  y.forEach((label, row) => {
    if (label !== 0 && label !== 1) {
      throw new RangeError(`"y" expected labels 0 or 1, got ${label} in row ${row}`);
    }
    positives += label;
  });
  return { positives, negatives: y.length - positives };
}

/** Rows of equal score, by ascending score, with the counts of all rows scored lower. */
function* scoreGroups(
  y: Float64Array,
  scores: Float64Array,
): Generator<{ readonly before: ClassCounts; readonly tied: ClassCounts }> {
  const bad = scores.findIndex((score) => Number.isNaN(score));
  if (bad >= 0) throw new RangeError(`"scores" expected numbers, got NaN in row ${bad}`);
  const order = Uint32Array.from(y, (_, row) => row).sort((a, b) => scores[a]! - scores[b]!);
  const before = { positives: 0, negatives: 0 };
  for (let start = 0; start < order.length; ) {
    const tied = { positives: 0, negatives: 0 };
    const score = scores[order[start]!]!;
    for (; start < order.length && scores[order[start]!] === score; start++) {
      if (y[order[start]!] === 1) tied.positives++;
      else tied.negatives++;
    }
    yield { before, tied };
    before.positives += tied.positives;
    before.negatives += tied.negatives;
  }
}

function ofClass(y: Float64Array, predicted: Float64Array, label: number): PrecisionRecall {
  assertParallel(y, predicted);
  let hits = 0;
  let actual = 0;
  let guessed = 0;
  y.forEach((truth, row) => {
    const guess = predicted[row] === label;
    if (truth === label) actual++;
    if (guess) guessed++;
    if (guess && truth === label) hits++;
  });
  return {
    precision: guessed ? hits / guessed : null,
    recall: actual ? hits / actual : null,
    f1: actual + guessed ? (2 * hits) / (actual + guessed) : null,
  };
}
