import { equal, ok, throws } from 'node:assert/strict';
import { binCapacity } from '../../../src/protocols/primitives/bin-capacity.ts';

/** The definition, in exact arithmetic: the smallest M with bins * Pr[Binomial > M] <= 2^-lambda. */
function exactCapacity(n: number, bins: number, lambda: number): number {
  const others = BigInt(bins - 1);
  const total = BigInt(bins) ** BigInt(n);
  let term = 1n; // C(n, k) (bins - 1)^(n - k), from k = n down
  let above = 0n;
  for (let k = n; k > 0; k--) {
    above += term;
    // `above` is Pr[Binomial >= k] * total, so M may be k - 1 while it is small enough.
    if (BigInt(bins) * above * 2n ** BigInt(lambda) > total) return k;
    term = (term * BigInt(k) * others) / BigInt(n - k + 1);
  }
  return 0;
}

describe('bin capacity', () => {
  it('is the exact bound of the binomial distribution', () => {
    for (const n of [0, 1, 2, 3, 10, 63, 64, 65, 100, 257, 1000, 2500]) {
      for (const bins of [2, 3, 16, 100]) {
        for (const lambda of [1, 10, 40]) {
          const [got, expected] = [binCapacity(n, bins, lambda), exactCapacity(n, bins, lambda)];
          equal(got, expected, `${n} in ${bins}, ${lambda}`);
        }
      }
    }
  });

  it('is everything for one bin', () => {
    for (const n of [0, 1, 2 ** 24]) equal(binCapacity(n, 1), n);
  });

  it('stands some seven deviations above the mean, whatever the size', () => {
    for (const bits of [16, 20, 24, 28, 30]) {
      const [n, bins] = [2 ** bits, 2 ** (bits - 14)];
      const deviations = (binCapacity(n, bins) - 2 ** 14) / Math.sqrt(2 ** 14 * (1 - 1 / bins));
      ok(deviations > 7 && deviations < 9, `2^${bits}: ${deviations}`);
    }
  });

  it('takes whatever number of bins', () => {
    equal(binCapacity(10, 10 ** 9), 2); // three of ten in one of them: 120 / 10^18
    equal(binCapacity(2 ** 28, 256), 1_056_540);
  });

  it('refuses what is no count', () => {
    for (const n of [-1, 0.5, Number.NaN, 2 ** 53]) throws(() => binCapacity(n, 2), RangeError);
    for (const bins of [0, -1, 1.5]) throws(() => binCapacity(2, bins), RangeError);
  });
});
