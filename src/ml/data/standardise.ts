import { assertFinite, type Matrix, zeros } from './matrix.ts';

/** Centre and scale of every column, measured on the training rows. */
export interface Scaler {
  readonly mean: Float64Array;
  /** Population standard deviation (divisor n, as scikit-learn's StandardScaler); 1 where constant. */
  readonly scale: Float64Array;
  /** 1 for a column without variation beyond rounding; it becomes a column of zeros. */
  readonly constant: Uint8Array;
}

/**
 * Mean and standard deviation of every column, in two passes.
 *
 * A column is constant when its variance is within the rounding error of computing it,
 * (n * mean * eps)^2 + n * eps * variance: the bound of [CGL83] "Algorithms for computing the sample
 * variance" that scikit-learn uses.
 */
export function fitScaler(X: Matrix): Scaler {
  const { rows: n, columns: d, values } = X;
  if (n === 0) throw new RangeError('"X" expected at least one row, got 0');
  assertFinite(X, 'X');
  const mean = new Float64Array(d);
  const scale = new Float64Array(d);
  const constant = new Uint8Array(d);
  for (let j = 0; j < d; j++) {
    let sum = 0;
    for (let at = j; at < values.length; at += d) sum += values[at]!;
    const centre = sum / n;
    // The second pass also sums the deviations: they correct the rounding of the first mean.
    let deviations = 0;
    let squares = 0;
    for (let at = j; at < values.length; at += d) {
      const deviation = values[at]! - centre;
      deviations += deviation;
      squares += deviation * deviation;
    }
    const variance = Math.max(0, (squares - (deviations * deviations) / n) / n);
    const rounding = (n * centre * Number.EPSILON) ** 2 + n * Number.EPSILON * variance;
    if (!Number.isFinite(variance)) throw new RangeError(`"X" overflows in column ${j}`);
    constant[j] = variance <= rounding ? 1 : 0;
    mean[j] = constant[j] ? values[j]! : centre + deviations / n;
    scale[j] = constant[j] ? 1 : Math.sqrt(variance);
  }
  return { mean, scale, constant };
}

/** (x - mean) / scale, column by column: [n, d]. A constant column becomes zeros on any rows. */
export function applyScaler(scaler: Scaler, X: Matrix): Matrix {
  const { mean, scale, constant } = scaler;
  if (X.columns !== mean.length) {
    throw new RangeError(`"X" expected ${mean.length} columns, got ${X.columns}`);
  }
  const result = zeros(X.rows, X.columns);
  for (let i = 0, at = 0; i < X.rows; i++) {
    for (let j = 0; j < X.columns; j++, at++) {
      result.values[at] = constant[j] ? 0 : (X.values[at]! - mean[j]!) / scale[j]!;
    }
  }
  return result;
}
