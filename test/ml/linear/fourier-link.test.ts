import { equal, ok, throws } from 'node:assert/strict';
import {
  brierGradientSeries,
  evaluateSeries,
  FOURIER_SIZES,
  type FourierSeries,
  fourierDomain,
  guardSeries,
  sigmoidSeries,
} from '../../../src/ml/linear/fourier-link.ts';
import { brierLossGradient, sigmoid } from '../../../src/ml/linear/link.ts';

/** Largest |series(z) - exact(z)| over a fine grid of [-limit, limit]. */
function largestError(series: FourierSeries, exact: (z: number) => number, limit: number): number {
  let largest = 0;
  for (let z = -limit; z <= limit; z += 1 / 64) {
    largest = Math.max(largest, Math.abs(evaluateSeries(series, z) - exact(z)));
  }
  return largest;
}

describe('fourier link', () => {
  it('approximates the sigmoid on the domain and stays bounded everywhere', () => {
    for (const size of FOURIER_SIZES) {
      const series = sigmoidSeries(size);
      const error = largestError(series, sigmoid, fourierDomain(size.period));
      ok(error < 0.0045, `period ${size.period}: error ${error}`);
      ok(
        error > 0.004,
        `period ${size.period}: the documented error ${error} is not a loose bound`,
      );
      const swing = largestError(series, () => 1 / 2, size.period / 2);
      ok(swing < 0.5016, `period ${size.period}: swing ${swing}`);
    }
  });

  it('trades terms for accuracy', () => {
    ok(largestError(sigmoidSeries({ period: 64, terms: 10 }), sigmoid, 24) < 0.0014);
  });

  it('approximates the gradient of squared error for both labels', () => {
    for (const size of FOURIER_SIZES) {
      for (const y of [0, 1]) {
        const series = brierGradientSeries(size, y);
        const exact = (z: number): number => brierLossGradient(z, y);
        const error = largestError(series, exact, fourierDomain(size.period));
        ok(error < 0.0094, `period ${size.period}, y = ${y}: error ${error}`);
        ok(error > 0.009, `period ${size.period}, y = ${y}: error ${error}`);
        const swing = largestError(series, () => 0, size.period / 2);
        ok(swing < 0.14, `period ${size.period}, y = ${y}: swing ${swing}`);
      }
    }
  });

  it('has harmonics that are odd, period P and the mirror at P/4', () => {
    const series = sigmoidSeries(FOURIER_SIZES[0]!);
    ok(series.harmonics.every((k) => k % 2 === 1));
    for (const z of [-7.3, 0.1, 5]) {
      const value = evaluateSeries(series, z);
      ok(Math.abs(value - evaluateSeries(series, z + 64)) < 1e-12, 'period');
      ok(Math.abs(value - evaluateSeries(series, 32 - z)) < 1e-12, 'mirror');
    }
  });

  it('guards the edge with a power of the sine', () => {
    for (const [period, m] of [[64, 6] as const, [128, 6] as const, [64, 1] as const]) {
      const exact = (z: number): number => Math.sin((Math.PI * z) / period) ** (2 * m);
      ok(largestError(guardSeries(period, m), exact, period) < 1e-13, `${period}, ${m}`);
    }
    const guard = guardSeries(64);
    equal(guard.harmonics.length, 6);
    ok(evaluateSeries(guard, 16) < 0.016 && evaluateSeries(guard, 24) > 0.38);
  });

  it('refuses sizes without a domain', () => {
    throws(() => sigmoidSeries({ period: 16, terms: 8 }), /period/);
    throws(() => sigmoidSeries({ period: 64, terms: 0 }), /terms/);
    throws(() => guardSeries(64, 0.5), /"m"/);
  });
});
