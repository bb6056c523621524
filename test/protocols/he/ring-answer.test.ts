import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import type { HeRingAnswer } from '../../../proto/gen/he.ts';
import { inverseMod } from '../../../src/kernels/number-theory.ts';
import { DEGREE, PRIMES, packedBytes } from '../../../src/kernels/rlwe-kernel.ts';
import {
  type Ciphertext,
  decodeCiphertext,
  decodePolynomial,
  releaseCiphertext,
} from '../../../src/protocols/he/encryption.ts';
import { expandUniform } from '../../../src/protocols/he/expand.ts';
import { encryptRing, sumOfProducts } from '../../../src/protocols/he/matrix-product.ts';
import { answerRing, maskRing, openRing } from '../../../src/protocols/he/ring-answer.ts';
import { hePair, highestPolynomial, heKernel as kernel } from '../../support/he-pair.ts';
import { bigCoefficients, centred, chiSquare, modulus, phaseOf } from '../../support/he-phase.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';

// Alice owns the key, Bob one column X of 4096 features of 14 bits.
const { alice, bob } = await hePair();
const X = Int32Array.from(randomWords(DEGREE, seededRng('X')), (v) => Number(BigInt.asIntN(14, v)));
const plain = kernel.allocate();
kernel.lift(plain, X);
kernel.forward(plain);
const weight = new BigUint64Array(DEGREE);
weight[0] = 123_456_789n;
const received = decodeCiphertext(kernel, encryptRing(alice, weight, seededRng('w')));

/** The product before it is answered, at the NTT points; it is consumed by what follows. */
const product = (): Ciphertext => sumOfProducts(bob, [received], () => plain);

/** c1 / a at the NTT points of the first prime, as centred coefficients. `c1`: coefficients. */
function quotient(c1: Uint32Array): number[] {
  const p = PRIMES[0];
  const x = kernel.allocate();
  x.set(c1);
  kernel.forward(x, 1);
  for (let i = 0; i < DEGREE; i++) {
    const a = BigInt(received.c1[i]!);
    x[i] = Number((BigInt(x[i]!) * inverseMod(a, BigInt(p))) % BigInt(p));
  }
  kernel.inverse(x, 1);
  const values = Array.from(x.subarray(0, DEGREE), (v) => (v > p / 2 ? v - p : v));
  kernel.release(x);
  return values;
}

/**
 * Largest coefficient of p_3 c1 - a X mod Q in bits: what dropping the last prime rounded off, if c1 is
 * an answer of the guess X that was not re-randomised.
 */
function guessResidueBits(answer: HeRingAnswer): number {
  const c1 = decodePolynomial(kernel, answer.c1, 3);
  const dropped = kernel.allocate();
  kernel.lift(dropped, new Int32Array(DEGREE).fill(PRIMES[3], 0, 1));
  kernel.forward(dropped);
  kernel.forward(c1, 3);
  kernel.multiply(c1, c1, dropped, 3);
  kernel.multiply(dropped, received.c1, plain, 3);
  kernel.subtract(c1, c1, dropped, 3);
  kernel.inverse(c1, 3);
  const worst = bigCoefficients(c1, 3).reduce((most, v) => {
    const size = Math.abs(Number(centred(v, modulus(3))));
    return Math.max(most, size);
  }, 0);
  kernel.release(c1);
  kernel.release(dropped);
  return Math.log2(worst);
}

/** The phase c0' + c1 s that the key owner sees, residues of each of the three primes. */
function seenPhase(answer: HeRingAnswer): Uint32Array {
  const phase = decodePolynomial(kernel, answer.c1, 3);
  const mask = kernel.allocate();
  kernel.forward(phase, 3);
  kernel.multiply(phase, phase, alice.secretKey, 3);
  kernel.inverse(phase, 3);
  expandUniform(kernel, mask, answer.seed, 'mask', 3);
  kernel.add(phase, phase, mask, 3);
  const seen = phase.slice(0, 3 * DEGREE);
  kernel.release(phase);
  kernel.release(mask);
  return seen;
}

