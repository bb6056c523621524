import { deepEqual, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { referenceRingKernel } from '../../src/kernels/ring-kernel.reference.ts';
import { loadWasmRingKernel } from '../../src/kernels/ring-kernel.wasm.ts';

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const i32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const problem = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 9 }))
  .chain(([n, d]) =>
    fc.record({
      n: fc.constant(n),
      d: fc.constant(d),
      X: fc.array(i32, { minLength: n * d, maxLength: n * d }),
      v: fc.array(u64, { minLength: d, maxLength: d }),
      e: fc.array(u64, { minLength: n, maxLength: n }),
    }),
  );

for (const kernel of [loadWasmRingKernel()]) {
  describe(`ring kernel: ${kernel.name}`, () => {
    it('agrees with the reference bit for bit', () => {
      fc.assert(
        fc.property(problem, ({ n, d, X, v, e }) => {
          const x = Int32Array.from(X);
          const [w, r] = [BigUint64Array.from(v), BigUint64Array.from(e)];
          deepEqual(kernel.matVec(x, w, n, d), referenceRingKernel.matVec(x, w, n, d));
          deepEqual(
            kernel.transposedMatVec(x, r, n, d),
            referenceRingKernel.transposedMatVec(x, r, n, d),
          );
        }),
      );
    });

    it('agrees with the reference over several chunks', () => {
      const [n, d] = [30_001, 11];
      const X = Int32Array.from({ length: n * d }, (_, i) => (i * 2_654_435_761) | 0);
      const v = BigUint64Array.from({ length: d }, (_, i) => BigInt(i + 1) ** 40n);
      const e = BigUint64Array.from({ length: n }, (_, i) => BigInt(i + 7) ** 9n);
      deepEqual(kernel.matVec(X, v, n, d), referenceRingKernel.matVec(X, v, n, d));
      deepEqual(
        kernel.transposedMatVec(X, e, n, d),
        referenceRingKernel.transposedMatVec(X, e, n, d),
      );
    });

    it('refuses shapes that do not agree', () => {
      throws(() => kernel.matVec(new Int32Array(6), new BigUint64Array(2), 2, 3), RangeError);
      throws(
        () => kernel.transposedMatVec(new Int32Array(5), new BigUint64Array(2), 2, 3),
        RangeError,
      );
    });
  });
}
