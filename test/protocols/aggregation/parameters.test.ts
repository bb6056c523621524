import { deepEqual, equal, ok } from 'node:assert/strict';
import { HINT_DEGREE } from '../../../src/kernels/hint-kernel.ts';
import { PARTS } from '../../../src/kernels/rlwe-kernel.ts';
import {
  batchOf,
  hintError,
  MAX_BUCKETS,
  MAX_ROWS,
  MAX_SUM,
  ROW_VARIANCE,
  sumDeviation,
} from '../../../src/protocols/aggregation/parameters.ts';
import { batchLayout } from '../../../src/protocols/he/batch-matrix.ts';

/** An LWE problem with a binary secret: dimension, log2 q, deviation of the error. */
interface Problem {
  readonly n: number;
  readonly logQ: number;
  readonly sigma: number;
}

const SETS: readonly (readonly [string, Problem, number])[] = [
  ['N = 2048, q / sigma = 2^51.6', { n: 2048, logQ: 64, sigma: 2 ** 12.4 }, 337],
  ['N = 1024, q / sigma = 2^25', { n: 1024, logQ: 32, sigma: 2 ** 7 }, 339],
  ['here', { n: HINT_DEGREE, logQ: 32, sigma: Math.sqrt(ROW_VARIANCE) }, 668],
];
/** Of a binary secret around its centre. */
const SECRET_DEVIATION = 1 / 2;

/** log2 of the root Hermite factor of blocks of beta. */
function logDelta(beta: number): number {
  const root = (Math.PI * beta) ** (1 / beta) * (beta / (2 * Math.PI * Math.E));
  return Math.log2(root) / (2 * (beta - 1));
}

/** The cost model of [HES18]. */
const logCost = (beta: number, d: number): number => 0.292 * beta + 16.4 + Math.log2(8 * d);

/** Least blocks for which the 2016 estimate solves uSVP, secret rescaled, best number of samples; and d. */
function primal({ n, logQ, sigma }: Problem): { beta: number; d: number } {
  const scale = n * Math.log2(sigma / SECRET_DEVIATION);
  for (let beta = 50; ; beta++) {
    for (let samples = 500; samples <= 4000; samples += 25) {
      const d = samples + n + 1;
      const volume = (samples * logQ + scale) / d;
      const norm = Math.log2(beta) / 2 + Math.log2(sigma);
      if (norm <= (2 * beta - d - 1) * logDelta(beta) + volume) return { beta, d };
    }
  }
}

/** log2 of the cost of the best dual distinguisher, its advantage amplified by the vectors of a sieve. */
function dual({ n, logQ, sigma }: Problem): number {
  let best = Infinity;
  for (let beta = 60; beta < 1000; beta += 5) {
    for (let samples = 500; samples <= 4000; samples += 100) {
      const d = samples + n;
      const length =
        (d - 1) * logDelta(beta) + (n * (logQ + Math.log2(SECRET_DEVIATION / sigma))) / d;
      const exponent = 2 * Math.PI ** 2 * 2 ** (2 * (length + Math.log2(sigma) - logQ));
      const repetitions = Math.max(0, (2 * exponent) / Math.LN2 - 0.2075 * beta);
      best = Math.min(best, logCost(beta, d) + repetitions);
    }
  }
  return best;
}

/**
 * log2 of the cost of guessing a part of the secret by meeting in the middle, on a basis that leaves the rest to the
 * nearest plane. Generous: every collision is found, and planes 2 deviations apart will do.
 */
function meeting({ n, logQ, sigma }: Problem): number {
  let best = Infinity;
  for (let guessed = 100; guessed <= 500; guessed += 20) {
    for (let beta = 200; beta < 700; beta += 5) {
      for (let samples = 500; samples <= 2500; samples += 100) {
        const rest = n - guessed;
        const d = samples + rest;
        const volume = (samples * logQ + rest * Math.log2(sigma / SECRET_DEVIATION)) / d;
        if (volume - (d - 1) * logDelta(beta) < 1 + Math.log2(sigma)) continue;
        best = Math.min(best, Math.max(logCost(beta, d), guessed / 2 + 2 * Math.log2(d) - 1));
      }
    }
  }
  return best;
}

