import { deepEqual, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { referenceBitsKernel } from '../../src/kernels/bits-kernel.reference.ts';
import { rowBytes } from '../../src/kernels/bits-kernel.ts';
import { loadWasmBitsKernel } from '../../src/kernels/bits-kernel.wasm.ts';

/** 128 x m bits that look random, tail bits included. */
function matrix(m: number, seed: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length: 128 * rowBytes(m) }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return state >>> 24;
  });
}

describe('bits kernel: reference', () => {
  it('moves one bit to its mirrored place', () => {
    const rows = new Uint8Array(128 * 2);
    rows[77 * 2 + 1] = 1 << 3; // row 77, bit 11
    const result = referenceBitsKernel.transpose128(rows, 12);
    equal(result[11 * 16 + (77 >> 3)], 1 << (77 & 7)); // row 11, bit 77
    equal(
      result.reduce((n, byte) => n + (byte === 0 ? 0 : 1), 0),
      1,
    );
  });
});

for (const kernel of [loadWasmBitsKernel()]) {
  describe(`bits kernel: ${kernel.name}`, () => {
    it('agrees with the reference bit for bit', () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 300 }), fc.integer(), (m, seed) => {
          const rows = matrix(m, seed);
          deepEqual(kernel.transpose128(rows, m), referenceBitsKernel.transpose128(rows, m));
        }),
      );
    });

    it('agrees with the reference around the chunk size', () => {
      for (const m of [1, 7, 8, 9, 127, 128, 129, 16_383, 16_384, 16_385, 32_777]) {
        const rows = matrix(m, m);
        const expected = referenceBitsKernel.transpose128(rows, m);
        equal(Buffer.compare(kernel.transpose128(rows, m), expected), 0, `m = ${m}`);
      }
    });

    it('returns an array that the next call leaves alone', () => {
      const first = kernel.transpose128(matrix(64, 1), 64);
      const copy = first.slice();
      kernel.transpose128(matrix(64, 2), 64);
      deepEqual(first, copy);
    });

    it('refuses sizes that do not agree', () => {
      throws(() => kernel.transpose128(new Uint8Array(128), 9), RangeError);
      throws(() => kernel.transpose128(new Uint8Array(256), 8), RangeError);
      throws(() => kernel.transpose128(new Uint8Array(0), -1), RangeError);
      throws(() => kernel.transpose128(new Uint8Array(64), 0.5), RangeError);
    });
  });
}
