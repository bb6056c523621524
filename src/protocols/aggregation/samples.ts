/**
 * Ring-LWE samples c = a s + e + x modulo 2^32, local steps of their owner, and the public a. Block j of a,
 * 2048 words, is a polynomial a_j; row i is coefficient i mod 2048 of a_j s + e_j with j = floor(i / 2048), in
 * Z[X]/(X^2048 + 1).
 *
 * The product is exact in Z: |a_j s| < 2^42 for centred a_j, and two primes of the ring-LWE kernel hold 2^53. Its
 * polynomials have 4096 coefficients. With X^2048 = Y two products fit one: (a_0(X^2) + X a_1(X^2)) s(X^2) =
 * (a_0 s)(X^2) + X (a_1 s)(X^2) in Z[X]/(X^4096 + 1). So blocks go in pairs, coefficients interleaved, and s
 * stands in the even coefficients. No branch or address depends on s or e.
 */
import { HINT_DEGREE } from '../../kernels/hint-kernel.ts';
import {
  BINOMIAL_BYTES,
  DEGREE,
  type Polynomial,
  type RlweKernel,
} from '../../kernels/rlwe-kernel.ts';
import { bitAt } from '../primitives/bits.ts';
import { Prg, SEED_BYTES } from '../primitives/prg.ts';
import type { Rng } from '../primitives/rng.ts';

/** Primes that the product needs. */
const PAIR_PRIMES = 2;

/** a for `rows` rows: whole blocks. Uniform words from a public seed. */
export function expandSamples(seed: Uint8Array, rows: number): Uint32Array {
  const words = HINT_DEGREE * Math.ceil(rows / HINT_DEGREE);
  const stream = new Prg(seed, 'entente/aggregation/v1/a').next(4 * words);
  return new Uint32Array(new Uint8Array(stream).buffer);
}

/** Blocks 2 j and 2 j + 1 of a at the NTT points, the caller's to release. A block that a lacks is zero. */
export function encodePair(kernel: RlweKernel, a: Uint32Array, j: number): Polynomial {
  const words = new Int32Array(DEGREE);
  a.subarray(j * DEGREE, (j + 1) * DEGREE).forEach((word, i) => {
    words[interleaved(i)] = word; // as a signed word: the same modulo 2^32
  });
  const pair = kernel.allocate();
  kernel.lift(pair, words);
  kernel.forward(pair, PAIR_PRIMES);
  return pair;
}

/** The coefficient of a pair that holds word i of its two blocks. */
function interleaved(i: number): number {
  return i < HINT_DEGREE ? 2 * i : 2 * (i - HINT_DEGREE) + 1;
}

/** What one vector is masked with. */
export interface VectorSecret {
  /** s(X^2) at the NTT points, the holder's to release. */
  readonly s: Polynomial;
  /** s: packed bits. */
  readonly bits: Uint8Array;
  /** Where the errors come from, row by row. */
  readonly errors: Prg;
}

/** A fresh s and a fresh stream of errors. Never used for a second vector: c - c' would be x - x'. */
export function drawSecret(kernel: RlweKernel, rng: Rng): VectorSecret {
  const bits = rng(HINT_DEGREE / 8);
  const coefficients = new Int32Array(DEGREE);
  for (let k = 0; k < HINT_DEGREE; k++) coefficients[2 * k] = bitAt(bits, k);
  const s = kernel.allocate();
  kernel.lift(s, coefficients);
  kernel.forward(s, PAIR_PRIMES);
  coefficients.fill(0);
  return { s, bits, errors: new Prg(rng(SEED_BYTES), 'entente/aggregation/v1/e') };
}

/** 2^32 s: [2048], the vector of the homomorphic product; the caller's to erase. */
export function secretMessage({ bits }: VectorSecret): BigUint64Array {
  const message = new BigUint64Array(HINT_DEGREE);
  const halves = new Uint32Array(message.buffer);
  for (let k = 0; k < HINT_DEGREE; k++) halves[2 * k + 1] = bitAt(bits, k);
  return message;
}

/** Erases the secret. */
export function releaseSecret(kernel: RlweKernel, { s, bits }: VectorSecret): void {
  kernel.release(s);
  bits.fill(0);
}

/** Pairs whose errors are drawn at a time. */
const DRAWN_PAIRS = 8;

/**
 * c of the next rows: x masked, with the pairs of blocks of a that belong to them. Rows take the stream of errors in order,
 * whole pairs at a time.
 */
export function maskRows(
  kernel: RlweKernel,
  pairs: readonly Polynomial[],
  { s, errors }: VectorSecret,
  x: Int32Array,
): Uint32Array {
  const c = new Uint32Array(x.length);
  const product = kernel.allocate();
  for (let first = 0; first < pairs.length; first += DRAWN_PAIRS) {
    const drawn = pairs.slice(first, first + DRAWN_PAIRS);
    const stream = errors.next(drawn.length * BINOMIAL_BYTES);
    for (const [j, pair] of drawn.entries()) {
      kernel.multiply(product, pair, s, PAIR_PRIMES);
      kernel.inverse(product, PAIR_PRIMES);
      const [from, at] = [(first + j) * DEGREE, j * BINOMIAL_BYTES];
      kernel.noisyWords(
        c.subarray(from, from + DEGREE),
        product,
        stream.subarray(at, at + BINOMIAL_BYTES),
        x.subarray(from, from + DEGREE),
      );
    }
    stream.fill(0);
  }
  kernel.release(product);
  return c;
}