describe('parameters of sums by bucket', () => {
  it('ask for blocks of the size that the table states, and less of published sets', () => {
    for (const [name, problem, expected] of SETS) {
      const { beta, d } = primal(problem);
      ok(Math.abs(beta - expected) <= 2, `${name}: blocks of ${beta}`);
      const cost = logCost(beta, d);
      if (name === 'here') ok(cost > 225, `2^${cost.toFixed(1)}`);
      else ok(Math.abs(cost - 129.5) < 1, `${name} is known for 128 bits: 2^${cost.toFixed(1)}`);
      const guessed = primal({ ...problem, n: problem.n - 30 });
      ok(30 + logCost(guessed.beta, guessed.d) > cost + 20, 'guessing bits of s costs more');
    }
    ok(dual(SETS[0]![1]) > 129 && dual(SETS[0]![1]) < 132);
    ok(dual(SETS[2]![1]) > 225, 'dual');
    const met = SETS.map(([, problem]) => meeting(problem).toFixed(0));
    deepEqual(met, ['123', '116', '205'], 'meeting in the middle');
    equal((32 - Math.log2(Math.sqrt(ROW_VARIANCE))).toFixed(2), '30.30');
  });

  it('have errors that are uniform modulo 2', () => {
    // Fourier coefficient of a centred binomial of 21 pairs at 1/2 is cos(pi/2)^42 = 0: exactly uniform.
    let even = 0;
    for (let ones = 0; ones <= 42; ones += 2) even += binomial(42, ones);
    equal(even, 2 ** 41);
  });

  it('leave room for noise beside the largest sums', () => {
    equal(MAX_SUM, 2 ** 31 - 2 ** 24);
    const tail = 10 * sumDeviation(MAX_ROWS);
    equal(Math.log2(tail).toFixed(1), '17.0');
    ok(MAX_SUM + 100 * tail <= 2 ** 31);
    equal(sumDeviation(0), 0);
    equal(sumDeviation(100).toFixed(2), '32.40');
  });

  it('bound the unit that rounding may add', () => {
    for (const batch of PARTS) {
      let last = 0;
      for (const buckets of [1, 640, 1600, MAX_BUCKETS]) {
        const d = hintError(buckets, batch) + 1;
        ok(d >= last, 'rising');
        last = d;
      }
      ok(Math.log2(last) < 2.1);
    }
    const bits = (buckets: number, batch: number): string =>
      Math.log2((2 * (hintError(buckets, batch) + 1)) / 2 ** 32).toFixed(1);
    deepEqual(
      [bits(1, 4), bits(640, 4), bits(640, 32), bits(1600, 32), bits(MAX_BUCKETS, 4)],
      ['-30.6', '-30.1', '-30.3', '-30.3', '-29.0'],
    );
    // The dominating term with integers: 10 sqrt(10.583) 2^31 sqrt(1024 512), through p_3, in units of Q_3 / 2^64.
    const { rows, columns, columnBlocks } = batchLayout(MAX_BUCKETS, HINT_DEGREE, 4);
    equal(rows * columns * columnBlocks, 1024 * 512);
    const norm = 2n ** 31n * 724n;
    const [p0, p1, p2, p3] = [134176769n, 134111233n, 134012929n, 133963777n];
    const noise = (325n * norm * 2n ** 64n * 1000n) / (10n * p3 * p0 * p1 * p2);
    ok(Math.abs(Number(noise) / 1000 - hintError(MAX_BUCKETS, 4)) < 0.2, `${noise}`);
  });

  it('take as many secrets at a time as are to be expected', () => {
    deepEqual([0, 1, 4, 5, 16, 17, 32, 33, 5000].map(batchOf), [4, 4, 4, 8, 16, 32, 32, 32, 32]);
  });
});

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 0; i < k; i++) result = (result * (n - i)) / (i + 1);
  return Math.round(result);
}
