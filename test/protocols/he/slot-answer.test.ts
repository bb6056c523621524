import { deepEqual, ok, throws } from 'node:assert/strict';
import type { HeSlotAnswer } from '../../../proto/gen/he.ts';
import { DEGREE, packedBytes, SLOT_MODULUS } from '../../../src/kernels/rlwe-kernel.ts';
import {
  type Ciphertext,
  decodeCiphertext,
  rerandomise,
} from '../../../src/protocols/he/encryption.ts';
import { addFlood } from '../../../src/protocols/he/flooding.ts';
import { sumOfProducts } from '../../../src/protocols/he/matrix-product.ts';
import {
  answerSlots,
  maskSlots,
  openSlots,
  packSlotAnswer,
  uniformSlots,
} from '../../../src/protocols/he/slot-answer.ts';
import { encryptSlots } from '../../../src/protocols/he/slot-product.ts';
import { hePair, heKernel as kernel } from '../../support/he-pair.ts';
import {
  bigCoefficients,
  centred,
  chiSquare,
  modulus,
  noiseOf,
  phaseOf,
  phaseOfCoefficients,
} from '../../support/he-phase.ts';
import { deviation } from '../../support/he-products.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const T = BigInt(SLOT_MODULUS);

// Alice owns the key and one ciphertext; Bob multiplies its slots by secret coefficients W.
const { alice, bob } = await hePair();
const slots = uniformSlots(seededRng('slots'));
const coefficients = uniformSlots(seededRng('W'));
const plain = kernel.allocate();
kernel.liftSlots(plain, coefficients);
const W = bigCoefficients(plain, 4).map((w) => Number(centred(w, modulus(4))));
kernel.forward(plain);
const received = decodeCiphertext(kernel, encryptSlots(alice, slots, seededRng('e')));

const product = (): Ciphertext => sumOfProducts(bob, [received], () => plain);

/** Values of a real polynomial at the odd powers of exp(i pi / N), by the textbook recursion. */
function complexValues(a: Float64Array): { re: Float64Array; im: Float64Array } {
  const re = a.map((v, i) => v * Math.cos((Math.PI * i) / DEGREE));
  const im = a.map((v, i) => v * Math.sin((Math.PI * i) / DEGREE));
  return fourier(re, im, 1);
}

/** sum_j x_j exp(sign 2 pi i j k / n). */
function fourier(
  re: Float64Array,
  im: Float64Array,
  sign: number,
): { re: Float64Array; im: Float64Array } {
  const n = re.length;
  if (n === 1) return { re, im };
  const half = n / 2;
  const pick = (x: Float64Array, odd: number): Float64Array =>
    Float64Array.from({ length: half }, (_, i) => x[2 * i + odd]!);
  const even = fourier(pick(re, 0), pick(im, 0), sign);
  const odd = fourier(pick(re, 1), pick(im, 1), sign);
  const out = { re: new Float64Array(n), im: new Float64Array(n) };
  for (let k = 0; k < half; k++) {
    const [c, s] = [Math.cos((2 * Math.PI * k) / n), sign * Math.sin((2 * Math.PI * k) / n)];
    const [tr, ti] = [c * odd.re[k]! - s * odd.im[k]!, c * odd.im[k]! + s * odd.re[k]!];
    out.re[k] = even.re[k]! + tr;
    out.im[k] = even.im[k]! + ti;
    out.re[k + half] = even.re[k]! - tr;
    out.im[k + half] = even.im[k]! - ti;
  }
  return out;
}

/**
 * What the key owner can do with noise v = (its own error) W + more: divide by its own error at the complex
 * roots. Returns the estimate of W.
 */
function solveForW(noise: Float64Array): Float64Array {
  const own = complexValues(noiseOf(phaseOf(received, alice.secretKey), T));
  const seen = complexValues(noise);
  const re = new Float64Array(DEGREE);
  const im = new Float64Array(DEGREE);
  for (let k = 0; k < DEGREE; k++) {
    const norm = own.re[k]! ** 2 + own.im[k]! ** 2;
    re[k] = (seen.re[k]! * own.re[k]! + seen.im[k]! * own.im[k]!) / norm;
    im[k] = (seen.im[k]! * own.re[k]! - seen.re[k]! * own.im[k]!) / norm;
  }
  const back = fourier(re, im, -1);
  return Float64Array.from({ length: DEGREE }, (_, i) => {
    const [c, s] = [Math.cos((Math.PI * i) / DEGREE), Math.sin((Math.PI * i) / DEGREE)];
    return (back.re[i]! * c + back.im[i]! * s) / DEGREE; // undo the twist
  });
}

