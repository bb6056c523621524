import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { HeCiphertext, HeRingAnswer } from '../../../proto/gen/he.ts';
import { referenceRingKernel } from '../../../src/kernels/ring-kernel.reference.ts';
import { packedBytes } from '../../../src/kernels/rlwe-kernel.ts';
import type { ProtocolErrorCode } from '../../../src/protocols/errors.ts';
import { encodeMatrix } from '../../../src/protocols/he/encoded-matrix.ts';
import { matrixLayout } from '../../../src/protocols/he/matrix-layout.ts';
import {
  encryptRing,
  matVecEvaluator,
  matVecKeyOwner,
  transposedMatVecEvaluator,
  transposedMatVecKeyOwner,
} from '../../../src/protocols/he/matrix-product.ts';
import { CIPHERTEXT_BYTES, RING_ANSWER_BYTES } from '../../../src/protocols/he/parameters.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { hePair, highestPolynomial } from '../../support/he-pair.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';

/** Tags and lengths of a message of a seed and one packed polynomial. */
const FRAMING_BYTES = 6;

/** Features as the solvers use them: uniform of `bits` bits, signed. */
function matrix(n: number, d: number, bits: number, seed: string): Int32Array {
  const rng = seededRng(seed);
  const words = new Int32Array(new Uint8Array(rng(4 * n * d)).buffer);
  return words.map((w) => w >> (32 - bits));
}

/** Largest distance of a + b from the expected vector, as signed words. */
function largestError(a: BigUint64Array, b: BigUint64Array, expected: BigUint64Array): bigint {
  equal(a.length, expected.length);
  equal(b.length, expected.length);
  return expected.reduce((worst, e, i) => {
    const error = BigInt.asIntN(64, a[i]! + b[i]! - e);
    const size = error < 0n ? -error : error;
    return size > worst ? size : worst;
  }, 0n);
}

