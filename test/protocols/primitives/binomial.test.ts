import { equal, ok, throws } from 'node:assert/strict';
import { smallestCapacity } from '../../../src/protocols/primitives/binomial.ts';

/** The definition in whole numbers: bins Pr[Bin(n, 1/bins) > M] <= 2^-s, times bins^n 2^s. */
function exactCapacity(n: number, bins: number, s: number): number {
  const [b, others] = [BigInt(bins), BigInt(bins - 1)];
  const bound = b ** BigInt(n);
  let tail = 0n;
  let term = 1n; // C(n, k) (bins - 1)^(n - k)
  for (let k = n; ; k--) {
    tail += term;
    if ((tail * b) << BigInt(s) > bound) return k;
    if (k === 0) return 0;
    term = (term * BigInt(k) * others) / BigInt(n - k + 1);
  }
}

describe('smallestCapacity', () => {
  it('agrees with the definition in whole numbers', () => {
    for (const n of [1, 2, 3, 7, 15, 16, 17, 40, 100, 333, 1000, 2500]) {
      for (const bins of [2, 3, 4, 10, 64, 500]) {
        for (const s of [1, 20, 40, 60]) {
          equal(smallestCapacity(n, bins, s), exactCapacity(n, bins, s), `${n}, ${bins}, 2^-${s}`);
        }
      }
    }
  });

  it('is pinned', () => {
    const table = [
      [2 ** 14, 1, 16_384],
      [2 ** 16, 4, 17_191],
      [2 ** 20, 64, 17_359],
      [10_000_000, 10, 1_006_991],
    ] as const;
    for (const [n, bins, capacity] of table) {
      equal(smallestCapacity(n, bins, 40), capacity, `${n} in ${bins}`);
    }
  });

  it('grows with the items and with the assurance asked for', () => {
    for (let n = 1000; n < 100_000; n += 9973) {
      ok(smallestCapacity(n + 1, 8, 40) >= smallestCapacity(n, 8, 40));
      ok(smallestCapacity(n, 8, 60) > smallestCapacity(n, 8, 40));
    }
  });

  it('takes a table of 2^27 rows in its stride', () => {
    const capacity = smallestCapacity(2 ** 27, 128, 40);
    // Pr[N(0, 1) > 7.70] is 2^-47, the share of each of 128 bins.
    const deviations = (capacity - 2 ** 20) / Math.sqrt(2 ** 20 * (1 - 1 / 128));
    ok(deviations > 7.6 && deviations < 7.8, `${deviations} standard deviations above the mean`);
  });

  it('holds no items, and all of them in one bin', () => {
    equal(smallestCapacity(0, 1, 40), 0);
    equal(smallestCapacity(0, 5, 40), 0);
    equal(smallestCapacity(5, 1, 40), 5);
    equal(smallestCapacity(1, 5, 40), 1);
  });

  it('refuses what is no count', () => {
    throws(() => smallestCapacity(-1, 2, 40), RangeError);
    throws(() => smallestCapacity(1.5, 2, 40), RangeError);
    throws(() => smallestCapacity(1, 0, 40), RangeError);
  });
});
