import { deepEqual, equal, rejects } from 'node:assert/strict';
import { HeCiphertext, HeSlotAnswer } from '../../../proto/gen/he.ts';
import { packedBytes, SLOT_MODULUS } from '../../../src/kernels/rlwe-kernel.ts';
import { CIPHERTEXT_BYTES, SLOT_ANSWER_BYTES } from '../../../src/protocols/he/parameters.ts';
import { slotLayout } from '../../../src/protocols/he/slot-layout.ts';
import {
  type Coefficients,
  encryptSlots,
  slotDotEvaluator,
  slotDotKeyOwner,
} from '../../../src/protocols/he/slot-product.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { hePair, highestPolynomial } from '../../support/he-pair.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';

const T_HALF = (SLOT_MODULUS - 1) / 2;

/** Centred values mod t, the extremes among them. */
function values(count: number, seed: string): Int32Array {
  const v = Int32Array.from(randomWords(count, seededRng(seed)), (w) =>
    Number(w % BigInt(SLOT_MODULUS)),
  ).map((x) => (x > T_HALF ? x - SLOT_MODULUS : x));
  v.set([T_HALF, -T_HALF, 0, 1, -1].slice(0, count));
  return v;
}

const ofMatrix =
  (C: Int32Array, terms: number, rows: number): Coefficients =>
  (output, term, from, count) => {
    const at = (output * terms + term) * rows + from;
    return C.subarray(at, at + count);
  };

describe('slot products', () => {
  for (const [terms, rows, outputs] of [
    [1, 1, 1],
    [16, 256, 1],
    [5, 300, 2],
    [16, 2048, 1],
    [3, 2049, 1],
    [4, 4096, 1],
    [20, 4097, 3],
  ] as const) {
    it(`agrees with the ideal functionality: ${terms} terms, ${rows} rows, ${outputs} outputs`, async () => {
      const { alice, bob, chA, chB } = await hePair();
      const T = values(terms * rows, 'T');
      const C = values(outputs * terms * rows, 'C');
      const [a, b] = await Promise.all([
        slotDotKeyOwner(chA, alice, T, terms, rows, outputs, seededRng('a')),
        slotDotEvaluator(chB, bob, ofMatrix(C, terms, rows), terms, rows, outputs, seededRng('b')),
      ]);
      equal(a.length, outputs * rows);
      for (let o = 0; o < outputs; o++) {
        for (let i = 0; i < rows; i++) {
          let sum = 0n;
          for (let k = 0; k < terms; k++) {
            sum += BigInt(T[k * rows + i]!) * BigInt(C[(o * terms + k) * rows + i]!);
          }
          const at = o * rows + i;
          const difference = (BigInt(a[at]! + b[at]!) - sum) % BigInt(SLOT_MODULUS);
          equal(difference, 0n, `output ${o}, row ${i}`);
        }
      }
      alice.close();
      bob.close();
    });
  }

  it('costs what its header says', async () => {
    for (const [terms, rows, outputs] of [
      [16, 256, 1],
      [3, 5000, 2],
    ] as const) {
      const { alice, bob, chA, chB } = await hePair();
      const zeros: Coefficients = (_o, _t, _f, count) => new Int32Array(count);
      const before = highestPolynomial();
      await Promise.all([
        slotDotKeyOwner(
          chA,
          alice,
          new Int32Array(terms * rows),
          terms,
          rows,
          outputs,
          seededRng(1),
        ),
        slotDotEvaluator(chB, bob, zeros, terms, rows, outputs, seededRng(2)),
      ]);
      const { blocks, ciphertexts } = slotLayout(terms, rows, outputs);
      deepEqual(chA.stats, {
        messagesSent: blocks * ciphertexts,
        bytesSent: blocks * ciphertexts * (CIPHERTEXT_BYTES + 6),
        messagesReceived: blocks * outputs,
        bytesReceived: blocks * outputs * (SLOT_ANSWER_BYTES + 8),
        rounds: 1,
      });
      equal(chB.stats.rounds, 1);
      equal(highestPolynomial(), before, 'polynomials are given back');
    }
  });

  it('rejects malformed messages by code', async () => {
    const { alice, bob } = await hePair();
    const good = encryptSlots(alice, new Uint32Array(4096), seededRng(1));
    const zeros: Coefficients = (_o, _t, _f, count) => new Int32Array(count);
    const before = highestPolynomial();
    for (const message of [
      { ...good, c0: good.c0.subarray(1) },
      { ...good, c0: new Uint8Array(good.c0).fill(255, 0, 8) },
      { ...good, seed: new Uint8Array(0) },
    ]) {
      const [chA, chB] = memoryChannelPair();
      await chA.send(HeCiphertext, message);
      const run = slotDotEvaluator(chB, bob, zeros, 1, 10, 1, seededRng(2));
      await rejects(run, { code: 'MALFORMED_MESSAGE' });
    }
    const half = new Uint8Array(packedBytes(2));
    for (const answer of [
      { c0: half.subarray(1), c1: half },
      { c0: half, c1: half.subarray(1) },
      { c0: new Uint8Array(half).fill(255, 0, 8), c1: half },
      { c0: half, c1: new Uint8Array(half).fill(255, 0, 8) },
    ]) {
      const [chA, chB] = memoryChannelPair();
      await chB.send(HeSlotAnswer, answer);
      const run = slotDotKeyOwner(chA, alice, new Int32Array(10), 1, 10, 1, seededRng(3));
      await rejects(run, { code: 'MALFORMED_MESSAGE' });
    }
    const [chA, chB] = memoryChannelPair();
    await chA.send(HeSlotAnswer, { c0: half, c1: half });
    const run = slotDotEvaluator(chB, bob, zeros, 1, 10, 1, seededRng(4));
    await rejects(run, { code: 'UNEXPECTED_MESSAGE' });
    equal(highestPolynomial(), before, 'polynomials are given back');
  });

  it('refuses values and shapes out of range', async () => {
    const { alice, bob, chA, chB } = await hePair();
    const rng = seededRng(1);
    const outside = Int32Array.of(0, T_HALF + 1);
    await rejects(slotDotKeyOwner(chA, alice, outside, 1, 2, 1, rng), RangeError);
    await rejects(slotDotKeyOwner(chA, alice, new Int32Array(3), 1, 2, 1, rng), RangeError);
    await rejects(slotDotKeyOwner(chA, alice, new Int32Array(0), 0, 2, 1, rng), RangeError);
    equal(chA.stats.messagesSent, 0);
    for (const wrong of [outside, new Int32Array(1)]) {
      await chA.send(HeCiphertext, encryptSlots(alice, new Uint32Array(4096), rng));
      await rejects(
        slotDotEvaluator(chB, bob, () => wrong, 1, 2, 1, rng),
        RangeError,
      );
    }
  });
});
