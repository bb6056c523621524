import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import {
  MAX_ELEMENTS,
  MIN_ELEMENTS,
  MIN_TREES,
  voleParameters,
} from '../../../src/protocols/vole/parameters.ts';

/** log2 of the probability that of t fair coins at most `most` fall on one side. */
function logPoor(t: number, most: number): number {
  const logs = [0];
  for (let i = 1; i <= t; i++) logs.push(logs[i - 1]! + Math.log2(i));
  let sum = 0;
  for (let h = 0; h <= most; h++) sum += 2 ** (logs[t]! - logs[h]! - logs[t - h]! - t);
  return Math.log2(sum);
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
    ok(logPoor(t, 127) < -168, 'a half with a vanishing form');
    ok(logPoor(312, 127) > -11, 'which the weight for fixed tests alone would not prevent');
    equal(Math.ceil(t / 2) > 128, true, 'half of the noise fills the field');
  });

  it('refuse counts out of range', () => {
    for (const count of [0, -1, 0.5, Number.NaN, MAX_ELEMENTS + 1]) {
      throws(() => voleParameters(count), RangeError, `${count}`);
    }
  });
});
