/**
 * Errors of logistic regression from shared logits: one round trip of slot products.
 *
 * The sigmoid is a Fourier series in z over a period P (`ml/linear/fourier-link.ts`). With z = z_A + z_H
 * in the ring, P 2^f divides 2^64, so each party reduces its share modulo the period by itself and
 * sin(k(a + h)) = sin(kh) cos(ka) + cos(kh) sin(ka): the feature holder H sends its sines and cosines in
 * packed ciphertexts, the label holder A multiplies them by its own, by the coefficients and by whatever
 * it alone knows of a row (label, class weight), and returns one masked answer.
 *
 * Functionality: shares of e_i = c_i (S(z_i) - y_i), or c_i (s - y_i) s (1 - s) for squared error.
 * Security: that of `he/slot-product.ts` and `sharing/lift.ts`; semi-honest.
 * Leaks:    nothing but sizes; with `guard`, a share of the edge sum, opened by the caller.
 * Cost:     2K ciphertexts H -> A and one answer A -> H per 4096 rows; one correlated OT a row.
 *           With `guard`: 14 more ciphertexts, one more answer, one more OT a row.
 */

import {
  type Coefficients,
  slotDotEvaluator,
  slotDotKeyOwner,
  type Values,
} from '../../../protocols/he/slot-product.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { lift } from '../../../protocols/sharing/lift.ts';
import {
  brierGradientSeries,
  FOURIER_SIZES,
  type FourierSeries,
  fourierDomain,
  guardSeries,
  sigmoidSeries,
  withPeriod,
} from '../../linear/fourier-link.ts';
import { add, ERROR_BITS, sum, toFixed } from './fixed-point.ts';
import type { LinkContext } from './link.ts';

/** Sines, cosines and the label holder's multiples of them carry this many bits each. */
const TRIG_BITS = ERROR_BITS / 2;

/** The gradient of squared error is steeper than the sigmoid: it takes a quarter more harmonics. */
const BRIER_TERMS = 5 / 4;

/** A run of the link over one set of rows. */
export interface LinkRows {
  /** This party's share of the logits, [n]. */
  readonly z: BigUint64Array;
  /** Scale of z in bits. */
  readonly logitBits: number;
  /** Label holder only: labels 0 or 1, [n]. */
  readonly labels?: Float64Array;
  /** Label holder only: weights of the rows, 0 < c <= 1, [n]. */
  readonly rowWeights?: Float64Array;
}

export interface LogisticErrors {
  /** Share of e at `ERROR_BITS`, [n]. */
  readonly e: BigUint64Array;
  /** Share of the sum over rows of the guard's bump, at `ERROR_BITS`; null without guard. */
  readonly edge: bigint | null;
}

/** Which series is in use. Public: both parties step through it together. */
export interface LinkDomain {
  readonly loss: 'logloss' | 'mse';
  /** Index into `FOURIER_SIZES`, 0 first. */
  readonly level: number;
}

/** The next larger domain, or null when the largest is in use. */
export function widerDomain(domain: LinkDomain): LinkDomain | null {
  return domain.level + 1 < FOURIER_SIZES.length ? { ...domain, level: domain.level + 1 } : null;
}

/** Logits up to this size are inside the domain. */
export function domainLimit(domain: LinkDomain): number {
  return fourierDomain(FOURIER_SIZES[domain.level]!.period);
}

/** Shares of the errors, and of the edge sum if `guard` is set. Both parties call it with the same flags. */
export async function logisticErrors(
  context: LinkContext,
  domain: LinkDomain,
  rows: LinkRows,
  guard: boolean,
): Promise<LogisticErrors> {
  const bump = guard ? guardSeries(FOURIER_SIZES[domain.level]!.period) : null;
  const series = bump ? withPeriod(seriesOf(domain), 2) : seriesOf(domain);
  const harmonics = [...new Set([...series.harmonics, ...(bump?.harmonics ?? [])])];
  const theta = angles(rows.z, Math.log2(series.period) + rows.logitBits);
  const n = theta.length;
  const terms = 2 * harmonics.length;
  const outputs = bump ? 2 : 1;
  const { channel, he, rng } = context;
  const products =
    context.role === 'label_holder'
      ? await slotDotEvaluator(
          channel,
          he,
          multipliers(theta, harmonics, [series, bump], rows, rng),
          terms,
          n,
          outputs,
          rng,
        )
      : await slotDotKeyOwner(
          channel,
          he,
          quantisedWaves(theta, harmonics),
          terms,
          n,
          outputs,
          rng,
        );
  const lifted = await lift(context.ot, products);

  const e = lifted.subarray(0, n);
  const edge = bump ? sum(lifted.subarray(n)) : null;
  if (context.role === 'feature_holder') return { e, edge };
  const constant = bump ? BigInt(Math.round(bump.constant * n * 2 ** ERROR_BITS)) : 0n;
  return {
    e: add(e, toFixed(constants(series, rows), ERROR_BITS)),
    edge: edge === null ? null : BigInt.asUintN(64, edge + constant),
  };
}

/** The error's series for y = 0, without the weight of the row. */
function seriesOf({ loss, level }: LinkDomain): FourierSeries {
  const size = FOURIER_SIZES[level]!;
  if (loss === 'logloss') return sigmoidSeries(size);
  return brierGradientSeries({ ...size, terms: size.terms * BRIER_TERMS }, 0);
}

