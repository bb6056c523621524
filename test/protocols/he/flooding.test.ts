import { ok } from 'node:assert/strict';
import { DEGREE } from '../../../src/kernels/rlwe-kernel.ts';
import { addFlood, standardNormals } from '../../../src/protocols/he/flooding.ts';
import { FLOOD_BITS, FLOOD_TAIL } from '../../../src/protocols/he/parameters.ts';
import { heKernel as kernel } from '../../support/he-pair.ts';
import { bigCoefficients, centred, chiSquare, modulus } from '../../support/he-phase.ts';
import { seededRng } from '../../support/seeded-rng.ts';

/** `draws` polynomials of flooding noise, as integers. */
function flood(draws: number): bigint[] {
  const rng = seededRng('flood');
  return Array.from({ length: draws }, () => {
    const x = kernel.allocate();
    addFlood(kernel, x, rng);
    const values = bigCoefficients(x, 4).map((v) => centred(v, modulus(4)));
    kernel.release(x);
    return values;
  }).flat();
}

describe('flooding noise', () => {
  const sample = flood(8);
  const units = sample.map((v) => Number(v) / 2 ** FLOOD_BITS);
  const n = sample.length;

  it('is a Gaussian of deviation 2^79', () => {
    const mean = units.reduce((a, b) => a + b, 0) / n;
    const variance = units.reduce((a, b) => a + b * b, 0) / n;
    const kurtosis = units.reduce((a, b) => a + b ** 4, 0) / n;
    ok(Math.abs(mean) < 5 / Math.sqrt(n), `mean ${mean}`);
    ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / n), `variance ${variance}`);
    ok(Math.abs(kurtosis - 3) < 5 * Math.sqrt(96 / n), `fourth moment ${kurtosis}`);
    for (const [bound, share] of [
      [1, 0.6826895],
      [2, 0.9544997],
      [3, 0.9973002],
    ] as const) {
      const inside = units.filter((u) => Math.abs(u) < bound).length / n;
      const deviation = Math.sqrt((share * (1 - share)) / n);
      ok(Math.abs(inside - share) < 5 * deviation, `${inside} within ${bound}`);
    }
    const neighbours = units.reduce((sum, u, i) => sum + u * (units[i + 1] ?? 0), 0) / n;
    ok(Math.abs(neighbours) < 5 / Math.sqrt(n), 'the two normals of a pair are uncorrelated');
  });

  it('has all its low bits uniform', () => {
    for (const shift of [0n, 16n, 26n, 32n, 44n]) {
      const bits = sample.map((v) => Number(BigInt.asUintN(6, v >> shift)));
      ok(chiSquare(bits, 64, 64) < 130, `bits from ${shift}`); // mean 63, deviation 11
    }
  });

  it('stays below its tail whatever the randomness', () => {
    const extremes = [
      [0, 0, 0, 0], // the smallest uniform: the largest radius
      [0, 0, 2 ** 31, 0],
      [0, 0, 2 ** 30, 0],
      [2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1],
    ];
    for (const words of extremes) {
      for (const g of standardNormals(Uint32Array.from(words))) {
        ok(Math.abs(g) < 9.43 && Math.abs(g) < FLOOD_TAIL, `${words.join()}: ${g}`);
      }
    }
    const largest = Math.abs(standardNormals(new Uint32Array(4))[0]!);
    ok(largest > 9.4, 'the tail is that of 64 bits, not of a double near 1');
  });

  it('adds to what is there', () => {
    const x = kernel.allocate();
    const once = kernel.allocate();
    kernel.lift(x, new Int32Array(DEGREE).fill(77));
    addFlood(kernel, x, seededRng(1));
    addFlood(kernel, once, seededRng(1));
    kernel.subtract(x, x, once);
    ok(bigCoefficients(x, 4).every((v) => v === 77n));
    kernel.release(x);
    kernel.release(once);
  });
});
