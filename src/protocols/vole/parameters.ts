/**
 * Sizes of silent VOLE, [BCGI18], from the number of elements: the length n = t 2^d of the noise, which has
 * one uniform element of F = GF(2^128) in each of t equal parts, and the k elements to which a public binary
 * code G of rate at most 1/2 compresses it. A = G e has to look random. What t has to be for that:
 *
 * 1. A linear test that is fixed in advance sees a uniform value unless all t positions miss the support of
 *    a word of the code. Linear algebra finds words of a quarter of the length; codes of this rate have
 *    lighter ones, but to find them takes exponential time, for all that is known of these codes from
 *    experiments ([RRT23]: a pseudo-distance, not a proven one). (3/4)^t is 2^-128 for t = 309.
 * 2. G is binary: it commutes with every linear form of F over GF(2). A form chosen after seeing A may vanish
 *    on all noise in a given half of the positions, and is then found by linear algebra ([MK90], [PHL+22]);
 *    for the half that G does not copy, A itself has rank below 128. Each value lies in the half and outside
 *    of the form's kernel with probability 1/4: of 2^128 forms 2^128 (3/4)^t vanish. With t = 309 one does in
 *    a run of some 400; that none does but for 2^-128 takes t = 617. So many halves have to be tried.
 * 3. Fewer halves do if in each a form may leave a few positions, which are guessed (AUDIT.md, VO-3, has
 *    figures); under one fixed form about t / 2 elements remain, and 2^(t/2) halves to try. Better algorithms
 *    gain nothing in the exponent for noise as sparse as this ([CTS16]), nor do algebraic ones that use the
 *    one position a part ([BO23]) at rate 1/2.
 */

/** Shorter requests are padded to this: the code's estimates are for long codes. */
export const MIN_ELEMENTS: number = 1 << 12;
/** More than an oblivious key-value store of 2^21 items takes. */
export const MAX_ELEMENTS: number = 1 << 22;
/** The least t: 617 in whole groups of 8. */
export const MIN_TREES = 624;
/** N / k, at least. */
const STRETCH = 2;

export interface VoleParameters {
  /** Elements that the code gives: at least as many as asked for, a multiple of 4. */
  readonly k: number;
  /** Trees, one noisy element each; a multiple of 8. */
  readonly t: number;
  /** Levels of a tree below its root. */
  readonly d: number;
  /** Length of the noise, t 2^d. */
  readonly n: number;
}

/** The sizes for `count` elements; `RangeError` unless 1 to `MAX_ELEMENTS`. */
export function voleParameters(count: number): VoleParameters {
  if (!Number.isSafeInteger(count) || count < 1 || count > MAX_ELEMENTS) {
    throw new RangeError(`"k" expected 1 to ${MAX_ELEMENTS} elements, got ${count}`);
  }
  const k = 4 * Math.ceil(Math.max(count, MIN_ELEMENTS) / 4);
  const least = STRETCH * k;
  let d = 0;
  while (Math.ceil(least / 2 ** (d + 1)) >= MIN_TREES) d++;
  const t = 8 * Math.ceil(least / 2 ** d / 8);
  return { k, t, d, n: t * 2 ** d };
}
