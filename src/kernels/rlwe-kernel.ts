/**
 * Arithmetic in R_q = Z_q[X]/(X^4096 + 1), q a product of four 27-bit primes, with polynomials kept as
 * residues modulo each prime (RNS), and the conversions between R_q, Z_2^64 and Z_t. Numbers and bytes
 * only. Implementations agree bit for bit.
 */

/** N: coefficients of a polynomial. */
export const DEGREE = 4096;
/** Primes of q, all = 1 mod 2N and in (2^26, 2^27), falling; `drop` takes the last one away. */
export const PRIMES = [134176769, 134111233, 134012929, 133963777] as const;
/** t, the slots' plaintext modulus: an NTT prime below 2^24. */
export const SLOT_MODULUS = 16760833;
/** Bits of a packed residue. */
export const RESIDUE_BITS = 27;
/** Products below 2^54 that fit an unreduced 64-bit lane. */
export const MAX_PRODUCTS = 1024;

/** Keystream that `uniform` takes: a word a residue and 512 to spare (18 +- 4 rejections expected). */
export const UNIFORM_BYTES = 4 * (PRIMES.length * DEGREE + 512);
/** Keystream that `ternary` takes: a byte a coefficient and 256 to spare (16 +- 4 expected). */
export const TERNARY_BYTES = DEGREE + 256;
/** Keystream that `addBinomial` takes: 64 bits a coefficient, of which 42 are used. */
export const BINOMIAL_BYTES = 8 * DEGREE;
/** Bits of each of the three uniform terms of `addIrwinHall`. */
export const IRWIN_HALL_BITS = 82;
/** Keystream that `addIrwinHall` takes: 256 bits a coefficient, of which 246 are used. */
export const IRWIN_HALL_BYTES = 32 * DEGREE;

/**
 * Residues of one polynomial: prime-major, `PRIMES.length` runs of `DEGREE` values below their prime,
 * either coefficients or values at the NTT points. Only a polynomial that the same kernel's `allocate`
 * returned is accepted (it lives in the kernel's memory, so that nothing is copied); others are refused
 * with `TypeError`. Operations take `primes`, how many leading primes the polynomial still has.
 */
export type Polynomial = Uint32Array;

/** Sum of pointwise products in 64-bit lanes; reduces itself before a lane can overflow. */
export interface Accumulator {
  /** this += a b, pointwise, all primes. */
  multiplyAdd(a: Polynomial, b: Polynomial): void;
  /** target = the sum mod each prime; the accumulator is zero again. */
  moveTo(target: Polynomial): void;
  /** Gives the lanes back, zeroed. The accumulator must not be used any more. */
  release(): void;
}

/** Two factors x0, x1 with a common one y. */
export interface ProductTerm {
  readonly x0: Polynomial;
  readonly x1: Polynomial;
  readonly y: Polynomial;
}

/** One of the polynomials that y holds, see `forwardParts`. */
export interface Part {
  readonly y: Polynomial;
  /** Its number. */
  readonly part: number;
}

/** z0 = sum_j x0_j Y_j(X^parts) and z1 = sum_j x1_j Y_j(X^parts). */
export interface PartSum {
  readonly z0: Polynomial;
  readonly z1: Polynomial;
  /** Y_j */
  readonly parts: readonly Part[];
}

/** Numbers of parts that a polynomial may hold. */
export const PARTS: readonly number[] = [4, 8, 16, 32];

export interface RlweKernel {
  readonly name: string;

  /** A zero polynomial, the caller's until `release`. */
  allocate(): Polynomial;
  /** Zeroes the polynomial and takes it back; using it afterwards throws `TypeError`. */
  release(x: Polynomial): void;
  /** A zero accumulator, the caller's until its `release`. */
  accumulator(): Accumulator;

  /** Uniform residues by mask and rejection. `stream` [UNIFORM_BYTES]: uniform bytes. */
  uniform(x: Polynomial, stream: Uint8Array, primes?: number): void;
  /** Uniform coefficients in {-1, 0, 1}. `stream` [TERNARY_BYTES]. */
  ternary(x: Polynomial, stream: Uint8Array): void;
  /** Adds coefficients of the centred binomial distribution, 21 pairs, variance 10.5. `stream` [BINOMIAL_BYTES]. */
  addBinomial(x: Polynomial, stream: Uint8Array): void;
  /**
   * Adds coefficients U_1 + U_2 + U_3, each uniform in [-2^81, 2^81): an Irwin-Hall distribution of order 3
   * on the integers from -3 2^81 to 3 2^81 - 3. `stream` [IRWIN_HALL_BYTES]: four little-endian u64 a
   * coefficient, l_1, l_2, l_3 and h; U_j + 2^81 is l_j + 2^64 h_j with h_j the bits 18 (j - 1) to 18 j - 1 of h.
   */
  addIrwinHall(x: Polynomial, stream: Uint8Array): void;

