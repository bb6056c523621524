/**
 * Gradients in fixed point. The label holder takes as many fractional bits as sums of the values have room for, anew for
 * every tree: nobody else needs to know the scale.
 */
import { MAX_SUM } from '../../../protocols/aggregation/parameters.ts';

/** Exponents of doubles that both stay finite, and above which nothing is gained. */
const MAX_BITS = 960;

/**
 * The largest f for which positive and negative entries of x, rounded to multiples of 2^-f, each add up to at most
 * MAX_SUM 2^-f. Negative where values are large. Any part of the rows then fits, too.
 */
export function fractionalBits(x: Float64Array): number {
  let [positive, negative] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    if (x[i]! > 0) positive += x[i]!;
    else negative -= x[i]!;
  }
  const largest = Math.max(positive, negative);
  if (largest === 0) return 0;
  if (!Number.isFinite(largest)) {
    throw new RangeError('"x" expected sums of gradients that are finite: scale the labels down');
  }
  const room = (MAX_SUM - x.length / 2) / largest; // every entry may be rounded up by half a unit
  return Math.min(MAX_BITS, Math.floor(Math.log2(room)));
}

/** round(2^bits x). */
export function toFixedPoint(x: Float64Array, bits: number): Int32Array {
  const scale = 2 ** bits;
  const fixed = new Int32Array(x.length);
  for (let i = 0; i < fixed.length; i++) fixed[i] = Math.round(x[i]! * scale);
  return fixed;
}
