import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { HINT_DEGREE } from '../../../src/kernels/hint-kernel.ts';
import {
  bucketHints,
  bucketOffsets,
  encodeHints,
} from '../../../src/protocols/aggregation/hint.ts';
import { hintError } from '../../../src/protocols/aggregation/parameters.ts';
import { expandSamples } from '../../../src/protocols/aggregation/samples.ts';
import { batchEvaluator, batchKeyOwner } from '../../../src/protocols/he/batch-product.ts';
import { hintKernel, randomColumns } from '../../support/bucket-run.ts';
import { hePair } from '../../support/he-pair.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('hints', () => {
  it('say where the buckets of a column are', () => {
    deepEqual(bucketOffsets(randomColumns(5, [3, 1, 256], 1)), [0, 3, 4, 260]);
    const large = randomColumns(3, [65_535, 1], 1);
    equal(bucketOffsets(large).at(-1), 65_536);
    throws(() => bucketOffsets({ ...large, counts: [65_535, 2] }), /"buckets" expected 1 to 65536/);
    throws(() => bucketOffsets({ ...large, counts: [65_536, 1] }), /counts\[0\]/);
  });

  it('are the sum over rows of what a bucket would have alone', async () => {
    const rows = 70_000; // two pieces
    const columns = randomColumns(rows, [5, 3], 'sum');
    const a = expandSamples(seededRng('a')(16), rows);
    const hints = await bucketHints(hintKernel, a, columns);
    equal(hints.length, 8 * HINT_DEGREE);
    const total = await bucketHints(hintKernel, a, {
      rows,
      bins: [new Uint16Array(rows)],
      counts: [1],
    });
    for (const [from, to] of [
      [0, 5],
      [5, 8],
    ] as const) {
      const sum = new Uint32Array(HINT_DEGREE);
      for (let at = from * HINT_DEGREE; at < to * HINT_DEGREE; at++) {
        sum[at % HINT_DEGREE]! += hints[at]!;
      }
      deepEqual(sum, total, 'columns partition the rows');
    }
  });

  for (const [buckets, batch] of [
    [1, 4],
    [40, 8],
    [640, 4],
    [640, 32],
  ] as const) {
    it(`keep products within the bound at the extremes: ${buckets} buckets, ${batch} at a time`, async () => {
      const { alice, bob, chA, chB } = await hePair();
      const signs = seededRng('signs')(buckets * HINT_DEGREE);
      for (const [name, hints] of [
        ['constant', new Int32Array(buckets * HINT_DEGREE).fill(-(2 ** 31))],
        ['random signs', Int32Array.from(signs, (b) => (b & 1 ? 2 ** 31 - 1 : -(2 ** 31)))],
      ] as const) {
        const X = await encodeHints(bob.kernel, new Uint32Array(hints.buffer), batch);
        const full = new BigUint64Array(HINT_DEGREE).fill(2n ** 32n); // every bit of s is set
        const vectors = Array.from({ length: batch }, () => full);
        const [u, w] = await Promise.all([
          batchKeyOwner(chA, alice, vectors, buckets, seededRng(`${name} a`)),
          batchEvaluator(chB, bob, X, seededRng(`${name} b`)),
        ]);
        let worst = 0;
        for (let r = 0; r < buckets; r++) {
          let m = 0;
          for (let k = 0; k < HINT_DEGREE; k++) m = (m + hints[r * HINT_DEGREE + k]!) | 0;
          for (let l = 0; l < batch; l++) {
            const d = BigInt.asIntN(64, u[l]![r]! + w[l]![r]! - (BigInt(m) << 32n));
            worst = Math.max(worst, Math.abs(Number(d)));
          }
        }
        ok(worst <= hintError(buckets, batch) + 1, `${name}: off by ${worst}`);
        X.free();
      }
      alice.close();
      bob.close();
    });
  }
});
