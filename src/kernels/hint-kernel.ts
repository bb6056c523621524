/**
 * Sums by bin, modulo 2^32: of words, and of the rows of multiplications in Z[X]/(X^2048 + 1). Implementations
 * agree bit for bit.
 *
 * A bin is a number below the number of bins; row i belongs to bin bins[i]. Every method adds in place and throws
 * `RangeError` when lengths do not fit or a bin is out of range; what it added to is then undefined.
 */
export interface HintKernel {
  readonly name: string;
  /**
   * hints[b] += sum of the rotations of all i in bin b. a: [2048 ceil(n / 2048)], bins: [n], hints: [bins x 2048].
   * The rotation of i is the linear form that gives coefficient p = i mod 2048 of a_j s from s, a_j block
   * j = floor(i / 2048) of a: its word k is a_j[p - k] for k <= p, -a_j[2048 + p - k] beyond.
   */
  addRotations(hints: Uint32Array, a: Uint32Array, bins: Uint16Array): void;
  /** sums[f][b] += sum of words[i] for all i in bin b of column f. words: [n], bins[f]: [n], sums[f]: [bins of f]. */
  addByBin(sums: readonly Uint32Array[], words: Uint32Array, bins: readonly Uint16Array[]): void;
}

/** Words of a polynomial. */
export const HINT_DEGREE = 2048;
/** The largest number of bins that numbers of 16 bits tell apart, one less than 2^16 so that a count fits, too. */
export const MAX_BINS = (1 << 16) - 1;

/** The number of bins of `addRotations`; throws `RangeError` when an argument does not fit the others. */
export function checkRotations(hints: Uint32Array, a: Uint32Array, bins: Uint16Array): number {
  const blocks = Math.ceil(bins.length / HINT_DEGREE);
  checkLength('a', a, blocks * HINT_DEGREE);
  const count = hints.length / HINT_DEGREE;
  checkCount('hints', count);
  return count;
}

/** Throws `RangeError` when an argument of `addByBin` does not fit the others. */
export function checkByBin(
  sums: readonly Uint32Array[],
  words: Uint32Array,
  bins: readonly Uint16Array[],
): void {
  checkLength('sums', sums, bins.length);
  bins.forEach((column, f) => {
    checkLength(`bins[${f}]`, column, words.length);
    checkCount(`sums[${f}]`, sums[f]!.length);
  });
}

export function binOutOfRange(): RangeError {
  return new RangeError('"bins" name a bin that does not exist');
}

function checkLength(name: string, array: { readonly length: number }, expected: number): void {
  if (array.length !== expected) {
    throw new RangeError(`"${name}" expected length ${expected}, got ${array.length}`);
  }
}

function checkCount(name: string, count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > MAX_BINS) {
    throw new RangeError(`"${name}" expected 1 to ${MAX_BINS} bins, got ${count}`);
  }
}
