import { deepEqual, equal, notDeepEqual, throws } from 'node:assert/strict';
import { holdoutSplit, kFoldSplit, shuffledBatches } from '../../../src/ml/data/split.ts';

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sorted = (rows: Iterable<number>): number[] => [...rows].sort((a, b) => a - b);

describe('split', () => {
  it('holds out the rate, disjoint, ascending, by seed', () => {
    for (const [n, rate, held] of [
      [10, 0.2, 2],
      [2, 0.01, 1],
      [2, 0.99, 1],
      [1001, 0.25, 250],
    ] as const) {
      const { train, validation } = holdoutSplit(n, rate, 5);
      equal(validation.length, held, `${n}, ${rate}`);
      deepEqual(sorted([...train, ...validation]), upTo(n));
      deepEqual([...train], sorted(train));
      deepEqual([...validation], sorted(validation));
    }
    deepEqual(holdoutSplit(100, 0.3, 1), holdoutSplit(100, 0.3, 1));
    notDeepEqual(holdoutSplit(100, 0.3, 1), holdoutSplit(100, 0.3, 2));
    throws(() => holdoutSplit(1, 0.5, 0), /"n"/);
    for (const rate of [0, 1, NaN]) throws(() => holdoutSplit(9, rate, 0), /"rate"/);
  });

  it('folds by index modulo k', () => {
    const { train, validation } = kFoldSplit(7, 3, 1);
    deepEqual([...validation], [1, 4]);
    deepEqual([...train], [0, 2, 3, 5, 6]);
    throws(() => kFoldSplit(7, 8, 0), /"k"/);
    throws(() => kFoldSplit(7, 3, 3), /"fold"/);
  });

  it('walks every row once an epoch, in a new order each', () => {
    const batches = [...shuffledBatches(10, 4, 2, 3)].map((batch) => [...batch]);
    deepEqual(
      batches.map((batch) => batch.length),
      [4, 4, 2, 4, 4, 2],
    );
    const [first, second] = [batches.slice(0, 3).flat(), batches.slice(3).flat()];
    deepEqual(sorted(first), upTo(10));
    deepEqual(sorted(second), upTo(10));
    notDeepEqual(first, second);
    deepEqual([...shuffledBatches(3, 100, 1, 3)].length, 1);
    throws(() => [...shuffledBatches(3, 0, 1, 3)], /"batchSize"/);
  });
});
