import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { loadWasmExpandConvoluteKernel } from '../../../src/kernels/expand-convolute-kernel.wasm.ts';
import { SEED_BYTES } from '../../../src/protocols/primitives/prg.ts';
import { accumulateTwice, expandRows } from '../../../src/protocols/vole/expand-convolute.ts';
import {
  MAX_ELEMENTS,
  MIN_ELEMENTS,
  MIN_TREES,
  voleParameters,
} from '../../../src/protocols/vole/parameters.ts';
import { rank } from '../../support/rank.ts';
import { seededRng } from '../../support/seeded-rng.ts';

/** log2 of the probability that h of t fair coins fall on one side, for h = 0 .. t. */
function logShares(t: number): number[] {
  const logs = [0];
  for (let i = 1; i <= t; i++) logs.push(logs[i - 1]! + Math.log2(i));
  return Array.from({ length: t + 1 }, (_, h) => logs[t]! - logs[h]! - logs[t - h]! - t);
}

/** The same, for h <= most. */
function logPoor(t: number, most: number): number {
  const shares = logShares(t).slice(0, most + 1);
  return Math.log2(shares.reduce((sum, share) => sum + 2 ** share, 0));
}

/** log2 of the probability that those in one half of t random elements span less than 128 bits. */
function logDeficient(t: number): number {
  const chances = logShares(t).map((share, h) => 2 ** (share + Math.min(0, 128 - h))); // union over forms
  return Math.log2(chances.reduce((sum, chance) => sum + chance, 0));
}

/**
 * What the sender may try: the rank of rows of A = G e, for noise of t elements, one in each class modulo t.
 * Rows beyond the ones that the code copies noise to are sums of the noise in the half that it folds.
 */
function rankOfRows(t: number, rows: number): number {
  const { k, n } = voleParameters(MIN_ELEMENTS);
  const rng = seededRng(`rank ${t}`);
  const seed = rng(SEED_BYTES);
  const kernel = loadWasmExpandConvoluteKernel();
  const x = kernel.allocate(n);
  x.fill(0);
  for (let i = 0; i < t; i++) {
    const depth = Math.floor((n - 1 - i) / t) + 1;
    const path = new DataView(rng(4).buffer).getUint32(0) % depth;
    x.set(rng(16), 16 * (path * t + i));
  }
  const folded = x.subarray(16 * k);
  accumulateTwice(kernel, seed, folded);
  const [first] = expandRows(seed, rows);
  kernel.expand(folded, first!.indices, x.subarray(0, 16 * rows));
  return rank(Array.from({ length: rows }, (_, i) => x.slice(16 * i, 16 * i + 16)));
}

describe('parameters of silent VOLE', () => {
  it('are these', () => {
    const golden = [
      [1, 4096, 1024, 3],
      [4096, 4096, 1024, 3],
      [4097, 4100, 1032, 3],
      [10_000, 10_000, 632, 5],
      [21_846, 21_848, 688, 6],
      [1_415_488, 1_415_488, 696, 12],
      [2_900_000, 2_900_000, 712, 13],
      [MAX_ELEMENTS, MAX_ELEMENTS, 1024, 13],
    ] as const;
    for (const [count, k, t, d] of golden) {
      deepEqual(voleParameters(count), { k, t, d, n: t * 2 ** d }, `${count} elements`);
    }
  });

  it('stretch enough, with trees enough and no more of them than needed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_ELEMENTS }), (count) => {
        const { k, t, d, n } = voleParameters(count);
        ok(k >= count && k >= MIN_ELEMENTS && k - Math.max(count, MIN_ELEMENTS) < 4);
        ok(n >= 2 * k && n === t * 2 ** d);
        ok(t >= MIN_TREES && t <= 2 * MIN_TREES + 8);
        deepEqual([k % 4, (n - k) % 4, t % 8], [0, 0, 0]);
        ok(n - 2 * k <= 8 * 2 ** d, 'not longer than the rounding of t explains');
      }),
    );
  });

  it('keep the argument for the weight of the noise', () => {
    const t = MIN_TREES;
    ok(t * Math.log2(3 / 4) <= -128, 'a test that is fixed in advance');
    ok(128 + t * Math.log2(3 / 4) <= -128, 'the count over all linear forms');
    ok(128 + (t - 8) * Math.log2(3 / 4) > -128, 'and no more than needed');
    ok(logPoor(t, 127) < -168, 'a half with too few elements for any rank');
    ok(logDeficient(t) < -128 && logDeficient(t - 8) > -128, 'a half with a vanishing form');
    ok(logDeficient(312) > -10, 'which the weight for fixed tests alone would not prevent');
    equal(Math.ceil(t / 2) > 128, true, 'half of the noise fills the field');
  });

  it('leave A of full rank where fewer noisy elements would not', () => {
    equal(rankOfRows(MIN_TREES, 192), 128);
    const poor = rankOfRows(128, 192);
    ok(poor >= 50 && poor <= 85, `${poor}: half of 128 elements, and noise in some of the rows`);
  });

  it('refuse counts out of range', () => {
    for (const count of [0, -1, 0.5, Number.NaN, MAX_ELEMENTS + 1]) {
      throws(() => voleParameters(count), RangeError, `${count}`);
    }
  });
});
