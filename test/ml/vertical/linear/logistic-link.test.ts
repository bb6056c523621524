import { deepEqual, equal, ok } from 'node:assert/strict';
import { HeCiphertext, HeSlotAnswer } from '../../../../proto/gen/he.ts';
import { seededGenerator } from '../../../../src/ml/data/random.ts';
import { evaluateSeries, guardSeries } from '../../../../src/ml/linear/fourier-link.ts';
import { brierLossGradient, logLossGradient } from '../../../../src/ml/linear/link.ts';
import type { TrainingContext } from '../../../../src/ml/vertical/linear/context.ts';
import {
  ERROR_BITS,
  fromFixed,
  LOGIT_BITS,
  toFixed,
} from '../../../../src/ml/vertical/linear/fixed-point.ts';
import {
  domainLimit,
  type LinkDomain,
  type LinkRows,
  logisticErrors,
  widerDomain,
} from '../../../../src/ml/vertical/linear/logistic-link.ts';
import { reconstruct, share } from '../../../../src/protocols/sharing/share.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { both, contextPair } from '../../../support/vertical-run.ts';

/** Largest error of the series within the domain, as `fourier-link.ts` tabulates and its test checks. */
const SERIES_ERROR = { logloss: 0.0045, mse: 0.0094 };

/** Standard deviation of the label holder's rounding of one multiplier, and of the other's waves: 2^-11 / sqrt 12. */
const QUANTUM = 2 ** -11 / Math.sqrt(12);

/** Deviation of a row's error from the series: 2K multipliers rounded, each times a wave of mean square 1/2. */
function quantisation({ loss, level }: LinkDomain): number {
  const K = 8 * 2 ** level * (loss === 'mse' ? 5 / 4 : 1);
  return QUANTUM * Math.sqrt(K + 1); // the waves' rounding is multiplied by coefficients whose squares sum to < 1
}

/** Standard deviation of a row in the guard sum, as `domain-guard.ts` bounds it. */
const ROW_NOISE = 8e-4;

/** Uniform in [-limit, limit). */
function logits(n: number, limit: number, seed: number): Float64Array {
  const next = seededGenerator(seed);
  return Float64Array.from({ length: n }, () => limit * (next() / 2 ** 31 - 1));
}

interface Rows {
  readonly labels: Float64Array;
  readonly rowWeights?: Float64Array;
}

