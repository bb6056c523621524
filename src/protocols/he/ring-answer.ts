/**
 * Ciphertext to shares over Z_2^64: the answer of a matrix product. Local steps of both sides.
 *
 * The evaluator holds (c0, c1) with phase c0 + c1 s = q m / 2^64 + noise. It
 *   1. adds Enc_pk(0) with fresh u, e_0, e_1;
 *   2. drops one prime; Q is what stays of q;
 *   3. draws a seed, sends (seed, c1) and keeps r = c0 - c0', where c0' in R_Q is what the seed expands to.
 * Its share is round(2^64 r / Q), the key owner's round(2^64 (c0' + c1 s) / Q); r + (c0' + c1 s) is the
 * phase mod Q, so the shares sum to m + {-1, 0, 1} mod 2^64 in every coefficient.
 *
 * Why step 1: without it c1 = sum a_j U_j with the a_j that the key owner drew itself: for one product
 * the quotient c1 / a at the NTT points is U, the evaluator's data. u a + e_1 is a ring-LWE sample whose
 * secret u only the evaluator knows, so c1 is pseudorandom to the key owner although it knows s.
 *
 * Why c0' may be a seed: masked in the usual way the evaluator sends c0 - r with uniform r. That is a
 * uniform c0' independent of everything the evaluator holds, and r = c0 - c0' follows from it; drawing c0'
 * first changes nothing but the order. Here it comes from a uniform seed that is independent just so:
 * (seed, c0') carries no information on c0, whatever the generator, and the shares are uniform as long as
 * AES-CTR is one. It halves the answer.
 * r covers every coefficient and every prime, so neither the noise nor coefficients that hold no result
 * remain in what the key owner sees: its phase c0' + c1 s is uniform.
 */
import type { HeRingAnswer } from '../../../proto/gen/he.ts';
import type { Polynomial, RlweKernel } from '../../kernels/rlwe-kernel.ts';
import { SEED_BYTES } from '../primitives/prg.ts';
import type { Rng } from '../primitives/rng.ts';
import {
  type Ciphertext,
  checkSeed,
  decodePolynomial,
  type PublicKey,
  rerandomise,
} from './encryption.ts';
import { expandUniform } from './expand.ts';
import { CIPHERTEXT_PRIMES, RING_ANSWER_PRIMES } from './parameters.ts';

/** Steps 1 to 3. `product`: at the NTT points, overwritten. Returns the message and the evaluator's share [N]. */
export function answerRing(
  kernel: RlweKernel,
  product: Ciphertext,
  peerKey: PublicKey,
  rng: Rng,
): { answer: HeRingAnswer; share: BigUint64Array } {
  rerandomise(kernel, product, peerKey, rng);
  return maskRing(kernel, product, rng);
}

/** Steps 2 and 3 on coefficients. Safe only after step 1. */
export function maskRing(
  kernel: RlweKernel,
  { c0, c1 }: Ciphertext,
  rng: Rng,
): { answer: HeRingAnswer; share: BigUint64Array } {
  kernel.dropPrime(c0, CIPHERTEXT_PRIMES);
  kernel.dropPrime(c1, CIPHERTEXT_PRIMES);

  const seed = rng(SEED_BYTES);
  const mask = kernel.allocate();
  expandUniform(kernel, mask, seed, 'mask', RING_ANSWER_PRIMES);
  kernel.subtract(c0, c0, mask, RING_ANSWER_PRIMES); // r
  kernel.release(mask);
  return {
    answer: { seed, c1: kernel.pack(c1, RING_ANSWER_PRIMES) },
    share: kernel.roundToRing(c0, RING_ANSWER_PRIMES),
  };
}

/** The key owner's share [N] of an answer. Throws `MALFORMED_MESSAGE`. */
export function openRing(
  kernel: RlweKernel,
  secretKey: Polynomial,
  { seed, c1 }: HeRingAnswer,
): BigUint64Array {
  checkSeed(seed);
  const phase = decodePolynomial(kernel, c1, RING_ANSWER_PRIMES);
  kernel.forward(phase, RING_ANSWER_PRIMES);
  kernel.multiply(phase, phase, secretKey, RING_ANSWER_PRIMES);
  kernel.inverse(phase, RING_ANSWER_PRIMES);

  const mask = kernel.allocate();
  expandUniform(kernel, mask, seed, 'mask', RING_ANSWER_PRIMES);
  kernel.add(phase, phase, mask, RING_ANSWER_PRIMES); // c0' + c1 s
  kernel.release(mask);
  const share = kernel.roundToRing(phase, RING_ANSWER_PRIMES);
  kernel.release(phase);
  return share;
}
