/**
 * Parameters of the homomorphic layer and the arithmetic behind them. BFV, [FV12], with two plaintext
 * rings over one ciphertext ring R_q = Z_q[X]/(X^4096 + 1):
 *
 * | quantity                         | value                                  | why                                  |
 * |----------------------------------|----------------------------------------|--------------------------------------|
 * | N                                | 4096                                   |                                      |
 * | q                                | four 27-bit primes, log2 q = 107.993   | [HES18] Table 1: at most 109 bits for |
 * |                                  |                                        | 128-bit security, ternary secret     |
 * | secret s, encryption's u         | uniform ternary                        |                                      |
 * | error                            | centred binomial, 21 pairs, sigma 3.24 | [HES18]: sigma 3.2                   |
 * | matrix products: plaintext ring  | Z_2^64, q / 2^64 = 2^43.99             | shares live there                    |
 * | slots: plaintext ring            | Z_t, t = 16760833, q / t = 2^83.995    | 4096 slots, and room for flooding    |
 *
 * A message m is encoded as round(q m / T). Times a plaintext W with small coefficients that is
 * round(q (m W) / T) up to the noise (e + rounding) W: multiples of T inside m W become multiples of q.
 * (Encoded as floor(q / T) m instead, every wrap around T would add q mod T.)
 *
 * Noise is sub-Gaussian throughout (sums of independent bounded symmetric terms), so `TAIL` standard
 * deviations are exceeded with probability below 2^-71 a coefficient. test/protocols/he/parameters.test.ts
 * recomputes every figure of this file with BigInt and measures the margins.
 */
import {
  DEGREE,
  IRWIN_HALL_BITS,
  PRIMES,
  packedBytes,
  SLOT_MODULUS,
} from '../../kernels/rlwe-kernel.ts';
import { SEED_BYTES } from '../primitives/prg.ts';

/** Primes of a ciphertext that an evaluator receives. */
export const CIPHERTEXT_PRIMES = PRIMES.length;
/**
 * Primes of a matrix answer: one is dropped, 81 bits stay. Q / 2^64 is then 2^17 and the rounding noise of
 * dropping below 2^8; with 54 bits nothing of Z_2^64 would survive.
 */
export const RING_ANSWER_PRIMES = 3;
/** Primes of a slot answer: after flooding two may go, Q / t = 2^30 stays. */
export const SLOT_ANSWER_PRIMES = 2;

/** Contents of the messages in bytes, without protobuf's tags and lengths. */
export const CIPHERTEXT_BYTES = SEED_BYTES + packedBytes(CIPHERTEXT_PRIMES); // 55 312
export const RING_ANSWER_BYTES = SEED_BYTES + packedBytes(RING_ANSWER_PRIMES); // 41 488
export const SLOT_ANSWER_BYTES = 2 * packedBytes(SLOT_ANSWER_PRIMES); // 55 296

const TAIL = 10;
/** Binomial error and, uniform in [-1/2, 1/2], the rounding of an encoding. */
const FRESH_VARIANCE = 10.5 + 1 / 12;
/** Enc_pk(0) is u e + e_0 + s e_1 with u and s at worst without a zero. */
const ZERO_VARIANCE = 10.5 * (2 * DEGREE + 1);
/** Dropping a prime rounds c_0 and c_1; the latter is multiplied by s. */
const ROUNDING_VARIANCE = (DEGREE + 1) / 12;

const productOf = (primes: number): number => PRIMES.slice(0, primes).reduce((a, b) => a * b, 1);

/** Largest error that `ringError` may announce: the sum of the two shares is then off by at most 1. */
export const MAX_RING_ERROR = 0.5;

/**
 * Bound on the error of a matrix answer before the shares are rounded, in units of Z_2^64, where `norm` is
 * the l2 norm of all plaintext coefficients whose products are summed in that answer. The shares of m
 * then sum to m + {-1, 0, 1}: two roundings of 1/2 and an error below 1.
 * The vector is taken to be a uniform share, so that the roundings of its encoding are independent. Those
 * of a constant vector could add up; a caller with such a vector bounds their sum in `encoding`: at most half the l1 norm
 * of the plaintext coefficients that meet a non-zero entry in one result.
 */
export function ringError(norm: number, encoding = 0): number {
  const dropped = PRIMES[CIPHERTEXT_PRIMES - 1]!;
  const noise = TAIL * Math.sqrt(norm * norm * FRESH_VARIANCE + ZERO_VARIANCE) + encoding;
  const rounding = TAIL * Math.sqrt(ROUNDING_VARIANCE);
  return ((noise / dropped + rounding) * 2 ** 64) / productOf(RING_ANSWER_PRIMES);
}

/** log2 of B: the flooding noise is a sum of three uniform integers of this many bits, flooding.ts. */
export const FLOOD_BITS = IRWIN_HALL_BITS;
/** The flooding noise is never larger: 3 2^81 = 2^82.585, below q / 2t = 2^82.995. */
export const FLOOD_LIMIT = 3 * 2 ** (FLOOD_BITS - 1);
/** I, the Fisher information of a sum of three uniforms on intervals of length 1: 4.562. */
export const FLOOD_INFORMATION = 2 * Math.sqrt(3) * Math.log(2 + Math.sqrt(3));
/** Most ciphertexts that one slot answer sums; bounds the noise that the flood has to hide. */
export const MAX_SLOT_CIPHERTEXTS = 256;

/** Standard deviation of a coefficient of the noise of `ciphertexts` products with dense plaintexts |w| <= t/2. */
export function slotNoise(ciphertexts: number): number {
  const norm = (SLOT_MODULUS / 2) * Math.sqrt(DEGREE * ciphertexts);
  return norm * Math.sqrt(FRESH_VARIANCE);
}

/**
 * log2 of a bound on the statistical distance between `answers` flooded answers and ones whose noise is the
 * flood alone: sqrt(I E|v|^2) / 2B with v the noise of all their coefficients; flooding.ts has the proof.
 * The mean is over the errors of the ciphertexts, fresh and known to the key owner: averaging a squared
 * Hellinger distance over what both sides of the comparison share is exact. Left out is the rounding of
 * the two encodings that are added, at most 1 beside noise of 2^30 and more.
 */
export function floodDistanceBits(ciphertexts: number, answers: number): number {
  const squares = answers * DEGREE * slotNoise(ciphertexts) ** 2;
  return Math.log2(FLOOD_INFORMATION * squares) / 2 - 1 - FLOOD_BITS;
}

/** Room of a slot answer: Q/2t less flood, noise and rounding, as a fraction of Q/2t. Positive = correct. */
export function slotMargin(ciphertexts: number): number {
  const half = productOf(CIPHERTEXT_PRIMES) / SLOT_MODULUS / 2;
  const noise = TAIL * Math.sqrt(slotNoise(ciphertexts) ** 2 + FRESH_VARIANCE + ZERO_VARIANCE);
  const dropped = productOf(CIPHERTEXT_PRIMES) / productOf(SLOT_ANSWER_PRIMES);
  const rounding = TAIL * Math.sqrt(ROUNDING_VARIANCE) * dropped * 1.01; // the first drop's is 2^-27 of it
  return 1 - (FLOOD_LIMIT + noise + rounding) / half;
}
