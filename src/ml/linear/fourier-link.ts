/**
 * Links as trigonometric polynomials: what a protocol can evaluate on additive shares of z, because
 * sin(w (z0 + z1)) and cos(w (z0 + z1)) are sums of two products of local values, and because a series
 * of period P asks for z modulo P only.
 *
 * With w_k = 2 pi k / P and s = sigmoid(z): s' = s (1 - s) has the Fourier transform pi w / sinh(pi w).
 * Its copies at multiples of P/2, with alternating signs, sum (Poisson) to odd harmonics only:
 *
 *   s (1 - s)         = sum a_k cos(w_k z),             a_k = (4/P) pi w_k / sinh(pi w_k)
 *   s                 = 1/2 + sum (a_k / w_k) sin(w_k z)
 *   (s - 1/2) s (1 - s) = 1/2 sum a_k w_k sin(w_k z)    since s'' = (1 - 2 s) s'
 *
 * over odd k < 2 K. The right sides mirror about P/4, so they hold on |z| <= P/2 - 8 and are wrong
 * towards P/2, where the sign turns. Errors, measured on a fine grid and tested:
 *
 *   | P, K    | domain | s     | (s - y) s (1 - s) | largest anywhere: abs(s - 1/2), gradient |
 *   |---------|--------|-------|-------------------|------------------------------------------|
 *   | 64, 8   | 24     | .0044 | .0094             | .5016, .140                              |
 *   | 128, 16 | 56     | .0045 | .0094             | .5014, .140                              |
 *   | 256, 32 | 120    | .0045 | .0094             | .5014, .140                              |
 *   | 512, 64 | 248    | .0045 | .0094             | .5014, .140                              |
 */

/** constant + sum over i of cosines[i] cos(h_i t) + sines[i] sin(h_i t), t = 2 pi z / period. */
export interface FourierSeries {
  readonly period: number;
  readonly constant: number;
  /** h: ascending, >= 1. */
  readonly harmonics: readonly number[];
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
}

/** Period P and number K of odd harmonics. */
export interface FourierSize {
  readonly period: number;
  readonly terms: number;
}

/** The sizes a training goes through when logits outgrow a domain; the first is the default. */
export const FOURIER_SIZES: readonly FourierSize[] = [
  { period: 64, terms: 8 },
  { period: 128, terms: 16 },
  { period: 256, terms: 32 },
  { period: 512, terms: 64 },
];

/** Largest |z| for which the links of this period are claimed: P/2 - 8. */
export function fourierDomain(period: number): number {
  return period / 2 - 8;
}

/** s(z). The gradient of the log loss is this series minus y. */
export function sigmoidSeries({ period, terms }: FourierSize): FourierSeries {
  const harmonics = oddHarmonics(period, terms);
  const sines = Float64Array.from(harmonics, (k) => {
    const w = (2 * Math.PI * k) / period;
    return slopeCoefficient(period, w) / w;
  });
  return { period, constant: 1 / 2, harmonics, cosines: new Float64Array(terms), sines };
}

/** (s - y) s (1 - s), the gradient of (s - y)^2 / 2, for this row's y. */
export function brierGradientSeries({ period, terms }: FourierSize, y: number): FourierSeries {
  const harmonics = oddHarmonics(period, terms);
  const w = harmonics.map((k) => (2 * Math.PI * k) / period);
  return {
    period,
    constant: 0,
    harmonics,
    cosines: Float64Array.from(w, (w_k) => (1 / 2 - y) * slopeCoefficient(period, w_k)),
    sines: Float64Array.from(w, (w_k) => (slopeCoefficient(period, w_k) * w_k) / 2),
  };
}

/** Degree of the guard in x, and the flatness of its ends. */
const GUARD_TERMS = 10;
const GUARD_FLATNESS = 4;

/**
 * A smooth step over the domain's edge, of *twice* the link's period P:
 *
 *   g(z) = sum_{j >= 4} C(10, j) x^j (1 - x)^(10 - j),   x = sin^2(pi z / 2P)
 *
 * the probability of 4 or more successes in 10 trials of probability x. It is below 1.1e-5 on |z| <= 5P/64,
 * .05 at P/4, .38 at 3P/8, .83 at P/2 and above 1/2 from .41 P to 1.59 P. Its sum over rows counts those
 * beyond the edge, whether they passed it slowly or jumped: what only has the link's period cannot tell a
 * logit of P/2 + 18, where the link's sign is wrong, from one of 18 - P/2 where all is well.
 */
export function guardSeries(period: number): FourierSeries {
  if (!(period > 0)) throw new RangeError(`"period" expected > 0, got ${period}`);
  const harmonics = Array.from({ length: GUARD_TERMS }, (_, i) => i + 1);
  // A cosine polynomial of degree 10 is its discrete Fourier transform on more than 20 points.
  const points = 2 * GUARD_TERMS + 2;
  const values = Array.from({ length: points }, (_, i) =>
    tailProbability(Math.sin((Math.PI * i) / points) ** 2),
  );
  const moment = (k: number): number =>
    values.reduce((sum, g, i) => sum + g * Math.cos((2 * Math.PI * i * k) / points), 0) / points;
  return {
    period: 2 * period,
    constant: moment(0),
    harmonics,
    cosines: Float64Array.from(harmonics, (k) => 2 * moment(k)),
    sines: new Float64Array(GUARD_TERMS),
  };
}

/** The same function as a series of `factor` times the period. */
export function withPeriod(series: FourierSeries, factor: number): FourierSeries {
  const harmonics = series.harmonics.map((h) => factor * h);
  return { ...series, period: factor * series.period, harmonics };
}

/** P(Binomial(GUARD_TERMS, x) >= GUARD_FLATNESS). */
function tailProbability(x: number): number {
  let choose = 1;
  let sum = 0;
  for (let j = 0; j <= GUARD_TERMS; j++) {
    if (j >= GUARD_FLATNESS) sum += choose * x ** j * (1 - x) ** (GUARD_TERMS - j);
    choose = (choose * (GUARD_TERMS - j)) / (j + 1);
  }
  return sum;
}

/** The value of a series at z. */
export function evaluateSeries(series: FourierSeries, z: number): number {
  let sum = series.constant;
  series.harmonics.forEach((h, i) => {
    const angle = (2 * Math.PI * h * z) / series.period;
    sum += series.cosines[i]! * Math.cos(angle) + series.sines[i]! * Math.sin(angle);
  });
  return sum;
}

/** a_k = (4/P) pi w / sinh(pi w). */
function slopeCoefficient(period: number, w: number): number {
  return ((4 / period) * Math.PI * w) / Math.sinh(Math.PI * w);
}

/** 1, 3, ..., 2 terms - 1. */
function oddHarmonics(period: number, terms: number): number[] {
  if (!(period > 16)) throw new RangeError(`"period" expected > 16, got ${period}`);
  if (!Number.isSafeInteger(terms) || terms < 1 || terms > 256) {
    throw new RangeError(`"terms" expected an integer from 1 to 256, got ${terms}`);
  }
  return Array.from({ length: terms }, (_, i) => 2 * i + 1);
}
