/**
 * Parameters of the sums by bucket and the arithmetic behind them.
 *
 * | quantity  | value                                       | why                                            |
 * |-----------|---------------------------------------------|------------------------------------------------|
 * | ring      | Z_q[X]/(X^2048 + 1), q = 2^32               | machine words; sums wrap as shares do          |
 * | secret s  | uniform in {0, 1}^2048, fresh a vector      | products with Int32 hints stay small           |
 * | error e   | centred binomial, 21 pairs, sigma 3.24      | [HES18]: sigma 3.2                             |
 * | samples a | uniform, fresh a task, the same a for every | the hint is computed once                      |
 * |           | vector of the task                          |                                                |
 *
 * Hardness. What counts is q / sigma, 2^30.30 here. Published sets with a binary secret in dimension 2048 have
 * q / sigma = 2^51.4 to 2^51.6 at 128 bits (TFHE implementations, [CGGI20], q = 2^64), and 2^25 in dimension 1024
 * (q = 2^32). Block sizes of the primal attack (uSVP, secret centred and rescaled to the width of the error, best number
 * of samples) and operations at 8 d 2^(0.292 beta + 16.4), the cost model of [HES18]; dual: the same cost
 * for the best distinguisher; hybrid: the primal attack after guessing 30 bits of s:
 *
 *   set                                  primal beta   primal    dual      hybrid
 *   N = 2048, q / sigma = 2^51.6         337           2^129.7   2^130.6   2^157
 *   N = 1024, q / sigma = 2^25           339           2^129.3   2^129.6   2^155
 *   here                                 668           2^226     2^227     2^252
 *
 * The binary secret has half of its coefficients set: too many to gain from guessing zeros. Guessing 360 of them by
 * meeting in the middle, with every collision taken to be found, is the cheapest of these, 2^205 here; the same
 * generosity gives 2^123 and 2^116 for the published sets. Vectors of a task share a, so one reduced basis serves all
 * dual attacks on them; that is a matter of the steps after the reduction, not of its cost.
 * Attacks that use the number of samples, up to 2^24 of one secret, are far off: an error has 43 values, so that the
 * polynomial system of Arora and Ge has degree 43 in 2048 unknowns, 2^297 monomials where s_k^2 = s_k; combining samples
 * (BKW) bears some 56 levels before noise fills q, and each has to clear 36 coordinates: tables beyond 2^400. That q is not prime does not matter to the attacks
 * above: [PRS17] reduces to the decision problem for any modulus, and modulo 2, where X^2048 + 1 is (X + 1)^2048 and a s
 * could be projected to small rings, an error is exactly uniform (the parity of 42 fair bits). The whole protocol is as strong as its weakest part: 128 bits, that is
 * the homomorphic layer (he/parameters.ts).
 *
 * Range. Sums of any rows stay in (-2^31, 2^31) with their noise: |x| adds up to at most MAX_SUM = 2^31 - 2^24
 * on either side, and 2^24 is left to all noise: ten deviations of 2^24 rows' errors are 2^17.0; a caller that
 * subtracts sums, adds noise of its own and opens has a hundred times that.
 *
 * Rounding. The product gives shares of 2^32 m + d modulo 2^64 with |d| <= `hintError` + 1 < 2^2.1 for up to
 * MAX_BUCKETS sums; each party rounds its share to the upper 32 bits. A share is uniform, and the rounded shares sum to m
 * unless it lies within |d| of a tie: off by one unit with probability at most 2 |d| / 2^32 < 2^-28.9, by more never.
 *
 * test/protocols/aggregation/parameters.test.ts recomputes these figures.
 */
import { HINT_DEGREE } from '../../kernels/hint-kernel.ts';
import { PARTS } from '../../kernels/rlwe-kernel.ts';
import { batchLayout, batchNorm } from '../he/batch-matrix.ts';
import { ringError } from '../he/parameters.ts';

/** Own choice: 10 times what trainings of a million rows take. */
export const MAX_ROWS: number = 2 ** 24;
/** Own choice: encoded hints take 32 KiB a bucket, or a few more. */
export const MAX_BUCKETS: number = 2 ** 16;
/** Positive entries of a vector add up to at most this, and negative ones to at least minus this. */
export const MAX_SUM: number = 2 ** 31 - 2 ** 24;
/** Rows of c in one message, 256 KiB. */
export const PIECE_ROWS: number = 2 ** 16;

/** Variance of the error of a row, in units of x. */
export const ROW_VARIANCE = 10.5;

/** Standard deviation of the noise of a sum over `rows` rows, in units of x. */
export function sumDeviation(rows: number): number {
  return Math.sqrt(ROW_VARIANCE * rows);
}

/** Vectors of a batch at most: the more, the fewer ciphertexts a vector. */
const MAX_BATCH = Math.max(...PARTS);

/** How many secrets are multiplied at a time where `count` vectors are to be expected. */
export function batchOf(count: number): number {
  return PARTS.find((parts) => parts >= count) ?? MAX_BATCH;
}

/**
 * Bound on the error of the products of `buckets` hints with 2^32 s, `batch` of them at a time, in units of Z_2^64,
 * whatever the hints. 2^32 s is no uniform share: the encoding rounds every 2^32 alike, by at most 1/2 each, and a result
 * meets at most 2048 of them.
 */
export function hintError(buckets: number, batch: number): number {
  const entry = 2 ** 31;
  const layout = batchLayout(buckets, HINT_DEGREE, batch);
  return ringError(batchNorm(entry, layout), (entry * HINT_DEGREE) / 2);
}
