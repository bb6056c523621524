/**
 * Faithful truncation of shared signed values: the wrap of the two shares is computed, not guessed.
 * After [SIRNN] "SIRNN: A Math Library for Secure RNN Inference". Rathee et al.
 * https://eprint.iacr.org/2021/459, where a known sign saves the comparison and leaves one correlated OT.
 *
 * Functionality: shares of a value shifted to the right by f bits. |v_i| < 2^62, 1 <= f_i <= 62.
 *   Sender   in: x0_i   out: y0_i
 *   Receiver in: x1_i   out: y1_i   with x0_i + x1_i = v_i and y0_i + y1_i = v_i / 2^f_i mod 2^64,
 *            rounded down or up, exact when 2^f_i divides v_i: never a unit in the last place away.
 *            With uniform shares it is rounded up with probability (v_i mod 2^f_i) / 2^f_i: unbiased.
 *
 * Security: semi-honest, as the correlated OT. A value out of range gives a wrong result, not a leak.
 * Leaks:    n and f, which are public. The rounding depends on the low f bits of both shares: whoever
 *           learns y learns whether v mod 2^f exceeds a number it knows, besides v / 2^f.
 * Cost:     one correlated OT a value: receiver->sender 128 ceil(n/8) bytes, sender->receiver 8 n bytes, one
 *           message each way up to 2^16 values.
 *
 * Names: a = x0 + 2^62 and b = x1, as integers in 0 .. 2^64 - 1; m_a, m_b their top bits; w wrap of a + b.
 * As 0 <= v + 2^62 < 2^63, a + b wraps iff m_a or m_b is set: w = m_a + m_b - m_a m_b, and
 *   v >> f  =  (a >> f) + ceil(b / 2^f) - w 2^(64-f) - 2^(62-f), plus 0 or 1.
 */

import { OtReceiver, type OtSender } from '../ot/ot-extension.ts';
import { packWords } from '../primitives/bits.ts';

/** One shift for all values, or one a value. */
export type Shifts = number | Uint8Array;

const MINIMUM_SHIFT = 1;
const MAXIMUM_SHIFT = 62;
const OFFSET = 1n << 62n;
/** 2^k. Products with these run at machine speed in compiled code; shifts by a variable do not. */
const POWERS = BigUint64Array.from({ length: 64 }, (_, k) => 1n << BigInt(k));

/** Truncates in the role that the party's OT has. Both parties call it with the same shifts. */
export function truncate(
  ot: OtSender | OtReceiver,
  x: BigUint64Array,
  shifts: Shifts,
): Promise<BigUint64Array> {
  return ot instanceof OtReceiver ? truncateReceiver(ot, x, shifts) : truncateSender(ot, x, shifts);
}

export async function truncateSender(
  ot: OtSender,
  x: BigUint64Array,
  shifts: Shifts,
): Promise<BigUint64Array> {
  const f = perValue(shifts, x.length);
  const a = addOffset(x);
  const mA = topBits(a);

  const s = await ot.correlate(mA); // s + r = m_a m_b

  const y = shiftRight(a, f);
  for (let i = 0; i < y.length; i++) {
    y[i] = y[i]! - (mA[i]! - s[i]!) * POWERS[64 - f[i]!]! - POWERS[62 - f[i]!]!;
  }
  return y;
}

export async function truncateReceiver(
  ot: OtReceiver,
  x: BigUint64Array,
  shifts: Shifts,
): Promise<BigUint64Array> {
  const f = perValue(shifts, x.length);
  const b = x.slice();
  const mB = topBits(b);

  const r = await ot.correlate(packWords(mB), b.length);

  const y = shiftRight(b, f);
  for (let i = 0; i < y.length; i++) {
    const up = y[i]! * POWERS[f[i]!]! === b[i]! ? 0n : 1n; // ceil(b / 2^f)
    y[i] = y[i]! + up - (mB[i]! - r[i]!) * POWERS[64 - f[i]!]!;
  }
  return y;
}

/** Shifts of consecutive groups of values, for vectors that hold several quantities. */
export function segmentShifts(
  segments: readonly { readonly count: number; readonly shift: number }[],
): Uint8Array {
  const total = segments.reduce((sum, { count }) => sum + count, 0);
  const shifts = new Uint8Array(total);
  let at = 0;
  for (const { count, shift } of segments) {
    checkShift(shift);
    shifts.fill(shift, at, at + count);
    at += count;
  }
  return shifts;
}

/** One shift a value, checked. */
function perValue(shifts: Shifts, n: number): Uint8Array {
  if (typeof shifts === 'number') {
    checkShift(shifts);
    return new Uint8Array(n).fill(shifts);
  }
  if (shifts.length !== n) {
    throw new RangeError(`"shifts" expected ${n} elements, got ${shifts.length}`);
  }
  for (const shift of shifts) checkShift(shift);
  return shifts;
}

function checkShift(shift: number): void {
  if (!Number.isInteger(shift) || shift < MINIMUM_SHIFT || shift > MAXIMUM_SHIFT) {
    throw new RangeError(
      `"shifts" expected ${MINIMUM_SHIFT} to ${MAXIMUM_SHIFT} bits, got ${shift}`,
    );
  }
}

function addOffset(x: BigUint64Array): BigUint64Array {
  const a = new BigUint64Array(x.length);
  for (let i = 0; i < a.length; i++) a[i] = x[i]! + OFFSET;
  return a;
}

/** The top bit of every word, as 0 or 1. */
function topBits(x: BigUint64Array): BigUint64Array {
  const bits = new BigUint64Array(x.length);
  for (let i = 0; i < bits.length; i++) bits[i] = x[i]! >> 63n;
  return bits;
}

/** floor(x_i / 2^f_i) on unsigned words, by 32-bit halves. */
function shiftRight(x: BigUint64Array, f: Uint8Array): BigUint64Array {
  const y = new BigUint64Array(x.length);
  const from = new Uint32Array(x.buffer, x.byteOffset, 2 * x.length);
  const to = new Uint32Array(y.buffer);
  for (let i = 0; i < f.length; i++) {
    const k = f[i]!;
    const low = from[2 * i]!;
    const high = from[2 * i + 1]!;
    to[2 * i] = k < 32 ? (low >>> k) | ((high << 1) << (31 - k)) : high >>> (k - 32);
    to[2 * i + 1] = k < 32 ? high >>> k : 0;
  }
  return y;
}
