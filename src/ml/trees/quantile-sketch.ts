/**
 * Cuts of a column at its quantiles, found by XGBoost's sketch: weighted quantile summaries that are merged and
 * pruned, [CG16] "XGBoost: A Scalable Tree Boosting System". Chen, Guestrin. https://arxiv.org/abs/1603.02754,
 * appendix A. Limits, order of merging and rounding are those of `tree_method=hist` in XGBoost 1.7 on one
 * machine, so that the same rows in the same order are cut at the same values, up to 2^24 rows.
 */
import { sortFloats } from './sort-floats.ts';

/**
 * Some of the values of a column, ascending, with what is known of their ranks. Values left out lie
 * between two that are kept.
 */
interface Summary {
  readonly values: Float32Array;
  /** Rows below the value, at least. */
  readonly least: Float64Array;
  /** Rows up to the value and at it, at most. */
  readonly most: Float64Array;
  /** Rows at the value, at least. */
  readonly weights: Float64Array;
}

/** A summary of a column has this many times the bins' number of values before the last pruning. */
const FACTOR = 8;

/**
 * At most numBins - 1 cuts above the smallest value, strictly ascending: all other values where they
 * are few enough.
 *
 * @param values - of the rows in their order; finite, one or more.
 */
export function quantileCuts(values: Float32Array, numBins: number): Float32Array {
  const bins = Math.min(values.length, numBins);
  const fine = prune(sketch(values, bins), Math.min(values.length, numBins * FACTOR));
  return prune(fine, bins + 1).values.slice(1, bins);
}

/** The whole column's summary, of at most `summarySize` values. */
function sketch(values: Float32Array, bins: number): Summary {
  const size = summarySize(values.length, bins);
  const levels: (Summary | null)[] = [];
  let from = 0;
  for (;;) {
    const to = endOfRuns(values, from, 2 * size);
    const piece = summaryOf(values.slice(from, to));
    if (to === values.length) return collect(levels, piece, size);
    raise(levels, piece, size);
    from = to;
  }
}

/** The values a summary may have so that ranks are off by less than 1 / (FACTOR bins) of all rows. */
function summarySize(n: number, bins: number): number {
  const epsilon = 1 / (bins * FACTOR);
  for (let level = 1; ; level++) {
    const size = Math.min(n, Math.ceil(level / epsilon) + 1);
    if (2 ** level * size >= n) return size;
  }
}

/** Where the run of equal values ends that is number `count` from `from` on. */
function endOfRuns(values: Float32Array, from: number, count: number): number {
  let at = from;
  for (let runs = 0; at < values.length; at++) {
    if (at === from || values[at] !== values[at - 1]) runs++;
    if (runs > count) break;
  }
  return at;
}

/** The exact summary of some values, which it sorts. */
function summaryOf(values: Float32Array): Summary {
  sortFloats(values);
  const found = allocate(values.length);
  let size = 0;
  for (let i = 0, j = 0; i < values.length; i = j) {
    while (j < values.length && values[j] === values[i]) j++;
    found.values[size] = values[i]! + 0; // not -0
    found.least[size] = i;
    found.most[size] = j;
    found.weights[size++] = j - i;
  }
  return cut(found, size);
}

/** Adds a summary to level 0; two of one level are merged into the next when they outgrow it. */
function raise(levels: (Summary | null)[], added: Summary, size: number): void {
  let summary = added;
  for (let level = 0; ; level++) {
    const there = levels[level] ?? null;
    summary = there ? merge(prune(summary, size), there) : prune(summary, size);
    levels[level] = summary.values.length <= size ? summary : null;
    if (levels[level]) return;
  }
}

/** All levels and the rest of the column. */
function collect(levels: readonly (Summary | null)[], rest: Summary, size: number): Summary {
  let summary = prune(rest, size);
  for (const level of levels) if (level) summary = prune(merge(summary, level), size);
  return summary;
}

/** The summary of the rows of both. */
function merge(a: Summary, b: Summary): Summary {
  const [lengthA, lengthB] = [a.values.length, b.values.length];
  const merged = allocate(lengthA + lengthB);
  let [i, j, size] = [0, 0, 0];
  while (i < lengthA || j < lengthB) {
    const takesA = j === lengthB || (i < lengthA && a.values[i]! <= b.values[j]!);
    const takesB = i === lengthA || (j < lengthB && b.values[j]! <= a.values[i]!);
    merged.values[size] = takesA ? a.values[i]! : b.values[j]!;
    merged.least[size] =
      (takesA ? a.least[i]! : atLeast(a, i)) + (takesB ? b.least[j]! : atLeast(b, j));
    merged.most[size] = (takesA ? a.most[i]! : atMost(a, i)) + (takesB ? b.most[j]! : atMost(b, j));
    merged.weights[size++] = (takesA ? a.weights[i]! : 0) + (takesB ? b.weights[j]! : 0);
    if (takesA) i++;
    if (takesB) j++;
  }
  return cut(merged, size);
}

/** Rows below a value between entries i - 1 and i, at least. */
function atLeast({ least, weights }: Summary, i: number): number {
  return i === 0 ? 0 : least[i - 1]! + weights[i - 1]!;
}

/** Rows below a value between entries i - 1 and i, at most. */
function atMost({ most, weights }: Summary, i: number): number {
  return i === most.length ? most[i - 1]! : most[i]! - weights[i]!;
}

/** At most `size` of the values: the first, the last, and those nearest to ranks at equal distances. */
function prune(summary: Summary, size: number): Summary {
  const { values, least, most, weights } = summary;
  const last = values.length - 1;
  if (values.length <= size) return summary;
  const pruned = allocate(size);
  let kept = 0;
  let latest = -1;
  const keep = (entry: number): void => {
    if (entry === latest) return;
    pruned.values[kept] = values[entry]!;
    pruned.least[kept] = least[entry]!;
    pruned.most[kept] = most[entry]!;
    pruned.weights[kept++] = weights[entry]!;
    latest = entry;
  };
  keep(0);
  const begin = most[0]!;
  const range = least[last]! - begin;
  for (let k = 1, i = 1; k < size - 1; k++) {
    const rank = float(float(float(k * range) / (size - 1)) + begin);
    while (i < last && 2 * rank >= most[i + 1]! + least[i + 1]!) i++;
    if (i === last) break;
    keep(2 * rank < atLeast(summary, i + 1) + atMost(summary, i + 1) ? i : i + 1);
  }
  keep(last);
  return cut(pruned, kept);
}

const float = Math.fround;

function allocate(size: number): Summary {
  return {
    values: new Float32Array(size),
    least: new Float64Array(size),
    most: new Float64Array(size),
    weights: new Float64Array(size),
  };
}

/** Its first entries. */
function cut({ values, least, most, weights }: Summary, size: number): Summary {
  return {
    values: values.subarray(0, size),
    least: least.subarray(0, size),
    most: most.subarray(0, size),
    weights: weights.subarray(0, size),
  };
}
