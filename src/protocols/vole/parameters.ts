/**
 * Sizes of silent VOLE, [BCGI18], from the number of elements: the length N = t 2^d of the noise, one
 * position in each of t equal parts, and the code that compresses it to k elements.
 *
 * Chosen so that A = G e is pseudorandom, e with t uniform elements of F = GF(2^128), G binary, k x N:
 *
 * 1. A test v of A that is fixed in advance sees uniform noise unless all t positions miss the support of
 *    v G, which has at least a quarter of N: it succeeds with at most (3/4)^t. That minimum distance is what
 *    [RRT23] measure for these codes; it is not proven. 2^-128 needs t = 309.
 * 2. G is binary, so that every linear form of F as a vector space of 128 bits commutes with it, and an
 *    adversary picks the form after seeing A: among 2^128 forms some vanish on the noise in a chosen half of
 *    the positions if that half holds at most 127 of the t elements. Such a form is found by linear algebra
 *    ([MK90], [PHL+22]); for the half that G maps by the identity it shows at once as rank of A below 128.
 *    With t = 309 one run in a thousand has it. A count over all forms, 2^128 (3/4)^t <= 2^-128, needs
 *    t = 617: then a half is poor enough with 2^-169, before the cost of solving.
 * 3. Decoding one form, where half of the noise vanishes: 2^(t/2) halves to try for codes of rate 1/2, and
 *    better algorithms gain little when the noise is this sparse ([CTS16]). One position a part helps
 *    algebraic attacks ([BO23]) when parts are small and rates low; here the rate is 1/2.
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