const errorOf = (estimate: Float64Array): number => deviation(estimate.map((w, i) => w - W[i]!));

describe('slot answer', () => {
  it('gives shares that sum to the product in every slot', () => {
    const { answer, share } = answerSlots(kernel, product(), bob.peerKey, seededRng(1));
    const other = openSlots(kernel, alice.secretKey, answer);
    const sums = share.map((v, i) => (v + other[i]!) % SLOT_MODULUS);
    const expected = slots.map((v, i) => Number((BigInt(v) * BigInt(coefficients[i]!)) % T));
    deepEqual(sums, expected);
  });

  it('reveals the coefficients without flooding: the attack works', () => {
    const unflooded = product();
    rerandomise(kernel, unflooded, bob.peerKey, seededRng(1));
    maskSlots(kernel, unflooded, seededRng(2));
    const noise = noiseOf(phaseOfCoefficients(unflooded, alice.secretKey), T);
    const error = errorOf(solveForW(noise));
    ok(error < 64, `W of 24 bits is known to +-${error.toFixed(1)}`);
  });

  it('withstands the same attack with flooding', () => {
    const flooded = product();
    rerandomise(kernel, flooded, bob.peerKey, seededRng(1));
    maskSlots(kernel, flooded, seededRng(2));
    addFlood(kernel, flooded.c0, seededRng(3));
    const noise = noiseOf(phaseOfCoefficients(flooded, alice.secretKey), T);
    ok(Math.abs(Math.log2(deviation(noise)) - 81) < 0.05, 'the noise is the flood');
    ok(errorOf(solveForW(noise)) > 2 ** 60, 'nothing is known of W');

    // What an answer shows, two primes dropped: the same flood, 54 bits smaller.
    const { answer } = answerSlots(kernel, product(), bob.peerKey, seededRng(4));
    const seen = noiseOf(answerPhase(answer), T, 2);
    ok(Math.abs(Math.log2(deviation(seen)) - 27) < 0.05, `${Math.log2(deviation(seen))}`);
  });

  it('masks every slot uniformly and afresh', () => {
    const opened: number[] = [];
    const shares: number[] = [];
    const views = new Set<string>();
    const rng = seededRng('mask');
    for (let run = 0; run < 8; run++) {
      const { answer, share } = answerSlots(kernel, product(), bob.peerKey, rng);
      opened.push(...openSlots(kernel, alice.secretKey, answer));
      shares.push(...share);
      views.add(answer.c1.subarray(0, 64).join()).add(share.subarray(0, 4).join());
    }
    ok(chiSquare(opened, SLOT_MODULUS, 64) < 130, 'what the key owner opens'); // mean 63, deviation 11
    ok(chiSquare(shares, SLOT_MODULUS, 64) < 130, 'what the evaluator keeps');
    ok(views.size === 16, 'u and r are fresh');
  });

  it('samples slots uniformly below t', () => {
    const sample = uniformSlots(seededRng(1));
    ok(sample.every((v) => v < SLOT_MODULUS));
    ok(chiSquare([...sample], SLOT_MODULUS, 64) < 130);
    let calls = 0;
    uniformSlots((length) => {
      calls += 1;
      return seededRng(calls)(length);
    });
    ok(calls >= 1);
  });

  it('refuses malformed answers by code', () => {
    const good = packSlotAnswer(kernel, product());
    const outside = new Uint8Array(packedBytes(2)).fill(255, 100, 108);
    for (const answer of [
      { ...good, c0: good.c0.subarray(1) },
      { ...good, c1: new Uint8Array(packedBytes(3)) },
      { ...good, c0: outside },
      { ...good, c1: outside },
    ]) {
      throws(() => openSlots(kernel, alice.secretKey, answer), { code: 'MALFORMED_MESSAGE' });
    }
  });
});

/** Coefficients of c0 + c1 s of an answer, modulo two primes. */
function answerPhase(answer: HeSlotAnswer): bigint[] {
  const ct = { c0: kernel.allocate(), c1: kernel.allocate() };
  kernel.unpack(ct.c0, answer.c0, 2);
  kernel.unpack(ct.c1, answer.c1, 2);
  return phaseOfCoefficients(ct, alice.secretKey, 2);
}
