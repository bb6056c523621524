import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { CURVATURE } from '../../../../src/ml/linear/link.ts';
import {
  add,
  concat,
  ERROR_BITS,
  FEATURE_BITS,
  fromFixed,
  GRADIENT_BITS,
  LOGIT_BITS,
  MAX_ROWS,
  MOMENTUM_BITS,
  POINT_BITS,
  RIDGE_BITS,
  STEP_BITS,
  scale,
  subtract,
  sum,
  TRUNCATION_BITS,
  toFixed,
  toFixedInt32,
  WEIGHT_BITS,
} from '../../../../src/ml/vertical/linear/fixed-point.ts';

const words = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const vectors = fc.array(fc.tuple(words, words), { maxLength: 20 });

describe('fixed point of the linear models', () => {
  it('fits its scales together', () => {
    equal(POINT_BITS, WEIGHT_BITS + MOMENTUM_BITS);
    equal(LOGIT_BITS, FEATURE_BITS + POINT_BITS);
    equal(GRADIENT_BITS, FEATURE_BITS + ERROR_BITS);
    ok(RIDGE_BITS + POINT_BITS <= STEP_BITS, 'the ridge is scaled up to a step, never down');
    ok(LOGIT_BITS + Math.log2(2 * 256) <= 64, 'the guard of the largest period fits the ring');
  });

  it('keeps the range rule up to the largest number of rows', () => {
    const columnNorm = 1 / Math.sqrt(CURVATURE.brierLoss); // of U over sqrt(n), the largest of the losses
    ok(GRADIENT_BITS + Math.log2(columnNorm * MAX_ROWS) < TRUNCATION_BITS);
    const factor = (n: number): number => Math.floor(2 ** (STEP_BITS - GRADIENT_BITS) / (2 * n));
    equal(factor(MAX_ROWS), 1, 'a step of 1/2 is one unit');
    equal(factor(MAX_ROWS + 1), 0, 'and none beyond');
    for (const n of [1, 8, 30_000, 1e6, MAX_ROWS]) {
      const step = (factor(n) * n) / 2 ** (STEP_BITS - GRADIENT_BITS);
      ok(step <= 1 / 2 && step > 1 / 4, `step ${step} of ${n} rows`);
    }
  });

  it('rounds reals to the nearest unit and reads them back', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e5, max: 1e5, noNaN: true }), (v) => {
        for (const bits of [4, 13, 26, 45]) {
          const [back] = fromFixed(toFixed([v], bits), bits);
          ok(Math.abs(back! - v) <= 2 ** -(bits + 1) + Math.abs(v) * 2 ** -52, `${v} at ${bits}`);
        }
      }),
    );
    deepEqual(toFixed([-1], 1), BigUint64Array.of(2n ** 64n - 2n));
    deepEqual([...toFixedInt32(Float64Array.of(-1.5, 0.25), 1)], [-3, 1]);
  });

  it('refuses what does not fit', () => {
    equal(toFixed([2 ** 60], 1)[0], 2n ** 61n);
    for (const value of [2 ** 61, -(2 ** 61), Number.NaN, Infinity]) {
      throws(() => toFixed([0, value], 1), /value 1 /, `${value}`);
    }
    equal(toFixedInt32(Float64Array.of(2 ** 27 - 1), 0)[0], 2 ** 27 - 1);
    for (const value of [2 ** 27, -(2 ** 27), Number.NaN, -Infinity]) {
      throws(() => toFixedInt32(Float64Array.of(0, value), 0), /entry 1 /, `${value}`);
    }
    equal(toFixedInt32(Float64Array.of(2 ** 30), 0, 2 ** 31)[0], 2 ** 30);
    throws(() => toFixedInt32(Float64Array.of(2 ** 31), 0, 2 ** 31), RangeError);
  });

  it('computes modulo 2^64', () => {
    fc.assert(
      fc.property(vectors, fc.maxSafeInteger(), (pairs, factor) => {
        const a = BigUint64Array.from(pairs, ([x]) => x);
        const b = BigUint64Array.from(pairs, ([, y]) => y);
        const mod = (x: bigint): bigint => BigInt.asUintN(64, x);
        deepEqual(
          [...add(a, b)],
          pairs.map(([x, y]) => mod(x + y)),
        );
        deepEqual(
          [...subtract(a, b)],
          pairs.map(([x, y]) => mod(x - y)),
        );
        deepEqual(
          [...scale(a, factor)],
          pairs.map(([x]) => mod(x * BigInt(factor))),
        );
        equal(sum(a), mod(pairs.reduce((total, [x]) => total + x, 0n)));
        deepEqual([...concat(a, b)], [...a, ...b]);
      }),
    );
    equal(concat().length, 0);
    throws(() => add(new BigUint64Array(1), new BigUint64Array(2)), /lengths differ/);
    throws(() => scale(new BigUint64Array(1), 0.5), /"factor"/);
    throws(() => scale(new BigUint64Array(1), 2 ** 53), /"factor"/);
  });
});