describe('homomorphic matrix products', () => {
  for (const [n, d, bits] of [
    [1, 1, 13],
    [7, 3, 31],
    [40, 40, 31],
    [256, 20, 26],
    [4096, 1, 26],
    [4097, 5, 16],
    [9000, 13, 17],
    [33, 4100, 20],
  ] as const) {
    it(`agrees with the ideal functionality to one unit, both ways: ${n} x ${d}, ${bits} bits`, async () => {
      const { alice, bob, chA, chB } = await hePair();
      const X = matrix(n, d, bits, `X${n}`);
      const v = randomWords(d, seededRng('v'));
      const e = randomWords(n, seededRng('e'));
      const encoded = encodeMatrix(bob, X, n, d);

      const [a, b] = await Promise.all([
        matVecKeyOwner(chA, alice, v, n, seededRng('a')),
        matVecEvaluator(chB, bob, encoded, seededRng('b')),
      ]);
      ok(largestError(a, b, referenceRingKernel.matVec(X, v, n, d)) <= 1n, 'X v');

      const [at, bt] = await Promise.all([
        transposedMatVecKeyOwner(chA, alice, e, d, seededRng('at')),
        transposedMatVecEvaluator(chB, bob, encoded, seededRng('bt')),
      ]);
      ok(largestError(at, bt, referenceRingKernel.transposedMatVec(X, e, n, d)) <= 1n, 'X^T e');

      encoded.free();
      alice.close();
      bob.close();
    });
  }

  it('costs what its header says', async () => {
    for (const [n, d] of [
      [9000, 7],
      [100, 100],
    ] as const) {
      const { alice, bob, chA, chB } = await hePair();
      const { columnBlocks, rowBlocks } = matrixLayout(n, d);
      const X = encodeMatrix(bob, matrix(n, d, 13, 'X'), n, d);
      await Promise.all([
        matVecKeyOwner(chA, alice, new BigUint64Array(d), n, seededRng(1)),
        matVecEvaluator(chB, bob, X, seededRng(2)),
      ]);
      deepEqual(chA.stats, {
        messagesSent: columnBlocks,
        bytesSent: columnBlocks * (CIPHERTEXT_BYTES + FRAMING_BYTES),
        messagesReceived: rowBlocks,
        bytesReceived: rowBlocks * (RING_ANSWER_BYTES + FRAMING_BYTES),
        rounds: 1,
      });
      const before = { ...chA.stats };
      await Promise.all([
        transposedMatVecKeyOwner(chA, alice, new BigUint64Array(n), d, seededRng(3)),
        transposedMatVecEvaluator(chB, bob, X, seededRng(4)),
      ]);
      equal(chA.stats.messagesSent - before.messagesSent, rowBlocks);
      equal(chA.stats.messagesReceived - before.messagesReceived, columnBlocks);
      equal(chA.stats.rounds, 2);
    }
  });

  it('lets two products run at once on forks, each party in both roles', async () => {
    const { alice, bob, chA, chB } = await hePair();
    const [n, d] = [5000, 2];
    const [XA, XB] = [matrix(n, d, 13, 'A'), matrix(n, d, 13, 'B')];
    const [vA, vB] = [randomWords(d, seededRng('vA')), randomWords(d, seededRng('vB'))];
    const [a1, a2, b1, b2] = await Promise.all([
      matVecKeyOwner(chA.fork('B'), alice, vB, n, seededRng(1)),
      matVecEvaluator(chA.fork('A'), alice, encodeMatrix(alice, XA, n, d), seededRng(2)),
      matVecEvaluator(chB.fork('B'), bob, encodeMatrix(bob, XB, n, d), seededRng(3)),
      matVecKeyOwner(chB.fork('A'), bob, vA, n, seededRng(4)),
    ]);
    ok(largestError(a1, b1, referenceRingKernel.matVec(XB, vB, n, d)) <= 1n);
    ok(largestError(a2, b2, referenceRingKernel.matVec(XA, vA, n, d)) <= 1n);
  });

  it('rejects malformed messages by code', async () => {
    const { alice, bob } = await hePair();
    const good = encryptRing(alice, new BigUint64Array(4096), seededRng(1));
    const short = good.c0.subarray(1);
    const long = new Uint8Array(good.c0.length + 1);
    const outside = new Uint8Array(good.c0).fill(255, 100, 108);
    const seed = new Uint8Array(15);
    const malformed: readonly (readonly [string, HeCiphertext, ProtocolErrorCode])[] = [
      ['short', { ...good, c0: short }, 'MALFORMED_MESSAGE'],
      ['long', { ...good, c0: long }, 'MALFORMED_MESSAGE'],
      ['out of range', { ...good, c0: outside }, 'MALFORMED_MESSAGE'],
      ['empty', { seed: new Uint8Array(), c0: new Uint8Array() }, 'MALFORMED_MESSAGE'],
      ['seed', { ...good, seed }, 'MALFORMED_MESSAGE'],
    ];
    const X = encodeMatrix(bob, matrix(8192, 1, 13, 'X'), 8192, 1);
    for (const [name, message, code] of malformed) {
      const [chA, chB] = memoryChannelPair();
      await chA.send(HeCiphertext, message);
      await rejects(matVecEvaluator(chB, bob, X, seededRng(2)), { code }, name);
    }

    const before = highestPolynomial();
    const c1 = new Uint8Array(packedBytes(3));
    const answers: readonly (readonly [string, HeRingAnswer])[] = [
      ['short', { seed: new Uint8Array(16), c1: c1.subarray(1) }],
      ['four primes', { seed: new Uint8Array(16), c1: new Uint8Array(packedBytes(4)) }],
      ['out of range', { seed: new Uint8Array(16), c1: new Uint8Array(c1).fill(255, 7, 15) }],
      ['seed', { seed: new Uint8Array(17), c1 }],
    ];
    for (const [name, message] of answers) {
      const [chA, chB] = memoryChannelPair();
      await chB.send(HeRingAnswer, message);
      const run = matVecKeyOwner(chA, alice, new BigUint64Array(1), 8192, seededRng(3));
      await rejects(run, { code: 'MALFORMED_MESSAGE' }, name);
    }

    const [chA, chB] = memoryChannelPair();
    await chA.send(HeRingAnswer, { seed: new Uint8Array(16), c1 });
    await rejects(matVecEvaluator(chB, bob, X, seededRng(4)), { code: 'UNEXPECTED_MESSAGE' });
    equal(highestPolynomial(), before, 'polynomials are given back');
  });

  it('refuses shapes that cannot be', async () => {
    const { alice, chA } = await hePair();
    const rng = seededRng(1);
    await rejects(matVecKeyOwner(chA, alice, new BigUint64Array(0), 5, rng), RangeError);
    await rejects(matVecKeyOwner(chA, alice, new BigUint64Array(3), 0, rng), RangeError);
    await rejects(
      transposedMatVecKeyOwner(chA, alice, new BigUint64Array(3), 1.5, rng),
      RangeError,
    );
    equal(chA.stats.messagesSent, 0);
  });
});
