/**
 * The smallest M with bins Pr[Bin(n, 1/bins) > M] <= 2^-log2Failure: n items thrown into `bins` bins
 * overflow none that holds M, except with that probability (union bound over the bins).
 *
 * Parties that compute it from the same numbers get the same M: each probability is exact to a relative
 * 10^-12, and the bound is crossed by a factor that is far larger.
 */
export function smallestCapacity(n: number, bins: number, log2Failure: number): number {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`"n" expected a count, got ${n}`);
  if (!Number.isSafeInteger(bins) || bins < 1) {
    throw new RangeError(`"bins" expected one or more, got ${bins}`);
  }
  if (bins === 1) return n;
  const bound = 2 ** -log2Failure / bins;
  let [low, high] = [Math.floor(n / bins), n]; // high holds; the search stays above the mean
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (upperTail(n, 1 / bins, middle) <= bound) high = middle;
    else low = middle + 1;
  }
  return high;
}

/** Pr[Bin(n, p) > m], for m >= floor(n p): there each term is smaller than the one before. */
function upperTail(n: number, p: number, m: number): number {
  if (m >= n) return 0;
  let term = probability(n, p, m + 1);
  let sum = term;
  for (let k = m + 1; k < n && term > sum * Number.EPSILON; k++) {
    term *= ((n - k) / (k + 1)) * (p / (1 - p));
    sum += term;
  }
  return sum;
}

/**
 * Pr[Bin(n, p) = k] for 0 < k <= n: the saddle-point form of C. Loader, "Fast and Accurate Computation
 * of Binomial Probabilities" (2000), which loses no digits where logarithms of factorials cancel.
 */
function probability(n: number, p: number, k: number): number {
  if (k === n) return Math.exp(n * Math.log(p));
  const correction = stirlingError(n) - stirlingError(k) - stirlingError(n - k);
  const exponent = correction - deviance(k, n * p) - deviance(n - k, n * (1 - p));
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * k * (n - k)));
}

/** log(n!) - log(sqrt(2 pi n) (n/e)^n). */
function stirlingError(n: number): number {
  if (n <= 15) {
    let factorial = 1;
    for (let i = 2; i <= n; i++) factorial *= i;
    return Math.log(factorial) - (n + 0.5) * Math.log(n) + n - 0.5 * Math.log(2 * Math.PI);
  }
  const s = n * n;
  return (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 / s) / s) / s) / s) / n;
}

/** x log(x / mean) + mean - x; by its series where the terms would cancel. */
function deviance(x: number, mean: number): number {
  const v = (x - mean) / (x + mean);
  if (Math.abs(v) >= 0.1) return x * Math.log(x / mean) + mean - x;
  let sum = (x - mean) * v;
  let power = 2 * x * v;
  for (let j = 1; ; j++) {
    power *= v * v;
    const next = sum + power / (2 * j + 1);
    if (next === sum) return sum;
    sum = next;
  }
}
