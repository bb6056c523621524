import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';

describe('OKVS parameters', () => {
  // m' = ceil(e M) with the unrounded e.
  const GOLDEN: readonly (readonly number[])[] = [
    // n, bins, M, m', g
    [0, 1, 256, 429, 4],
    [1, 1, 256, 429, 4],
    [64, 1, 256, 429, 4],
    [256, 1, 256, 429, 4],
    [257, 1, 257, 430, 4],
    [2 ** 10, 1, 1024, 1466, 3],
    [2 ** 12, 1, 4096, 5405, 3],
    [2 ** 14, 1, 16_384, 20_770, 2],
    [2 ** 14 + 1, 2, 8650, 11_141, 3],
    [2 ** 16, 4, 17_191, 21_803, 2],
    [2 ** 17, 8, 17_268, 21_914, 2],
    [2 ** 20, 64, 17_359, 22_073, 3],
    [2 ** 21, 128, 17_375, 22_108, 3],
    [2 ** 24, 1024, 17_412, 22_200, 3],
  ];
  for (const [n, bins, capacity, columns, gapLimit] of GOLDEN) {
    it(`are pinned for ${n} items`, () => {
      deepEqual(okvsParameters(n!), {
        items: n,
        bins,
        capacity,
        columns,
        denseBits: gapLimit! + 40,
        gapLimit,
        slots: bins! * (columns! + gapLimit! + 40),
      });
    });
  }

  it('take the space of the published table', () => {
    const table = [
      [2 ** 10, 1.475],
      [2 ** 12, 1.33],
      [2 ** 14, 1.27],
      [2 ** 16, 1.333],
      [2 ** 20, 1.35],
    ] as const;
    for (const [n, slotsPerItem] of table) {
      const { slots } = okvsParameters(n);
      ok(Math.abs(slots / n - slotsPerItem) < 0.0015, `${n}: ${slots / n}`);
    }
  });

  it('fit the limits of the kernel and keep their bounds for every size', () => {
    for (let n = 0; n <= 2 ** 24; n = n < 300 ? n + 1 : Math.ceil(n * 1.03)) {
      const { capacity, bins, columns, denseBits, gapLimit, slots } = okvsParameters(n);
      ok(capacity * bins >= n && capacity < 65_536 && columns <= 65_536, `n = ${n}`);
      ok(gapLimit >= 2 && denseBits === gapLimit + 40 && denseBits <= 48, `n = ${n}`);
      ok(columns > 1.26 * capacity, `n = ${n}`);
      equal(slots, bins * (columns + denseBits));
    }
  });

  it('refuse other sizes', () => {
    for (const n of [-1, 0.5, 2 ** 24 + 1, Number.NaN]) throws(() => okvsParameters(n), RangeError);
  });
});
