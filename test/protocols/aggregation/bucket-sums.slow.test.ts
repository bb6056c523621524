import { deepEqual, equal, ok } from 'node:assert/strict';
import { ROW_VARIANCE } from '../../../src/protocols/aggregation/parameters.ts';
import { sumsByBucket } from '../../support/bucket-noise.ts';
import { randomColumns, randomVector, runBuckets } from '../../support/bucket-run.ts';

describe('sums by bucket at scale', () => {
  it('equals plaintext within the predicted noise: a million rows', async () => {
    const rows = 1_000_000;
    const columns = randomColumns(rows, [256, 32, 32, 1], 'million');
    const sizes = sumsByBucket(new Uint8Array(rows).fill(1), columns);
    const vectors = [randomVector(rows, 12, 'g'), randomVector(rows, 11, 'h')];
    const { residuals, errors } = await runBuckets(columns, vectors, 'million');
    residuals.forEach((residual, t) => {
      deepEqual(residual, sumsByBucket(errors[t]!, columns), `vector ${t}`);
      const statistic = residual
        .subarray(0, 256)
        .reduce((sum, v, r) => sum + v ** 2 / (ROW_VARIANCE * sizes[r]!), 0);
      ok(Math.abs(statistic - 256) < 5 * Math.sqrt(512), `vector ${t}: chi-square ${statistic}`);
    });
  });

  it('takes a column of 65 535 bins, most of them empty', async () => {
    const rows = 20_000;
    const columns = randomColumns(rows, [65_535, 1], 'wide');
    const x = randomVector(rows, 16, 'x');
    const { residuals, errors } = await runBuckets(columns, [x], 'wide');
    deepEqual(residuals[0], sumsByBucket(errors[0]!, columns));
    equal(residuals[0]!.length, 65_536);
    const empty = residuals[0]!.filter((v) => v === 0).length;
    ok(empty > 40_000, `${empty} empty buckets without noise`);
  });

  it('has the noise of a normal distribution in many sums', async () => {
    const rows = 30_000;
    const columns = randomColumns(rows, [32], 'normal');
    const sizes = sumsByBucket(new Uint8Array(rows).fill(1), columns);
    const vectors = Array.from({ length: 120 }, (_, t) => randomVector(rows, 15, t));
    const { residuals } = await runBuckets(columns, vectors, 'normal');
    const z = residuals.flatMap((residual) =>
      Array.from(residual, (v, r) => v / Math.sqrt(ROW_VARIANCE * sizes[r]!)),
    );
    const within = (limit: number): number =>
      z.filter((v) => Math.abs(v) < limit).length / z.length;
    for (const [limit, expected] of [
      [0.6745, 0.5],
      [1, 0.6827],
      [2, 0.9545],
      [3, 0.9973],
    ] as const) {
      const spread = 5 * Math.sqrt((expected * (1 - expected)) / z.length);
      const seen = within(limit);
      ok(Math.abs(seen - expected) < spread, `${seen} within ${limit}, expected ${expected}`);
    }
  });
});
