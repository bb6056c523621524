/**
 * Discrete Gaussian noise, [CKS20] "The Discrete Gaussian for Differential Privacy". Clément Canonne, Gautam
 * Kamath, Thomas Steinke. https://arxiv.org/abs/2004.00010, Algorithms 1 to 3: exact. Every decision compares
 * uniform bits with a fraction of integers, and takes more bits where 32 do not decide; no rounding does.
 *
 * Functionality: independent y_i with Pr[y_i = y] proportional to exp(-y^2 / (2 sigma_i^2)), y in Z.
 * Security: not constant time: how long a sample takes, and how many random bytes, depends on it. Whoever
 *           adds the noise draws it in batches, on its own machine.
 * Cost:     about 13 words of 32 bits and 1.5 us a sample; 19 words where sigma is 1.
 *
 * Names follow the paper: sigma^2 variance, t scale of the discrete Laplace that proposes, gamma, K, U, V, Y.
 */
import type { Rng } from '../../../protocols/primitives/rng.ts';

/** The largest variance. */
export const MAX_VARIANCE = 2 ** 40;

const MAX_DENOMINATOR = 2 ** 10;
const WORD = 2 ** 32;

/**
 * One sample for each variance, which is variances[i] / denominator; both are integers. A variance of 0 gives
 * 0. Samples are as 32-bit integers, modulo 2^32: beyond 2^31 lies less than 2^-(2^20) of the distribution.
 */
export function discreteGaussians(
  variances: Float64Array,
  denominator: number,
  rng: Rng,
): Int32Array {
  checkInteger('denominator', denominator, 1, MAX_DENOMINATOR);
  const most = MAX_VARIANCE * denominator;
  for (const variance of variances) checkInteger('variances', variance, 0, most);
  const words = new RandomWords(variances.length, rng);
  const out = new Int32Array(variances.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = variances[i] === 0 ? 0 : discreteGaussian(variances[i]!, denominator, words);
  }
  return out;
}

/** Algorithm 3 for sigma^2 = a / b. */
function discreteGaussian(a: number, b: number, words: RandomWords): number {
  const t = Math.floor(Math.sqrt(a / b)) + 1; // any t is right; this one rejects fewest
  const bt = b * t;
  const d = 2n * BigInt(a) * BigInt(bt) * BigInt(t);
  for (;;) {
    const Y = discreteLaplace(t, words);
    // gamma = (|Y| - sigma^2 / t)^2 / (2 sigma^2) = (|Y| b t - a)^2 / (2 a b t^2)
    const size = Math.abs(Y) * bt;
    const distance = Number.isSafeInteger(size)
      ? BigInt(size - a)
      : BigInt(Math.abs(Y)) * BigInt(bt) - BigInt(a);
    if (accepts(distance * distance, d, words)) return Y;
  }
}

/** Bernoulli(exp(-n / d)), for any n / d >= 0: Bernoulli(exp(-1)) for each whole one, then for the rest. */
function accepts(n: bigint, d: bigint, words: RandomWords): boolean {
  const scaled = (n << 32n) / d;
  const whole = scaled >> 32n;
  for (let k = 0n; k < whole; k++) if (!bernoulliExp(1, 1, WORD, words)) return false;
  return bernoulliExp(n - whole * d, d, Number(scaled & 0xffffffffn), words);
}

/** Algorithm 2 with s = 1: Pr[Y] proportional to exp(-|Y| / t). */
function discreteLaplace(t: number, words: RandomWords): number {
  for (;;) {
    const U = words.below(t);
    const scaled = U * WORD; // at most 2^52
    if (!bernoulliExp(U, t, (scaled - (scaled % t)) / t, words)) continue;
    let V = 0;
    while (bernoulliExp(1, 1, WORD, words)) V++;
    const size = U + t * V;
    const negative = (words.next() & 1) === 1;
    if (negative && size === 0) continue; // zero counts once
    return negative ? -size : size;
  }
}

/**
 * Algorithm 1: Bernoulli(exp(-gamma)) for gamma = n / d in [0, 1].
 *
 * @param scaled - floor(2^32 gamma)
 */
function bernoulliExp(
  n: number | bigint,
  d: number | bigint,
  scaled: number,
  words: RandomWords,
): boolean {
  let K = 1;
  while (isBelow(n, d, scaled, K, words)) K++;
  return K % 2 === 1;
}

/** Bernoulli(gamma / K): whether K u < gamma, for u uniform in [0, 1), of which bits are drawn as needed. */
function isBelow(
  n: number | bigint,
  d: number | bigint,
  scaled: number,
  K: number,
  words: RandomWords,
): boolean {
  if (scaled === WORD && K === 1) return true; // gamma = 1
  let word = words.next();
  if ((word + 1) * K <= scaled) return true; // u < (word + 1) / 2^32
  if (word * K > scaled) return false; // u >= word / 2^32, gamma < (scaled + 1) / 2^32
  let u = BigInt(word);
  const [numerator, divisor] = [BigInt(n), BigInt(d) * BigInt(K)];
  for (let bits = 32n; ; bits += 32n) {
    const target = numerator << bits;
    if ((u + 1n) * divisor <= target) return true;
    if (u * divisor >= target) return false;
    word = words.next();
    u = (u << 32n) + BigInt(word);
  }
}

/** Uniform words, drawn in blocks. */
class RandomWords {
  readonly #rng: Rng;
  readonly #blockBytes: number;
  #block = new Uint32Array(0);
  #at = 0;

  constructor(samples: number, rng: Rng) {
    this.#rng = rng;
    this.#blockBytes = Math.min(MAX_BLOCK_BYTES, Math.max(MIN_BLOCK_BYTES, 64 * samples));
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    if (this.#at === this.#block.length) {
      this.#block = new Uint32Array(new Uint8Array(this.#rng(this.#blockBytes)).buffer);
      this.#at = 0;
    }
    return this.#block[this.#at++]!;
  }

  /** 0 to bound - 1: as many bits as it has, until they are below it. bound: 1 to 2^31. */
  below(bound: number): number {
    const shift = Math.clz32(bound - 1);
    if (shift === 32) return 0;
    for (;;) {
      const draw = this.next() >>> shift;
      if (draw < bound) return draw;
    }
  }
}

const MIN_BLOCK_BYTES = 256;
const MAX_BLOCK_BYTES = 1 << 16;

function checkInteger(name: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new RangeError(`"${name}" expected integers from ${least} to ${most}, got ${value}`);
  }
}
