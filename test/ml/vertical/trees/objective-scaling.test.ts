import { equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import {
  fractionalBits,
  toFixedPoint,
} from '../../../../src/ml/vertical/trees/objective-scaling.ts';
import { MAX_SUM } from '../../../../src/protocols/aggregation/parameters.ts';

/** The larger of the sums of positive and of negative entries. */
function largest(x: ArrayLike<number>): number {
  let [positive, negative] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    positive += Math.max(0, x[i]!);
    negative += Math.max(0, -x[i]!);
  }
  return Math.max(positive, negative);
}

describe('gradients in fixed point', () => {
  it('use the range, and never leave it', () => {
    const values = fc.float64Array({
      minLength: 1,
      maxLength: 50,
      noNaN: true,
      min: -1e30,
      max: 1e30,
    });
    fc.assert(
      fc.property(values, (x) => {
        const bits = fractionalBits(x);
        const sum = largest(toFixedPoint(x, bits));
        ok(sum <= MAX_SUM, `${sum}`);
        if (largest(x) > 1e-200) ok(sum > MAX_SUM / 2 - 60, `${sum} with ${bits} bits`);
      }),
    );
  });

  it('have as many bits as stated for a common case', () => {
    equal(fractionalBits(new Float64Array(30_000).fill(0.25)), 18);
    equal(fractionalBits(new Float64Array(10)), 0);
    equal(fractionalBits(Float64Array.of(2 ** 40)), -10);
  });

  it('refuse sums that overflow', () => {
    throws(() => fractionalBits(Float64Array.of(1e308, 1e308)), /scale the labels down/);
  });
});
