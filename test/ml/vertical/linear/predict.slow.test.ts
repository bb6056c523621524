import { deepEqual, equal, ok } from 'node:assert/strict';
import { matrix, zeros } from '../../../../src/ml/data/matrix.ts';
import { seededGenerator } from '../../../../src/ml/data/random.ts';
import { toFixed, WEIGHT_BITS } from '../../../../src/ml/vertical/linear/fixed-point.ts';
import { rowsAtOnce } from '../../../../src/ml/vertical/linear/predict.ts';
import { share } from '../../../../src/protocols/sharing/share.ts';
import { predictInMemory } from '../../../support/prediction-run.ts';
import { seededRng } from '../../../support/seeded-rng.ts';

describe('joint prediction of many rows', () => {
  it('goes on over blocks of rows as over one', async () => {
    const [n, widths] = [9000, [1, 500]] as const;
    equal(rowsAtOnce(500), 4096, 'three blocks, the last one short');
    const next = seededGenerator(2);
    const uniform = (): number => next() / 2 ** 31 - 1;
    const [guest, host] = widths.map((d) =>
      matrix(
        Float64Array.from({ length: n * d }, () => 3 * uniform()),
        n,
        d,
      ),
    );
    const weights = widths.map((d) => Float64Array.from({ length: d }, () => uniform() / 20));
    const shares = weights.map((w, p) => share(toFixed(w, WEIGHT_BITS), seededRng(`w${p}`)));
    const part = (p: 0 | 1) => {
      const d = widths[p];
      const W = zeros(d, d);
      for (let j = 0; j < d; j++) W.values[j * d + j] = 1;
      const scaler = {
        mean: new Float64Array(d),
        scale: new Float64Array(d).fill(1),
        constant: new Uint8Array(d),
      };
      return {
        weights: { own: shares[p]![p]!, peer: shares[1 - p]![p]! },
        whitening: { scaler, W, interceptValue: 0 },
        target: p === 0 ? { centre: 12, exponent: 1 } : null,
      };
    };
    const { scores } = await predictInMemory(
      { guest: part(0), host: part(1) },
      { guest: guest!, host: host! },
      { algorithm: 'linear_regression' },
    );
    deepEqual(scores[0], scores[1]);
    for (let i = 0; i < n; i++) {
      let z = 12 / 2 + guest!.values[i]! * weights[0]![0]!;
      for (let j = 0; j < 500; j++) z += host!.values[i * 500 + j]! * weights[1]![j]!;
      const off = Math.abs(scores[0]![i]! / 2 - z);
      ok(off < 2 ** -10 + 2e-3, `row ${i} is off by ${off}`); // 500 features to 2^-14
    }
  });
});
