import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import { HeCiphertext, HeRingAnswer } from '../../../proto/gen/he.ts';
import { referenceRingKernel } from '../../../src/kernels/ring-kernel.reference.ts';
import { PARTS } from '../../../src/kernels/rlwe-kernel.ts';
import { batchLayout, encodeBatch } from '../../../src/protocols/he/batch-matrix.ts';
import { batchEvaluator, batchKeyOwner } from '../../../src/protocols/he/batch-product.ts';
import { CIPHERTEXT_BYTES, RING_ANSWER_BYTES } from '../../../src/protocols/he/parameters.ts';
import type { HeSession } from '../../../src/protocols/he/session.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { heKernel, hePair } from '../../support/he-pair.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';
import { tamper } from '../../support/tamper.ts';
import { residueBytes, transcript } from '../../support/transcript.ts';

/** Tags and lengths of a message of a seed and one packed polynomial. */
const FRAMING_BYTES = 6;

function matrix(n: number, d: number, bits: number): Int32Array {
  const words = new Int32Array(new Uint8Array(seededRng(`X ${n} ${d}`)(4 * n * d)).buffer);
  return words.map((w) => w >> (32 - bits));
}

const vectorsOf = (batch: number, d: number): BigUint64Array[] =>
  Array.from({ length: batch }, (_, l) => randomWords(d, seededRng(`v ${l}`)));

const encode = (he: HeSession, n: number, d: number, bits: number, batch: number) =>
  encodeBatch(he.kernel, matrix(n, d, bits), { n, d }, batch);

describe('homomorphic products of several vectors', () => {
  for (const batch of PARTS) {
    for (const [n, d, bits] of [
      [1, 1, 31],
      [7, 3, 31],
      [40, 40, 26],
      [130, 33, 20],
      [2, 4100, 16],
      [2000, 2, 20],
    ] as const) {
      it(`agree with the ideal functionality to one unit: ${n} x ${d}, ${batch} at a time`, async () => {
        const { alice, bob, chA, chB } = await hePair();
        const vectors = vectorsOf(batch, d);
        const X = await encode(bob, n, d, bits, batch);
        const [a, b] = await Promise.all([
          batchKeyOwner(chA, alice, vectors, n, seededRng('a')),
          batchEvaluator(chB, bob, X, seededRng('b')),
        ]);
        vectors.forEach((v, l) => {
          const expected = referenceRingKernel.matVec(matrix(n, d, bits), v, n, d);
          expected.forEach((e, r) => {
            const error = BigInt.asIntN(64, a[l]![r]! + b[l]![r]! - e);
            ok(error >= -1n && error <= 1n, `vector ${l}, row ${r}: off by ${error}`);
          });
        });
        X.free();
        for (const each of [alice, bob]) each.close();
      });
    }
  }

  it('cost what their header says', async () => {
    const { alice, bob, chA, chB } = await hePair();
    const layout = batchLayout(620, 2048, 32);
    deepEqual([layout.columnBlocks, layout.rowBlocks], [128, 78]);
    const { columnBlocks, rowBlocks } = batchLayout(50, 70, 8);
    await Promise.all([
      batchKeyOwner(chA, alice, vectorsOf(8, 70), 50, seededRng(1)),
      batchEvaluator(chB, bob, await encode(bob, 50, 70, 13, 8), seededRng(2)),
    ]);
    deepEqual(chA.stats, {
      messagesSent: columnBlocks,
      bytesSent: columnBlocks * (CIPHERTEXT_BYTES + FRAMING_BYTES),
      messagesReceived: rowBlocks,
      bytesReceived: rowBlocks * (RING_ANSWER_BYTES + FRAMING_BYTES),
      rounds: 1,
    });
  });

  it('show either side what looks uniform', async () => {
    for (const fill of [0n, 2n ** 32n]) {
      const { frames, taps } = transcript();
      const { alice, bob, chA, chB } = await hePair(taps);
      const vectors = Array.from({ length: 4 }, () => new BigUint64Array(512).fill(fill));
      await Promise.all([
        batchKeyOwner(chA, alice, vectors, 30, seededRng(1)),
        batchEvaluator(chB, bob, await encode(bob, 30, 512, 31, 4), seededRng(2)),
      ]);
      for (const from of [0, 1]) {
        const bytes = frames.filter((f) => f.from === from).flatMap((f) => [...residueBytes(f)]);
        looksUniform(new Uint8Array(bytes), `from ${from}, entries ${fill}`);
      }
    }
  });

  it('reject malformed messages by code', async () => {
    /** On every field of bytes: a seed and a packed polynomial. */
    const each =
      (change: (bytes: Uint8Array) => Uint8Array) =>
      <M extends object>(message: M): M =>
        Object.fromEntries(
          Object.entries(message).map(([key, bytes]) => [key, change(bytes as Uint8Array)]),
        ) as M;
    for (const [name, change] of [
      ['short', each((bytes) => bytes.subarray(1))],
      ['empty', each(() => new Uint8Array())],
      ['residues that are none', each((bytes) => new Uint8Array(bytes.length).fill(255))],
    ] as const) {
      const { alice, bob, chA, chB } = await hePair();
      const X = await encode(bob, 5, 5, 10, 4);
      const bad = batchKeyOwner(
        tamper(chA, HeCiphertext, change),
        alice,
        vectorsOf(4, 5),
        5,
        seededRng(1),
      );
      bad.catch(() => undefined);
      const refused = batchEvaluator(chB, bob, X, seededRng(2));
      await rejects(refused, { code: 'MALFORMED_MESSAGE' }, `ciphertext: ${name}`);

      const second = await hePair();
      const Y = await encode(second.bob, 5, 5, 10, 4);
      const [owner] = await Promise.allSettled([
        batchKeyOwner(second.chA, second.alice, vectorsOf(4, 5), 5, seededRng(1)),
        batchEvaluator(tamper(second.chB, HeRingAnswer, change), second.bob, Y, seededRng(2)),
      ]);
      equal(owner.status, 'rejected', name);
      equal(owner.reason.code, 'MALFORMED_MESSAGE', `answer: ${name}`);
    }
  });

  it('refuses batches and blocks that cannot be', async () => {
    const { bob } = await hePair();
    await rejects(encode(bob, 2, 2, 10, 3), RangeError);
    const X = await encode(bob, 2, 2, 10, 4);
    throws(() => X.block(1, 0), /no block/);
    X.free();
    throws(() => X.block(0, 0), /no block/);
    ok(heKernel.allocate());
  });
});
