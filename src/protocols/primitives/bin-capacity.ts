/**
 * How full the fullest of several bins gets, when items fall into them independently and uniformly.
 * Computed from the exact binomial distribution; parties derive sizes of messages from it.
 */
import { SIGMA } from '../security.ts';

/** Smallest M with bins * Pr[Binomial(n, 1 / bins) > M] <= 2^-lambda. */
export function binCapacity(n: number, bins: number, lambda: number = SIGMA): number {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`"n" expected a count, got ${n}`);
  if (!Number.isSafeInteger(bins) || bins < 1) {
    throw new RangeError(`"bins" expected 1 or more, got ${bins}`);
  }
  if (bins === 1) return n;
  let low = Math.floor(n / bins); // the median is no smaller, and lambda >= 1
  let high = n;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (bins * binomialTail(n, 1 / bins, middle) <= 2 ** -lambda) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Pr[Binomial(n, p) > m], for 0 < p < 1 and m not far below the mean. */
function binomialTail(n: number, p: number, m: number): number {
  let k = m + 1;
  if (k > n) return 0;
  const choices = logFactorial(n) - logFactorial(k) - logFactorial(n - k);
  let term = Math.exp(choices + k * Math.log(p) + (n - k) * Math.log1p(-p)); // Pr[X = k]
  let sum = 0;
  // Above the mean the terms fall faster and faster; what is left out is below the rounding.
  for (; term > sum * Number.EPSILON; k++) {
    sum += term;
    term *= ((n - k) / (k + 1)) * (p / (1 - p));
  }
  return sum;
}

const HALF_LOG_TAU = Math.log(2 * Math.PI) / 2;

/** ln k!, to an absolute error of 2^-50 of itself. */
function logFactorial(k: number): number {
  if (k < 64) {
    let product = 0;
    for (let i = 2; i <= k; i++) product += Math.log(i);
    return product;
  }
  const r = 1 / k; // Stirling's series
  const correction = r * (1 / 12 - r * r * (1 / 360 - r * r * (1 / 1260 - (r * r) / 1680)));
  return (k + 0.5) * Math.log(k) - k + HALF_LOG_TAU + correction;
}
