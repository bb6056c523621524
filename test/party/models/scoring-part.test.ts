import { deepEqual, equal, throws } from 'node:assert/strict';
import { matrix } from '../../../src/ml/data/matrix.ts';
import { applyWhitening, fitWhitening } from '../../../src/ml/data/whiten.ts';
import type { LinearPart } from '../../../src/party/models/linear-part.ts';
import { ModelFormatError } from '../../../src/party/models/model-format-error.ts';
import { parseModelPart } from '../../../src/party/models/model-part.ts';
import { scoringPart } from '../../../src/party/models/scoring-part.ts';
import { PART } from './sample.ts';

describe('scoring part', () => {
  it('has the shares, own first', () => {
    const { weights, target } = scoringPart(PART);
    deepEqual(weights.own, BigUint64Array.of(1n, 2n, 3n));
    deepEqual(weights.peer, BigUint64Array.of(1n, 2n ** 64n - 1n));
    equal(target, null);
  });

  it('transforms rows as the training did, to the bit, also after its text', () => {
    // The third column depends on the first, the fourth is constant.
    const X = matrix(
      Float64Array.from({ length: 40 }, (_, at) => {
        const i = Math.floor(at / 4);
        return [Math.sin(i), Math.cos(3 * i), 2 * Math.sin(i) + 1, 5][at % 4]!;
      }),
      10,
      4,
    );
    const whitening = fitWhitening(X, { curvature: 1 / 4, l2: 0, intercept: true });
    deepEqual([...whitening.dependent], [0, 0, 1, 1]);
    const { scaler, W, dependent, interceptValue } = whitening;
    const part: LinearPart = {
      ...PART,
      encoding: ['a', 'b', 'c', 'd'].map((name) => ({ kind: 'numeric', name, mean: 0 })),
      transformation: {
        mean: [...scaler.mean],
        scale: [...scaler.scale],
        unused: [...dependent.keys()].filter((j) => dependent[j] === 1),
        map: [...W.values],
        intercept: interceptValue,
      },
      shares: [
        {
          ...PART.shares[1]!,
          owner: 'shop',
          length: 5,
          words: Buffer.alloc(40).toString('base64'),
        },
        PART.shares[1]!,
      ],
    };
    const { transformation } = scoringPart(parseModelPart(JSON.stringify(part)) as LinearPart);
    deepEqual(applyWhitening(transformation, X), applyWhitening(whitening, X));
  });

  it('without a map leaves standardised columns, but for those that count nothing', () => {
    const { transformation } = scoringPart({
      ...PART,
      transformation: { ...PART.transformation, map: [], unused: [1] },
    });
    deepEqual([...transformation.W.values], [1, 0, 0, 0, 0, 0, 0, 0, 1]);
    const [x] = [applyWhitening(transformation, matrix(Float64Array.of(5, 1, 1), 1, 3)).values];
    deepEqual([...x], [2, 0, 1]);
  });

  it('of weights in other units is refused', () => {
    const shares = PART.shares.map((share) => ({ ...share, fraction_bits: 20 }));
    throws(() => scoringPart({ ...PART, shares }), ModelFormatError);
  });
});
