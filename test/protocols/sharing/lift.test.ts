import { deepEqual, equal, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { SLOT_MODULUS } from '../../../src/kernels/rlwe-kernel.ts';
import type { Rng } from '../../../src/protocols/primitives/rng.ts';
import { lift } from '../../../src/protocols/sharing/lift.ts';
import { reconstruct } from '../../../src/protocols/sharing/share.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { type OtPair, otPair } from '../../support/ot-pair.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';

const LIMIT = Math.floor(SLOT_MODULUS / 4);

describe('lift to Z_2^64', () => {
  let pair: OtPair;
  before(async () => {
    pair = await otPair('lift');
  });

  function shareModulo(m: readonly number[], t: number, rng: Rng): [Uint32Array, Uint32Array] {
    const words = randomWords(m.length, rng);
    const x0 = Uint32Array.from(words, (word) => Number(word % BigInt(t)));
    const x1 = Uint32Array.from(m, (mi, i) => (mi - x0[i]! + 2 * t) % t);
    return [x0, x1];
  }

  async function run(shares: [Uint32Array, Uint32Array], t?: number): Promise<bigint[]> {
    const [y0, y1] = await Promise.all([
      lift(pair.sender, shares[0], t),
      lift(pair.receiver, shares[1], t),
    ]);
    return Array.from(reconstruct(y0, y1), (y) => BigInt.asIntN(64, y));
  }

  it('keeps every signed value', async () => {
    const value = fc.integer({ min: -LIMIT, max: LIMIT });
    await fc.assert(
      fc.asyncProperty(fc.array(value, { maxLength: 40 }), fc.nat(), async (m, seed) => {
        deepEqual(await run(shareModulo(m, SLOT_MODULUS, seededRng(seed))), m.map(BigInt));
      }),
    );
  });

  it('is right on 100 000 values with fresh shares, the limits included', async () => {
    const rng = seededRng('many');
    const m = Array.from(randomWords(100_000, rng), (word, i) => {
      if (i < 1000) return i % 2 === 0 ? LIMIT : -LIMIT;
      return Number(word % BigInt(2 * LIMIT + 1)) - LIMIT;
    });
    deepEqual(await run(shareModulo(m, SLOT_MODULUS, rng)), m.map(BigInt));
  });

  it('is right for every share of every value, exhaustively for small moduli', async () => {
    for (const t of [5, 7, 9, 13, 101]) {
      const limit = Math.floor((t - 1) / 4);
      const m: number[] = [];
      const x0: number[] = [];
      for (let v = -limit; v <= limit; v++) {
        for (let s = 0; s < t; s++) {
          m.push(v);
          x0.push(s);
        }
      }
      const x1 = Uint32Array.from(m, (v, i) => (v - x0[i]! + 2 * t) % t);
      deepEqual(await run([Uint32Array.from(x0), x1], t), m.map(BigInt), `t = ${t}`);
    }
  });

  it('keeps the boundary sizes', async () => {
    for (const n of [0, 1, 127, 128, 129]) {
      const m = Array.from({ length: n }, (_, i) => i - 64);
      deepEqual(await run(shareModulo(m, SLOT_MODULUS, seededRng(n))), m.map(BigInt), `n = ${n}`);
    }
  });

  it('gives each party a share that looks uniform', async () => {
    const m = Array<number>(3000).fill(1);
    const [x0, x1] = shareModulo(m, SLOT_MODULUS, seededRng('view'));
    const outputs = await Promise.all([lift(pair.sender, x0), lift(pair.receiver, x1)]);
    outputs.forEach((y, party) => {
      looksUniform(new Uint8Array(y.buffer), `party ${party}`);
    });
  });

  it('costs what its header says', async () => {
    const n = 1000;
    const before = [{ ...pair.chSender.stats }, { ...pair.chReceiver.stats }] as const;
    await run(shareModulo(Array<number>(n).fill(0), SLOT_MODULUS, seededRng('cost')));
    const [s, r] = [pair.chSender.stats, pair.chReceiver.stats];
    equal(s.messagesSent - before[0].messagesSent, 1);
    equal(r.messagesSent - before[1].messagesSent, 1);
    equal(s.bytesSent - before[0].bytesSent, 8 * n + 3); // proto tag and length
    equal(r.bytesSent - before[1].bytesSent, 128 * Math.ceil(n / 8) + 3);
  });

  it('refuses residues and moduli out of range before anything is sent', async () => {
    const sent = pair.chReceiver.stats.messagesSent;
    await rejects(lift(pair.receiver, Uint32Array.of(SLOT_MODULUS)), RangeError);
    await rejects(lift(pair.sender, Uint32Array.of(7), 7), RangeError);
    for (const t of [4, 3, 10, 2 ** 31 + 1, 7.5]) {
      await rejects(lift(pair.receiver, new Uint32Array(1), t), RangeError, `t = ${t}`);
    }
    equal(pair.chReceiver.stats.messagesSent, sent);
  });
});