describe('errors of logistic regression', () => {
  let contexts: readonly [TrainingContext, TrainingContext];
  let channels: Awaited<ReturnType<typeof contextPair>>['channels'];
  before(async () => {
    ({ contexts, channels } = await contextPair());
  });

  async function run(
    domain: LinkDomain,
    z: Float64Array,
    { labels, rowWeights }: Rows,
    guard: boolean,
    logitBits = LOGIT_BITS,
  ): Promise<{ e: Float64Array; edge: number | null }> {
    const shares = share(toFixed(z, logitBits), seededRng('logits'));
    const [a, b] = await both((role) => {
      const rows: LinkRows = {
        z: shares[role]!,
        logitBits,
        ...(role === 0 && { labels, ...(rowWeights && { rowWeights }) }),
      };
      return logisticErrors(contexts[role], domain, rows, guard);
    });
    const edge =
      a.edge === null || b.edge === null
        ? null
        : Number(BigInt.asIntN(64, a.edge + b.edge)) / 2 ** ERROR_BITS;
    return { e: fromFixed(reconstruct(a.e, b.e), ERROR_BITS), edge };
  }

  for (const loss of ['logloss', 'mse'] as const) {
    for (const level of [0, 1, 2]) {
      const domain: LinkDomain = { loss, level };
      it(`agrees with the plain link: ${loss}, period ${64 << level}`, async () => {
        const n = level === 0 ? 4500 : 300; // above 4096 rows there are two blocks, few rows share ciphertexts
        const z = logits(n, domainLimit(domain), level);
        const labels = Float64Array.from(z, (_, i) => i % 2);
        const rowWeights = Float64Array.from(z, (_, i) => (i % 3 === 0 ? 0.25 : 1));
        const guard = loss === 'logloss';
        const { e, edge } = await run(domain, z, { labels, rowWeights }, guard);

        const gradient = loss === 'mse' ? brierLossGradient : logLossGradient;
        const noise = quantisation(domain);
        let squares = 0;
        e.forEach((value, i) => {
          const off = value - rowWeights[i]! * gradient(z[i]!, labels[i]!);
          ok(
            Math.abs(off) < rowWeights[i]! * SERIES_ERROR[loss] + 6 * noise,
            `row ${i}, z = ${z[i]}: off by ${off}`,
          );
          squares += off * off;
        });
        const typical = Math.sqrt(squares / n);
        ok(typical > noise / 4, `errors of ${typical} are suspiciously small`);
        if (guard) {
          const series = guardSeries(64 << level);
          const expected = z.reduce((sum, each) => sum + evaluateSeries(series, each), 0);
          ok(
            Math.abs(edge! - expected) < 5 * ROW_NOISE * Math.sqrt(n),
            `guard sum ${edge} for ${expected}`,
          );
        } else equal(edge, null);
      });
    }
  }

  it('takes logits of both solvers’ scales, with errors that do not depend on it', async () => {
    const z = logits(64, 20, 9);
    const labels = new Float64Array(64);
    const { e } = await run({ loss: 'logloss', level: 0 }, z, { labels }, false, 39);
    e.forEach((value, i) => {
      ok(Math.abs(value - logLossGradient(z[i]!, 0)) < 0.0045 + 6 * 2 ** -11, `row ${i}`);
    });
  });

  it('sums the guard without bias: 50 000 rows near zero count as none', async () => {
    const n = 50_000;
    const z = logits(n, 0.5, 3);
    const { e, edge } = await run(
      { loss: 'logloss', level: 0 },
      z,
      { labels: new Float64Array(n) },
      true,
    );
    const expected = z.reduce((sum, each) => sum + evaluateSeries(guardSeries(64), each), 0);
    ok(expected < 1e-6, 'the plain sum is nothing');
    const limit = 4 * ROW_NOISE * Math.sqrt(n);
    ok(Math.abs(edge!) < limit, `guard sum ${edge} of limit ${limit}`);
    ok(Math.abs(edge!) > limit / 1e4, 'the noise is there');
    // The error's own bias: the gradient of the intercept sums it over rows.
    const bias = e.reduce((sum, value, i) => sum + value - logLossGradient(z[i]!, 0), 0) / n;
    ok(Math.abs(bias) < 1e-4, `mean error ${bias}`);
  });

  it('counts rows that jumped over the edge', async () => {
    const labels = new Float64Array(8);
    for (const [level, z] of [
      [0, 50],
      [0, -60],
      [0, 100],
      [1, 128],
      [2, -300],
    ] as const) {
      const rows = new Float64Array(8);
      rows[3] = z;
      const { edge } = await run({ loss: 'logloss', level }, rows, { labels }, true);
      ok(edge! > 0.5 + 4 * ROW_NOISE * Math.sqrt(8), `a logit of ${z} gives ${edge}`);
    }
  });

  it('works for a single row', async () => {
    const { e, edge } = await run(
      { loss: 'logloss', level: 0 },
      Float64Array.of(2),
      { labels: Float64Array.of(1) },
      true,
    );
    ok(Math.abs(e[0]! - logLossGradient(2, 1)) < 0.0045 + 6 * 2 ** -11);
    ok(Math.abs(edge!) < 5 * ROW_NOISE);
  });

  it('gives shares that tell nothing alone', async () => {
    const n = 2000;
    const shares = share(toFixed(new Float64Array(n), LOGIT_BITS), seededRng('zero'));
    const [a] = await both((role) =>
      logisticErrors(
        contexts[role],
        { loss: 'logloss', level: 0 },
        {
          z: shares[role]!,
          logitBits: LOGIT_BITS,
          ...(role === 0 && { labels: new Float64Array(n) }),
        },
        false,
      ),
    );
    // A lifted share is uniform in the whole ring, although every error is the same.
    const high = a.e.reduce((count, word) => count + Number(word >> 63n), 0);
    ok(Math.abs(high - n / 2) < 5 * Math.sqrt(n / 4), `${high} of ${n} have their top bit set`);
  });

  it('steps through the domains', () => {
    let domain: LinkDomain | null = { loss: 'mse', level: 0 };
    const limits: number[] = [];
    while (domain) {
      limits.push(domainLimit(domain));
      domain = widerDomain(domain);
    }
    deepEqual(limits, [24, 56, 120, 248]);
  });

  it('costs what its header says', async () => {
    for (const [n, guard, ciphertexts] of [
      [5000, false, 2 * 16],
      [5000, true, 2 * (16 + 14)],
      [100, false, 1], // 32 terms stand side by side
    ] as const) {
      const before = channels.map(({ stats }) => ({ ...stats }));
      await run(
        { loss: 'logloss', level: 0 },
        new Float64Array(n),
        { labels: new Float64Array(n) },
        guard,
      );
      const sent = (i: 0 | 1, key: 'bytesSent' | 'messagesSent'): number =>
        channels[i].stats[key] - before[i]![key];
      const outputs = guard ? 2 : 1;
      const blocks = Math.ceil(n / 4096);
      const ciphertext = HeCiphertext.encode({
        seed: new Uint8Array(16),
        c0: new Uint8Array(55_296),
      });
      const answer = HeSlotAnswer.encode({
        c0: new Uint8Array(27_648),
        c1: new Uint8Array(27_648),
      });
      const columns = 128 * Math.ceil((outputs * n) / 8);
      const masks = 8 * outputs * n;
      equal(sent(1, 'messagesSent'), ciphertexts + 1, `${n} rows`);
      equal(sent(0, 'messagesSent'), blocks * outputs + 1);
      const tag = (bytes: number): number => (bytes < 2 ** 14 ? 3 : 4);
      equal(sent(1, 'bytesSent'), ciphertexts * ciphertext.finish().length + masks + tag(masks));
      equal(
        sent(0, 'bytesSent'),
        blocks * outputs * answer.finish().length + columns + tag(columns),
      );
    }
  });
});
