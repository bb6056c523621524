/**
 * Ciphertext to shares over Z_t: the answer of a slot product. Local steps of both sides.
 *
 * Slots are values of a polynomial, so one unit of error in a coefficient spoils them all: the uniform
 * mask of ring-answer.ts, exact to {-1, 0, 1}, will not do. The evaluator holds (c0, c1) with phase
 * q m / t + noise. It
 *   1. adds Enc_pk(0) with fresh u, e_0, e_1, as there: without it c1 gives its plaintexts away;
 *   2. adds round(q r / t) to c0, r uniform in R_t: the message becomes m + r, uniform, exact;
 *   3. adds flooding noise of deviation 2^81 to c0 (flooding.ts): the noise is sum e_j W_j with the e_j
 *      of the key owner's own ciphertexts, which knows them, decrypts exactly and would solve for W_j;
 *   4. drops two primes. This is a function of what steps 1 to 3 made safe, so it reveals nothing more.
 * Its share is -r, the key owner's round(t (c0 + c1 s) / Q) mod t.
 */
import type { HeSlotAnswer } from '../../../proto/gen/he.ts';
import {
  DEGREE,
  type Polynomial,
  type RlweKernel,
  SLOT_MODULUS,
} from '../../kernels/rlwe-kernel.ts';
import { SEED_BYTES } from '../primitives/prg.ts';
import type { Rng } from '../primitives/rng.ts';
import { type Ciphertext, decodePolynomial, type PublicKey, rerandomise } from './encryption.ts';
import { keystreamWords } from './expand.ts';
import { addFlood } from './flooding.ts';
import { CIPHERTEXT_PRIMES, SLOT_ANSWER_PRIMES } from './parameters.ts';

/** Steps 1 to 4. `product`: at the NTT points, overwritten. Returns the message and the evaluator's share [N]. */
export function answerSlots(
  kernel: RlweKernel,
  product: Ciphertext,
  peerKey: PublicKey,
  rng: Rng,
): { answer: HeSlotAnswer; share: Uint32Array } {
  rerandomise(kernel, product, peerKey, rng);
  const share = maskSlots(kernel, product, rng);
  addFlood(kernel, product.c0, rng);
  return { answer: packSlotAnswer(kernel, product), share };
}

/** Step 2; returns -r. */
export function maskSlots(kernel: RlweKernel, { c0 }: Ciphertext, rng: Rng): Uint32Array {
  const r = uniformSlots(rng);
  const encoded = kernel.allocate();
  kernel.encodeSlots(encoded, r);
  kernel.add(c0, c0, encoded);
  kernel.release(encoded);
  return r.map((v) => (v === 0 ? 0 : SLOT_MODULUS - v));
}

/** Step 4. Safe only after the others. */
export function packSlotAnswer(kernel: RlweKernel, { c0, c1 }: Ciphertext): HeSlotAnswer {
  const [first, second] = [c0, c1].map((c) => {
    for (let k = CIPHERTEXT_PRIMES; k > SLOT_ANSWER_PRIMES; k--) kernel.dropPrime(c, k);
    return kernel.pack(c, SLOT_ANSWER_PRIMES);
  });
  return { c0: first!, c1: second! };
}

/** The key owner's share [N] of an answer. Throws `MALFORMED_MESSAGE`. */
export function openSlots(
  kernel: RlweKernel,
  secretKey: Polynomial,
  answer: HeSlotAnswer,
): Uint32Array {
  const c0 = decodePolynomial(kernel, answer.c0, SLOT_ANSWER_PRIMES);
  let phase: Polynomial;
  try {
    phase = decodePolynomial(kernel, answer.c1, SLOT_ANSWER_PRIMES);
  } catch (error) {
    kernel.release(c0);
    throw error;
  }
  kernel.forward(phase, SLOT_ANSWER_PRIMES);
  kernel.multiply(phase, phase, secretKey, SLOT_ANSWER_PRIMES);
  kernel.inverse(phase, SLOT_ANSWER_PRIMES);
  kernel.add(phase, phase, c0, SLOT_ANSWER_PRIMES);
  const share = kernel.roundToSlots(phase, SLOT_ANSWER_PRIMES);
  kernel.release(c0);
  kernel.release(phase);
  return share;
}

/** N values uniform below t, by 24-bit mask and rejection of one in a thousand. */
export function uniformSlots(rng: Rng): Uint32Array {
  const slots = new Uint32Array(DEGREE);
  let stream: Uint32Array = new Uint32Array(0);
  let at = 0;
  for (let i = 0; i < DEGREE; ) {
    if (at === stream.length) {
      stream = keystreamWords(rng(SEED_BYTES), 'slots', DEGREE + 64);
      at = 0;
    }
    slots[i] = stream[at++]! & 0xffffff;
    if (slots[i]! < SLOT_MODULUS) i++;
  }
  return slots;
}
