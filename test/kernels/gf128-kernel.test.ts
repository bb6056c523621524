import { deepEqual, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import {
  multiply,
  referenceGf128Kernel,
  toElement,
  toInteger,
} from '../../src/kernels/gf128-kernel.reference.ts';
import type { Gf128Kernel } from '../../src/kernels/gf128-kernel.ts';
import { loadWasmGf128Kernel } from '../../src/kernels/gf128-kernel.wasm.ts';
import { seededRng } from '../support/seeded-rng.ts';

const ONES = 2n ** 128n - 1n;
const element = fc.oneof(
  fc.bigInt({ min: 0n, max: ONES }),
  fc.constantFrom(0n, 1n, 2n, 2n ** 127n, 2n ** 64n, 2n ** 63n, ONES),
);

/** The product of two elements as the kernel computes it. */
function product(kernel: Gf128Kernel, x: bigint, y: bigint): bigint {
  const dst = new Uint8Array(16);
  kernel.multiplier(toElement(x)).multiplyAdd(dst, toElement(y));
  return toInteger(dst);
}

describe('gf128 kernel: reference', () => {
  it('reduces by z^128 + z^7 + z^2 + z + 1', () => {
    equal(multiply(2n ** 127n, 2n), 0x87n);
    equal(multiply(2n ** 127n, 2n ** 127n), 0xc000_0000_0000_0000_0000_0000_0000_1067n);
    equal(multiply(ONES, ONES), 0x5555_5555_5555_5555_5555_5555_5555_402fn);
    equal(multiply(ONES, 1n), ONES);
    equal(multiply(ONES, 0n), 0n);
  });

  it('is a field: commutative, associative, every element but 0 has the order of the group', () => {
    fc.assert(
      fc.property(element, element, element, (x, y, w) => {
        equal(multiply(x, y), multiply(y, x));
        equal(multiply(multiply(x, y), w), multiply(x, multiply(y, w)));
      }),
      { numRuns: 20 },
    );
    let x = 0x1234_5678_9abc_def0_0fed_cba9_8765_4321n;
    const start = x;
    for (let i = 0; i < 128; i++) x = multiply(x, x);
    equal(x, start, 'x^(2^128) = x'); // fails for most reducible moduli
  });

  it('reads elements little-endian', () => {
    deepEqual(toElement(0x0102n), Uint8Array.of(2, 1, ...new Uint8Array(14)));
    equal(toInteger(toElement(2n ** 127n + 5n)), 2n ** 127n + 5n);
  });
});

for (const kernel of [loadWasmGf128Kernel()]) {
  describe(`gf128 kernel: ${kernel.name}`, () => {
    it('agrees with the reference on ten thousand products and the corners', () => {
      const rng = seededRng('gf128');
      for (let round = 0; round < 20; round++) {
        const fixed = toInteger(rng(16));
        const src = rng(16 * 500);
        const dst = rng(16 * 500);
        const expected = dst.slice();
        kernel.multiplier(toElement(fixed)).multiplyAdd(dst, src);
        for (let i = 0; i < 500; i++) {
          const at = 16 * i;
          const [was, x] = [expected, src].map((v) => toInteger(v.subarray(at, at + 16)));
          equal(toInteger(dst.subarray(at, at + 16)), was! ^ multiply(fixed, x!), `${round} ${i}`);
        }
      }
      const corners = [0n, 1n, 2n, 3n, 2n ** 63n, 2n ** 64n, 2n ** 127n, ONES, ONES - 1n];
      for (const x of corners) {
        for (const y of corners) equal(product(kernel, x, y), multiply(x, y), `${x} ${y}`);
      }
    });

    it('distributes over sums, and one is neutral', () => {
      fc.assert(
        fc.property(element, element, element, (x, y, w) => {
          equal(product(kernel, x, y ^ w), product(kernel, x, y) ^ product(kernel, x, w));
          equal(product(kernel, x ^ y, w), product(kernel, x, w) ^ product(kernel, y, w));
          equal(product(kernel, x, 1n), x);
        }),
      );
    });

    it('adds onto vectors of any length and alignment, over several chunks', () => {
      const rng = seededRng('chunks');
      const fixed = rng(16);
      for (const n of [0, 1, 2047, 2048, 2049, 5000]) {
        const [dst, src] = [rng(16 * n + 3).subarray(3), rng(16 * n + 1).subarray(1)];
        const expected = dst.slice();
        const untouched = src.slice();
        referenceGf128Kernel.multiplier(fixed).multiplyAdd(expected, src);
        kernel.multiplier(fixed).multiplyAdd(dst, src);
        equal(Buffer.compare(dst, expected), 0, `n = ${n}`);
        equal(Buffer.compare(src, untouched), 0, `n = ${n}`);
      }
    });

    it('keeps multipliers apart', () => {
      const [two, three] = [2n, 3n].map((x) => kernel.multiplier(toElement(x)));
      const dst = new Uint8Array(16);
      two!.multiplyAdd(dst, toElement(5n));
      three!.multiplyAdd(dst, toElement(8n));
      equal(toInteger(dst), 10n ^ 24n);
    });

    it('refuses sizes that do not agree', () => {
      throws(() => kernel.multiplier(new Uint8Array(15)), RangeError);
      const zero = kernel.multiplier(new Uint8Array(16));
      throws(() => zero.multiplyAdd(new Uint8Array(16), new Uint8Array(32)), RangeError);
      throws(() => zero.multiplyAdd(new Uint8Array(17), new Uint8Array(17)), RangeError);
    });
  });
}
