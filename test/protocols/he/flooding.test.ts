import { deepEqual, equal, ok } from 'node:assert/strict';
import { DEGREE, IRWIN_HALL_BYTES } from '../../../src/kernels/rlwe-kernel.ts';
import { keystream } from '../../../src/protocols/he/expand.ts';
import { addFlood } from '../../../src/protocols/he/flooding.ts';
import { FLOOD_BITS, FLOOD_LIMIT } from '../../../src/protocols/he/parameters.ts';
import { SEED_BYTES } from '../../../src/protocols/primitives/prg.ts';
import type { Rng } from '../../../src/protocols/primitives/rng.ts';
import { heKernel as kernel } from '../../support/he-pair.ts';
import { bigCoefficients, centred, chiSquare, modulus } from '../../support/he-phase.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const q = modulus(4);

/** `draws` polynomials of flooding noise, as integers. */
function flood(draws: number, rng: Rng): bigint[] {
  return Array.from({ length: draws }, () => {
    const x = kernel.allocate();
    addFlood(kernel, x, rng);
    const values = bigCoefficients(x, 4).map((v) => centred(v, q));
    kernel.release(x);
    return values;
  }).flat();
}

/** An integer from `bits` bits of a stream, the bit of weight 2^0 first. */
function integerAt(stream: Uint8Array, fromBit: number, bits: number): bigint {
  let value = 0n;
  for (let k = 0; k < bits; k++) {
    const bit = (stream[(fromBit + k) >> 3]! >> ((fromBit + k) & 7)) & 1;
    value |= BigInt(bit) << BigInt(k);
  }
  return value;
}

describe('flooding noise', () => {
  const sample = flood(8, seededRng('flood'));
  const deviation = 2 ** (FLOOD_BITS - 1);
  const units = sample.map((v) => Number(v) / deviation);
  const n = sample.length;

  it('is the sum of three uniform 82-bit integers, exactly', () => {
    const stream = keystream(seededRng(1)(SEED_BYTES), 'flood', IRWIN_HALL_BYTES);
    const expected = Array.from({ length: DEGREE }, (_, i) => {
      let sum = -3n * 2n ** 81n;
      for (let j = 0; j < 3; j++) {
        sum += integerAt(stream, 256 * i + 64 * j, 64);
        sum += integerAt(stream, 256 * i + 192 + 18 * j, 18) << 64n;
      }
      return sum;
    });
    deepEqual(flood(1, seededRng(1)), expected);
  });

  it('has the moments and quantiles of its distribution', () => {
    const moment = (k: number): number => units.reduce((sum, u) => sum + u ** k, 0) / n;
    ok(Math.abs(moment(1)) < 5 / Math.sqrt(n), `mean ${moment(1)}`);
    ok(Math.abs(moment(2) - 1) < 5 * Math.sqrt(1.6 / n), `variance ${moment(2)}`);
    ok(Math.abs(moment(4) - 2.6) < 5 * Math.sqrt(38 / n), `fourth moment ${moment(4)}`);
    for (const [bound, share] of [
      [0.5, 35 / 96],
      [1, 2 / 3],
      [2, 23 / 24],
      [2.5, 191 / 192],
    ] as const) {
      const inside = units.filter((u) => Math.abs(u) < bound).length / n;
      const error = Math.sqrt((share * (1 - share)) / n);
      ok(Math.abs(inside - share) < 5 * error, `${inside} within ${bound}`);
    }
    for (const lag of [1, 2, 64]) {
      const product = units.reduce((sum, u, i) => sum + u * (units[i + lag] ?? 0), 0) / n;
      ok(Math.abs(product) < 5 / Math.sqrt(n), `neighbours at ${lag} are uncorrelated`);
      const squares = units.reduce((sum, u, i) => sum + u ** 2 * (units[i + lag] ?? 0) ** 2, 0);
      ok(Math.abs(squares / n - 1) < 6 * Math.sqrt(5.76 / n), `nor do they share a size: ${lag}`);
    }
  });

  it('has all its low bits uniform', () => {
    for (const shift of [0n, 16n, 26n, 32n, 44n, 58n, 61n, 64n, 70n]) {
      const bits = sample.map((v) => Number(BigInt.asUintN(6, v >> shift)));
      ok(chiSquare(bits, 64, 64) < 130, `bits from ${shift}`); // mean 63, deviation 11
    }
  });

  it('reaches the ends of its support and no further', () => {
    const limit = BigInt(FLOOD_LIMIT);
    const x = kernel.allocate();
    kernel.addIrwinHall(x, new Uint8Array(IRWIN_HALL_BYTES));
    ok(bigCoefficients(x, 4).every((v) => centred(v, q) === -limit));
    x.fill(0);
    kernel.addIrwinHall(x, new Uint8Array(IRWIN_HALL_BYTES).fill(255));
    ok(bigCoefficients(x, 4).every((v) => centred(v, q) === limit - 3n));
    kernel.release(x);
    ok(units.every((u) => Math.abs(u) <= 3));
    ok(units.some((u) => u > 2.8) && units.some((u) => u < -2.8));
  });

  it('adds to what is there, afresh every time', () => {
    const x = kernel.allocate();
    const once = kernel.allocate();
    kernel.lift(x, new Int32Array(DEGREE).fill(77));
    addFlood(kernel, x, seededRng(1));
    addFlood(kernel, once, seededRng(1));
    kernel.subtract(x, x, once);
    ok(bigCoefficients(x, 4).every((v) => v === 77n));
    kernel.release(x);
    kernel.release(once);
    equal(new Set(sample).size, n, 'no value twice');
  });
});
