/**
 * Fixed point of the vertical linear models: a real v is round(v 2^f) in Z_2^64, f the value's scale.
 *
 * The scales fit together so that one iteration truncates only two short vectors (never a logit, never
 * an error of the logistic link):
 *
 *   value                     scale f                      why
 *   features X                FEATURE_BITS = 13            whitened or standardised columns
 *   weights w                 WEIGHT_BITS = 26
 *   point y = (1+b)w - b w'   POINT_BITS = 32 = 26 + 6     momentum b is a multiple of 2^-6: exact on shares
 *   logits z = X y            LOGIT_BITS = 45 = 13 + 32    reduced modulo the sigmoid's period, not truncated
 *   errors e                  ERROR_BITS = 22              two 11-bit sines
 *   gradient X^T e            GRADIENT_BITS = 35 = 13 + 22
 *   ridge M                   RIDGE_BITS = 20              so M y has scale 52
 *
 * Range rule: a column has l2 norm at most 3.7 sqrt(n) (1 / sqrt(curvature)), an error vector at most about
 * sqrt(n), so |X^T e| <= 3.7 n by Cauchy-Schwarz and GRADIENT_BITS + log2(3.7 n) < 62 up to n = 2^25. A step of
 * 1/2 along X^T e / n at STEP_BITS is the integer 2^24 / n, so n = 2^24 is the limit.
 */

export const FEATURE_BITS = 13;
export const WEIGHT_BITS = 26;
export const MOMENTUM_BITS = 6;
export const POINT_BITS: number = WEIGHT_BITS + MOMENTUM_BITS;
export const LOGIT_BITS: number = FEATURE_BITS + POINT_BITS;
export const ERROR_BITS = 22;
export const GRADIENT_BITS: number = FEATURE_BITS + ERROR_BITS;
export const RIDGE_BITS = 20;

/** Values that faithful truncation accepts are below this in absolute value. */
export const TRUNCATION_BITS = 62;

/** Scale of an untruncated step of `auto`: |step| < 4 in whitened coordinates leaves 60 bits. */
export const STEP_BITS = 60;

/** Largest number of rows for which the range rule holds and a step is not rounded up beyond 1/2. */
export const MAX_ROWS: number = 2 ** (STEP_BITS - GRADIENT_BITS - 1);

/** Entries of a data matrix stay below 2^27 in absolute value, which the noise budget assumes. */
const MAX_ENTRY = 2 ** 27;

/**
 * round(value 2^bits) of a clear matrix, as the int32 entries that the products take.
 * Throws `RangeError` naming the position when an entry is not finite or too large.
 */
export function toFixedInt32(
  values: Float64Array,
  bits: number,
  limit: number = MAX_ENTRY,
): Int32Array {
  const scale = 2 ** bits;
  const fixed = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const v = Math.round(values[i]! * scale);
    if (!(Math.abs(v) < limit)) {
      throw new RangeError(`entry ${i} of a clear matrix is outside the fixed-point range`);
    }
    fixed[i] = v;
  }
  return fixed;
}

/** round(value 2^bits) mod 2^64. |value 2^bits| must be below 2^62; throws `RangeError` otherwise. */
export function toFixed(values: Float64Array | readonly number[], bits: number): BigUint64Array {
  const scale = 2 ** bits;
  // In two halves of 32 bits: making a BigInt of each value would take ten times as long.
  const halves = new Uint32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const v = Math.round(values[i]! * scale);
    if (!(Math.abs(v) < 2 ** 62)) {
      throw new RangeError(`value ${i} is outside the fixed-point range`);
    }
    const high = Math.floor(v / 2 ** 32);
    halves[2 * i] = v - high * 2 ** 32;
    halves[2 * i + 1] = high;
  }
  return new BigUint64Array(halves.buffer);
}

/** The reals that opened ring elements stand for. */
export function fromFixed(values: BigUint64Array, bits: number): Float64Array {
  const signed = new BigInt64Array(values.buffer, values.byteOffset, values.length);
  const scale = 2 ** -bits;
  return Float64Array.from(signed, (v) => Number(v) * scale);
}

/** a + b mod 2^64, elementwise; a fresh array. */
export function add(a: BigUint64Array, b: BigUint64Array): BigUint64Array {
  checkLength(a, b);
  const sum = new BigUint64Array(a.length);
  for (let i = 0; i < a.length; i++) sum[i] = a[i]! + b[i]!;
  return sum;
}

/** a - b mod 2^64, elementwise; a fresh array. */
export function subtract(a: BigUint64Array, b: BigUint64Array): BigUint64Array {
  checkLength(a, b);
  const difference = new BigUint64Array(a.length);
  for (let i = 0; i < a.length; i++) difference[i] = a[i]! - b[i]!;
  return difference;
}

/** factor * a mod 2^64 for a public integer factor; a fresh array. */
export function scale(a: BigUint64Array, factor: number): BigUint64Array {
  if (!Number.isSafeInteger(factor)) throw new RangeError('"factor" expected a safe integer');
  const f = BigInt.asUintN(64, BigInt(factor));
  const product = new BigUint64Array(a.length);
  for (let i = 0; i < a.length; i++) product[i] = a[i]! * f;
  return product;
}

/** Sum of all elements mod 2^64. */
export function sum(a: BigUint64Array): bigint {
  const total = new BigUint64Array(1);
  for (let i = 0; i < a.length; i++) total[0]! += a[i]!;
  return total[0]!;
}

/** The vectors one after another. */
export function concat(...parts: readonly BigUint64Array[]): BigUint64Array {
  const joined = new BigUint64Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function checkLength(a: BigUint64Array, b: BigUint64Array): void {
  if (a.length !== b.length) throw new RangeError(`lengths differ: ${a.length} and ${b.length}`);
}