/** 2 pi (z mod 2^periodBits) / 2^periodBits, 33 <= periodBits <= 64, to double precision. */
function angles(z: BigUint64Array, periodBits: number): Float64Array {
  const words = new Uint32Array(z.buffer, z.byteOffset, 2 * z.length);
  const mask = 2 ** (periodBits - 32) - 1;
  const turn = (2 * Math.PI) / 2 ** periodBits;
  const theta = new Float64Array(z.length);
  for (let i = 0; i < theta.length; i++) {
    theta[i] = ((words[2 * i + 1]! & mask) * 2 ** 32 + words[2 * i]!) * turn;
  }
  return theta;
}

/** sin(k theta) and cos(k theta) of rows from ... from + count - 1, for each harmonic: [|harmonics|, count]. */
interface Waves {
  readonly from: number;
  readonly sines: Float64Array;
  readonly cosines: Float64Array;
}

/** By the angle addition formulas: two trigonometric functions a row, whatever the harmonics. */
function wavesOf(
  theta: Float64Array,
  harmonics: readonly number[],
  from: number,
  count: number,
): Waves {
  const place = new Int32Array(Math.max(...harmonics) + 1).fill(-1);
  harmonics.forEach((k, j) => {
    place[k] = j * count;
  });
  const sines = new Float64Array(harmonics.length * count);
  const cosines = new Float64Array(harmonics.length * count);
  for (let i = 0; i < count; i++) {
    const s1 = Math.sin(theta[from + i]!);
    const c1 = Math.cos(theta[from + i]!);
    let [s, c] = [s1, c1];
    for (let k = 1; k < place.length; k++) {
      const at = place[k]!;
      if (at >= 0) {
        sines[at + i] = s;
        cosines[at + i] = c;
      }
      const next = s * c1 + c * s1;
      c = c * c1 - s * s1;
      s = next;
    }
  }
  return { from, sines, cosines };
}

/** H's side: round(2^11 sin(k theta)) for each harmonic, then the cosines; made block by block. */
function quantisedWaves(theta: Float64Array, harmonics: readonly number[]): Values {
  const one = 2 ** TRIG_BITS;
  let waves: Waves | null = null;
  return (term, from, count) => {
    if (waves?.from !== from) waves = wavesOf(theta, harmonics, from, count);
    const j = term % harmonics.length;
    const wave = term < harmonics.length ? waves.sines : waves.cosines;
    const quantised = new Int32Array(count);
    for (let i = 0; i < count; i++) {
      const value = one * wave[j * count + i]!;
      quantised[i] = value < 0 ? value - 0.5 : value + 0.5; // cut towards zero as it is stored
    }
    return quantised;
  };
}

/**
 * A's side: what the sine and the cosine of each harmonic are multiplied by, at 2^11.
 * Output 0 is the error without its constant, output 1 the guard without its constant.
 *
 *   a sin(k(h + t)) + b cos(k(h + t)) = sin kh (a cos kt - b sin kt) + cos kh (a sin kt + b cos kt)
 */
function multipliers(
  theta: Float64Array,
  harmonics: readonly number[],
  outputs: readonly (FourierSeries | null)[],
  rows: LinkRows,
  rng: Rng,
): Coefficients {
  const one = 2 ** TRIG_BITS;
  const labels = rows.labels!;
  let waves: Waves | null = null;
  return (output, term, from, count) => {
    if (waves?.from !== from) waves = wavesOf(theta, harmonics, from, count);
    const ofCosine = term >= harmonics.length;
    const j = term % harmonics.length;
    const series = outputs[output]!;
    const at = series.harmonics.indexOf(harmonics[j]!);
    if (at < 0) return null;
    const values = new Int32Array(count);
    const [a, b] = [one * series.sines[at]!, one * series.cosines[at]!];
    const first = waves.sines.subarray(j * count, (j + 1) * count);
    const second = waves.cosines.subarray(j * count, (j + 1) * count);
    const [odd, even, sign] = ofCosine ? [first, second, b] : [second, first, -b];
    if (output === 1) {
      // The bump's last coefficients are of the order of one unit: rounding them to nearest would add the
      // same error in every row, and the sum over rows would count it. Random rounding has mean zero.
      const dither = rng(2 * count);
      for (let i = 0; i < count; i++) {
        const u = (dither[2 * i]! + 256 * dither[2 * i + 1]!) / 65536; // uniform in [0, 1)
        values[i] = Math.floor(a * odd[i]! + sign * even[i]! + u);
      }
      return values;
    }
    const { rowWeights } = rows;
    for (let i = 0; i < count; i++) {
      // the even part of (s - y) s (1 - s) changes sign with y; the sigmoid has none
      let value = a * odd[i]!;
      if (sign !== 0) value += sign * (1 - 2 * labels[from + i]!) * even[i]!;
      if (rowWeights) value *= rowWeights[from + i]!;
      values[i] = value < 0 ? value - 0.5 : value + 0.5; // stored as an integer: cut towards zero
    }
    return values;
  };
}

/** A's constant part of the error: c (1/2 - y) for the sigmoid, nothing for squared error. */
function constants(series: FourierSeries, { labels, rowWeights }: LinkRows): Float64Array {
  const parts = new Float64Array(labels!.length);
  if (series.constant === 0) return parts;
  for (let i = 0; i < parts.length; i++) {
    parts[i] = (series.constant - labels![i]!) * (rowWeights ? rowWeights[i]! : 1);
  }
  return parts;
}