describe('ring answer', () => {
  it('gives shares that sum to the message, up to one unit', () => {
    const { answer, share } = answerRing(kernel, product(), bob.peerKey, seededRng(1));
    const other = openRing(kernel, alice.secretKey, answer);
    for (let k = 0; k < DEGREE; k++) {
      const error = BigInt.asIntN(64, share[k]! + other[k]! - BigInt(X[k]!) * weight[0]!);
      ok(error >= -1n && error <= 1n, `coefficient ${k}: ${error}`);
    }
  });

  it('reveals X without re-randomisation: the attack works', () => {
    const plainProduct = product();
    for (const c of [plainProduct.c0, plainProduct.c1]) kernel.inverse(c);
    deepEqual(quotient(plainProduct.c1), [...X]);
    const { answer } = maskRing(kernel, plainProduct, seededRng(1)); // steps 2 and 3 only
    ok(guessResidueBits(answer) < 26, 'a right guess of X is confirmed even after the drop');
  });

  it('withstands the same attack with re-randomisation', () => {
    const answered = product();
    const { answer } = answerRing(kernel, answered, bob.peerKey, seededRng(1));
    const c1 = decodePolynomial(kernel, answer.c1, 3);
    const guess = quotient(c1);
    const hits = guess.filter((v, i) => v === X[i]).length;
    ok(hits < 4, `${hits} coefficients agree`);
    ok(
      chiSquare(
        guess.map((v) => v + PRIMES[0] / 2),
        PRIMES[0],
        64,
      ) < 130,
      'quotient is uniform',
    );
    ok(guessResidueBits(answer) > 75, 'nothing confirms a guess');
    kernel.release(c1);
  });

  it('shows a uniform phase: neither message, noise nor unused coefficients', () => {
    for (const prime of [0, 1, 2]) {
      const masked: number[] = [];
      const shares: number[] = [];
      for (let run = 0; run < 8; run++) {
        const { answer, share } = answerRing(kernel, product(), bob.peerKey, seededRng(`u${run}`));
        masked.push(...seenPhase(answer).subarray(prime * DEGREE, (prime + 1) * DEGREE));
        shares.push(...Array.from(share, (v) => Number(v >> 32n)));
      }
      ok(chiSquare(masked, PRIMES[prime]!, 64) < 130, `residues of prime ${prime}`); // mean 63, deviation 11
      ok(chiSquare(shares, 2 ** 32, 64) < 130, 'shares of the evaluator');
    }
    // Without the mask the statistic is far off: the phase is X times 123456789 Q / 2^64.
    const open = phaseOf(product(), alice.secretKey);
    const tops = open.map((v) => Number(v >> 75n));
    ok(chiSquare(tops, Number(modulus(4) >> 75n), 64) > 10_000, 'the test can fail');
  });

  it('uses a fresh seed, mask and u for every answer', () => {
    const rng = seededRng('fresh');
    const seeds = new Set<string>();
    const halves = new Set<string>();
    const masks = new Set<string>();
    for (let run = 0; run < 16; run++) {
      const { answer, share } = answerRing(kernel, product(), bob.peerKey, rng);
      seeds.add(answer.seed.join());
      halves.add(answer.c1.subarray(0, 64).join()); // the same product: differs by u a + e_1
      masks.add(share.subarray(0, 4).join()); // differs by r
    }
    deepEqual([seeds.size, halves.size, masks.size], [16, 16, 16]);
  });

  it('keeps no polynomial', () => {
    const before = highestPolynomial();
    for (let run = 0; run < 70; run++) {
      const ct = product();
      const { answer } = answerRing(kernel, ct, bob.peerKey, seededRng(run));
      openRing(kernel, alice.secretKey, answer);
      releaseCiphertext(kernel, ct);
    }
    equal(highestPolynomial(), before);
  });

  it('refuses malformed answers by code', () => {
    const seed = new Uint8Array(16);
    const c1 = new Uint8Array(packedBytes(3));
    for (const answer of [
      { seed: seed.subarray(1), c1 },
      { seed, c1: c1.subarray(1) },
      { seed, c1: new Uint8Array(packedBytes(4)) },
      { seed, c1: c1.slice().fill(255, 0, 8) },
    ]) {
      throws(() => openRing(kernel, alice.secretKey, answer), { code: 'MALFORMED_MESSAGE' });
    }
  });
});