  /** x = values, int32 coefficients [N]. */
  lift(x: Polynomial, values: Int32Array): void;
  /** x = round(q m / 2^64), m [N]: the coefficients of a message over Z_2^64. */
  encodeRing(x: Polynomial, m: BigUint64Array): void;
  /** x = round(q m / t) where m in R_t has the values `slots` [N], each below t, at the NTT points mod t. */
  encodeSlots(x: Polynomial, slots: Uint32Array): void;
  /** x = m itself, coefficients centred: what an encoded message is multiplied by. */
  liftSlots(x: Polynomial, slots: Uint32Array): void;

  /** Coefficients -> values: entry j of a prime becomes the value at psi^(2 br(j) + 1), br reversing 12 bits. */
  forward(x: Polynomial, primes?: number): void;
  /**
   * Coefficients -> values where x holds `parts` polynomials Y_0, Y_1, ... of degree below M = N / parts, one after the other
   * in each prime's run: entry j of Y_c becomes Y_c(psi^(parts (2 br(j) + 1))), br reversing log2 M bits. That is the
   * value of Y_c(X^parts) at the NTT points from parts j to parts j + parts - 1.
   */
  forwardParts(x: Polynomial, parts: number): void;
  /** Values -> coefficients. */
  inverse(x: Polynomial, primes?: number): void;
  /** z = x + y. z may be x or y, here and below. */
  add(z: Polynomial, x: Polynomial, y: Polynomial, primes?: number): void;
  /** z = x - y. */
  subtract(z: Polynomial, x: Polynomial, y: Polynomial, primes?: number): void;
  /** z = x y, pointwise. */
  multiply(z: Polynomial, x: Polynomial, y: Polynomial, primes?: number): void;

  /**
   * z0 = sum_j x0_j y_j and z1 = sum_j x1_j y_j, pointwise, all primes, for any number of terms (x0_j, x1_j, y_j). z0 and
   * z1 are none of the terms. Far faster than an accumulator when all terms are at hand.
   */
  sumProducts(z0: Polynomial, z1: Polynomial, terms: readonly ProductTerm[]): void;
  /**
   * Sums of products, pointwise, all primes, of pairs with parts that `forwardParts` left: several sums over the same pairs
   * take less time together, as long as all of them do.
   */
  sumPartProducts(
    sums: readonly PartSum[],
    pairs: readonly Pick<ProductTerm, 'x0' | 'x1'>[],
    parts: number,
  ): void;

  /** x = round(x / p), p the last of `primes` primes: coefficients, which then have one prime fewer. */
  dropPrime(x: Polynomial, primes: number): void;
  /**
   * round(2^64 x / Q) mod 2^64, a fresh [N], Q the product of `primes` (2 to 4) primes, x coefficients.
   * Within 2^-29 of a tie the result may be either neighbour, here and in `roundToSlots`.
   */
  roundToRing(x: Polynomial, primes?: number): BigUint64Array;
  /**
   * target [n <= N] = x + e + values [n] mod 2^32, of the even coefficients and then of the odd ones: x by its first two
   * primes, taken in (-Q/2, Q/2], e as `addBinomial` draws it for each coefficient from `stream` [BINOMIAL_BYTES].
   */
  noisyWords(target: Uint32Array, x: Polynomial, stream: Uint8Array, values: Int32Array): void;
  /** round(t x / Q) mod t and its values at the NTT points mod t, a fresh [N]. */
  roundToSlots(x: Polynomial, primes?: number): Uint32Array;

  /** Residues as 27-bit little-endian fields without gaps, a fresh array of `packedBytes(primes)`. */
  pack(x: Polynomial, primes?: number): Uint8Array;
  /** The inverse of `pack`; false (x is then undefined) unless every residue is below its prime. */
  unpack(x: Polynomial, bytes: Uint8Array, primes?: number): boolean;
}

/** Bytes of a packed polynomial of `primes` primes. */
export function packedBytes(primes: number): number {
  return (primes * DEGREE * RESIDUE_BITS) / 8;
}

/** Throws `RangeError` unless `primes` lies between `least` and the number of primes. */
export function checkPrimes(primes: number, least = 1): void {
  if (!Number.isInteger(primes) || primes < least || primes > PRIMES.length) {
    throw new RangeError(`"primes" expected ${least} to ${PRIMES.length}, got ${primes}`);
  }
}

/** Throws `RangeError` unless a polynomial may hold so many parts. */
export function checkParts(parts: number): void {
  if (!PARTS.includes(parts))
    throw new RangeError(`"parts" expected ${PARTS.join(', ')}, got ${parts}`);
}

/** Throws `RangeError` unless the array has the expected length. */
export function checkLength(
  name: string,
  array: { readonly length: number },
  expected: number,
): void {
  if (array.length !== expected) {
    throw new RangeError(`"${name}" expected length ${expected}, got ${array.length}`);
  }
}
