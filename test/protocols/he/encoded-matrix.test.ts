import { deepEqual, ok, throws } from 'node:assert/strict';
import { referenceRingKernel } from '../../../src/kernels/ring-kernel.reference.ts';
import { checkNoise, encodeMatrix } from '../../../src/protocols/he/encoded-matrix.ts';
import { blockCoefficients, matrixLayout } from '../../../src/protocols/he/matrix-layout.ts';
import { matVecEvaluator, matVecKeyOwner } from '../../../src/protocols/he/matrix-product.ts';
import { ringError } from '../../../src/protocols/he/parameters.ts';
import { hePair, heKernel as kernel } from '../../support/he-pair.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';

describe('encoded matrix', () => {
  it('holds every block at the NTT points until it is freed', () => {
    const [n, d] = [5000, 3];
    const X = Int32Array.from({ length: n * d }, (_, i) => (i % 2 ? i : -i));
    const encoded = encodeMatrix({ kernel }, X, n, d);
    const { rowBlocks, columnBlocks } = encoded.layout;
    const x = kernel.allocate();
    for (let r = 0; r < rowBlocks; r++) {
      for (let c = 0; c < columnBlocks; c++) {
        kernel.lift(x, blockCoefficients(X, encoded.layout, r, c));
        kernel.forward(x);
        deepEqual(encoded.block(r, c), x, `block ${r}, ${c}`);
      }
    }
    const block = encoded.block(0, 0);
    encoded.free();
    throws(() => encoded.block(0, 0), RangeError);
    throws(() => kernel.forward(block), TypeError);
    kernel.release(x);
  });

  it('refuses matrices whose products could be wrong, and only those', () => {
    const n = 100;
    const full = new Int32Array(n * n).fill(2 ** 31 - 1);
    checkNoise(full, matrixLayout(n, n)); // 2^37.3 in a block of rows
    throws(() => checkNoise(new Int32Array(400 * 400).fill(2 ** 31 - 1), matrixLayout(400, 400)), {
      name: 'RangeError',
    });
    const tall = new Int32Array(200_000).fill(2 ** 29); // norm of the column 2^37.8, of a row block 2^35
    checkNoise(tall, matrixLayout(tall.length, 1));
    tall.fill(2 ** 30);
    throws(() => checkNoise(tall, matrixLayout(tall.length, 1)), RangeError);
    throws(() => checkNoise(full, matrixLayout(n, n + 1)), RangeError);
    throws(() => encodeMatrix({ kernel }, new Int32Array(5), 2, 3), RangeError);
  });

  it('is exact to one unit at the largest norm it takes', async () => {
    const { alice, bob, chA, chB } = await hePair();
    const n = 200;
    const X = Int32Array.from(randomWords(n * n, seededRng('X')), (v) =>
      v & 1n ? 2 ** 31 - 1 : -(2 ** 31),
    );
    const { rows } = matrixLayout(n, n);
    ok(ringError(Math.sqrt(rows * n) * 2 ** 31) > 0.4, 'the bound is nearly used up');
    const v = randomWords(n, seededRng('v'));
    const encoded = encodeMatrix(bob, X, n, n);
    const [a, b] = await Promise.all([
      matVecKeyOwner(chA, alice, v, n, seededRng(1)),
      matVecEvaluator(chB, bob, encoded, seededRng(2)),
    ]);
    const expected = referenceRingKernel.matVec(X, v, n, n);
    for (let i = 0; i < n; i++) {
      const error = BigInt.asIntN(64, a[i]! + b[i]! - expected[i]!);
      ok(error >= -1n && error <= 1n, `row ${i}: ${error}`);
    }
    encoded.free();
  });
});
