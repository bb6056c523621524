import { permutation, seededGenerator } from './random.ts';

/** Two disjoint sets of row indices, each ascending. */
export interface Split {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * A seeded holdout: round(n * rate) rows for validation, at least one row on either side. Rows are
 * positions in the aligned order, so parties that agree on seed and order agree on the split. It is
 * not stratified: that would tell every party the labels' positions.
 */
export function holdoutSplit(n: number, rate: number, seed: number): Split {
  if (!(rate > 0 && rate < 1)) throw new RangeError(`"rate" expected 0 < rate < 1, got ${rate}`);
  if (!Number.isSafeInteger(n) || n < 2) {
    throw new RangeError(`"n" expected at least 2 rows to split, got ${n}`);
  }
  const held = Math.min(n - 1, Math.max(1, Math.round(n * rate)));
  const order = permutation(n, seededGenerator(seed));
  return { train: order.slice(held).sort(), validation: order.slice(0, held).sort() };
}

/** Fold `fold` of `k`: row i validates when i % k === fold. */
export function kFoldSplit(n: number, k: number, fold: number): Split {
  if (!Number.isSafeInteger(k) || k < 2 || k > n) {
    throw new RangeError(`"k" expected 2 to ${n}, got ${k}`);
  }
  if (!Number.isSafeInteger(fold) || fold < 0 || fold >= k) {
    throw new RangeError(`"fold" expected 0 to ${k - 1}, got ${fold}`);
  }
  const rows = Uint32Array.from({ length: n }, (_, i) => i);
  return {
    train: rows.filter((i) => i % k !== fold),
    validation: rows.filter((i) => i % k === fold),
  };
}

/**
 * The batches of all epochs, in order: each epoch walks a fresh permutation of the rows in steps of
 * `batchSize` (the last one may be shorter). One generator runs through all epochs.
 */
export function* shuffledBatches(
  n: number,
  batchSize: number,
  epochs: number,
  seed: number,
): Generator<Uint32Array, void, undefined> {
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`"batchSize" expected a positive integer, got ${batchSize}`);
  }
  const next = seededGenerator(seed);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = permutation(n, next);
    for (let start = 0; start < n; start += batchSize) {
      yield order.subarray(start, Math.min(n, start + batchSize));
    }
  }
}
