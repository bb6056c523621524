/**
 * A public, seeded source of permutations: every party that knows the seed derives the same order.
 * It hides nothing and must never produce key material, masks or shares.
 *
 * Generator: xoshiro128**, [BV21] "Scrambled linear pseudorandom number generators". Blackman, Vigna.
 * https://prng.di.unimi.it/xoshiro128starstar.c. Its four words are the outputs 1 to 4 of SplitMix32
 * (a Weyl sequence of step 0x9e3779b9 through the MurmurHash3 finaliser), started at the low 32 bits
 * of the seed plus the finalised high bits.
 */
export type Next = () => number;

/** Uniform unsigned 32-bit integers. `seed`: 0 to 2^53 - 1. */
export function seededGenerator(seed: number): Next {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`"seed" expected an integer from 0 to 2^53 - 1, got ${seed}`);
  }
  let weyl = ((seed % 2 ** 32) + finalise(Math.floor(seed / 2 ** 32))) | 0;
  const splitMix = (): number => {
    weyl = (weyl + 0x9e3779b9) | 0;
    return finalise(weyl);
  };
  return xoshiro128([splitMix(), splitMix(), splitMix(), splitMix()]);
}

/** xoshiro128** from a state of four 32-bit words, not all zero. */
export function xoshiro128(state: readonly [number, number, number, number]): Next {
  let [a, b, c, d] = state;
  return () => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
}

/** A uniform permutation of 0..n-1: Fisher-Yates from the top, each swap index by rejection. */
export function permutation(n: number, next: Next): Uint32Array {
  if (!Number.isSafeInteger(n) || n < 0 || n > 2 ** 32) {
    throw new RangeError(`"n" expected an integer from 0 to 2^32, got ${n}`);
  }
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = below(i + 1, next);
    const held = order[i]!;
    order[i] = order[j]!;
    order[j] = held;
  }
  return order;
}

/** Uniform in 0..bound-1: draws beyond the last multiple of `bound` are thrown away. */
function below(bound: number, next: Next): number {
  const limit = 2 ** 32 - (2 ** 32 % bound);
  let draw = next();
  while (draw >= limit) draw = next();
  return draw % bound;
}

/** MurmurHash3's 32-bit finaliser, a bijection. */
function finalise(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function rotateLeft(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}
