/**
 * Lifting shares modulo an odd t to shares in Z_2^64, by the known-sign wrap of truncate.ts.
 *
 * Functionality: the same signed value in the larger ring. |m_i| < t / 4.
 *   Sender   in: x0_i   out: y0_i
 *   Receiver in: x1_i   out: y1_i   with x0_i + x1_i = m_i mod t and y0_i + y1_i = m_i mod 2^64, exactly
 *
 * Security: semi-honest, as the correlated OT. A value out of range gives a wrong result, not a leak: the
 *           output shares are uniform whatever the input.
 * Leaks:    n, which is public.
 * Cost:     one correlated OT a value: receiver->sender 128 ceil(n/8) bytes, sender->receiver 8 n bytes, one
 *           message each way up to 2^16 values.
 *
 * Names: o = floor(t / 4); a = x0 + o mod t and b = x1, as integers in 0 .. t - 1; h_a = [a > t / 2] and h_b
 * likewise; w wrap of a + b modulo t. As 0 <= m + o < t / 2, a + b reaches t iff h_a or h_b is set:
 * w = h_a + h_b - h_a h_b, and m = a + b - w t - o.
 */
import { SLOT_MODULUS } from '../../kernels/rlwe-kernel.ts';
import { OtReceiver, type OtSender } from '../ot/ot-extension.ts';
import { packWords } from '../primitives/bits.ts';

/** Lifts in the role that the party's OT has. Both parties call it with the same t. */
export function lift(
  ot: OtSender | OtReceiver,
  x: Uint32Array,
  t: number = SLOT_MODULUS,
): Promise<BigUint64Array> {
  return ot instanceof OtReceiver ? liftReceiver(ot, x, t) : liftSender(ot, x, t);
}

export async function liftSender(
  ot: OtSender,
  x: Uint32Array,
  t: number = SLOT_MODULUS,
): Promise<BigUint64Array> {
  checkShares(x, t);
  const o = Math.floor(t / 4);
  const a = x.map((xi) => (xi + o) % t);
  const hA = upperHalf(a, t);

  const s = await ot.correlate(hA); // s + r = h_a h_b

  return unwrap(a, hA, s, t, o);
}

export async function liftReceiver(
  ot: OtReceiver,
  x: Uint32Array,
  t: number = SLOT_MODULUS,
): Promise<BigUint64Array> {
  checkShares(x, t);
  const b = x.slice();
  const hB = upperHalf(b, t);

  const r = await ot.correlate(packWords(hB), b.length);

  return unwrap(b, hB, r, t, 0);
}

/** [x_i > t / 2] as 0 or 1. */
function upperHalf(x: Uint32Array, t: number): BigUint64Array {
  const bits = new BigUint64Array(x.length);
  for (let i = 0; i < bits.length; i++) bits[i] = 2 * x[i]! > t ? 1n : 0n;
  return bits;
}

/** One party's x_i - (h_i - product_i) t - offset in Z_2^64. */
function unwrap(
  x: Uint32Array,
  h: BigUint64Array,
  product: BigUint64Array,
  t: number,
  offset: number,
): BigUint64Array {
  const y = new BigUint64Array(x.length);
  const modulus = BigInt(t);
  const shift = BigInt(offset);
  for (let i = 0; i < y.length; i++) {
    y[i] = BigInt(x[i]!) - (h[i]! - product[i]!) * modulus - shift;
  }
  return y;
}

function checkShares(x: Uint32Array, t: number): void {
  if (!Number.isInteger(t) || t < 5 || t >= 2 ** 31 || t % 2 === 0) {
    throw new RangeError(`"t" expected an odd modulus from 5 to 2^31, got ${t}`);
  }
  for (const xi of x) {
    if (xi >= t) throw new RangeError(`"x" expected residues modulo ${t}, got ${xi}`);
  }
}
