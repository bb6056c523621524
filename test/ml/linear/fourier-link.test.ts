import { equal, ok, throws } from 'node:assert/strict';
import {
  brierGradientSeries,
  evaluateSeries,
  FOURIER_SIZES,
  type FourierSeries,
  fourierDomain,
  guardSeries,
  sigmoidSeries,
  withPeriod,
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

  it('guards the edge with a step of twice the period', () => {
    for (const period of [64, 128, 256]) {
      const guard = guardSeries(period);
      equal(guard.period, 2 * period);
      equal(guard.harmonics.length, 10);
      const exact = (z: number): number => {
        const x = Math.sin((Math.PI * z) / (2 * period)) ** 2;
        const below = [1, 10, 45, 120].map((c, j) => c * x ** j * (1 - x) ** (10 - j));
        return 1 - below.reduce((sum, term) => sum + term);
      };
      ok(largestError(guard, exact, period) < 1e-13, `${period}`);
      const at = (share: number): number => evaluateSeries(guard, share * period);
      ok(at(5 / 64) < 1.1e-5, `inside ${at(5 / 64)}`);
      ok(at(1 / 4) < 0.05, `${at(1 / 4)}`);
      ok(at(3 / 8) > 0.37 && at(3 / 8) < 0.38, `${at(3 / 8)}`);
      for (let share = 0.41; share < 1.59; share += 1 / 256) ok(at(share) > 1 / 2, `${share}`);
      ok(Math.max(guard.constant, 1 - guard.constant) < 0.999, 'fits a quarter of the slot prime');
    }
  });

  it('restates a series with a multiple of its period', () => {
    const series = sigmoidSeries({ period: 64, terms: 8 });
    const twice = withPeriod(series, 2);
    equal(twice.period, 128);
    ok(largestError(twice, (z) => evaluateSeries(series, z), 64) < 1e-14);
  });

  it('refuses sizes without a domain', () => {
    throws(() => sigmoidSeries({ period: 16, terms: 8 }), /period/);
    throws(() => sigmoidSeries({ period: 64, terms: 0 }), /terms/);
    throws(() => guardSeries(0), /period/);
  });
});
