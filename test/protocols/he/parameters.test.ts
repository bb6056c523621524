import { equal, ok } from 'node:assert/strict';
import { powMod } from '../../../src/kernels/number-theory.ts';
import { DEGREE, PRIMES, RESIDUE_BITS, SLOT_MODULUS } from '../../../src/kernels/rlwe-kernel.ts';
import {
  CIPHERTEXT_BYTES,
  FLOOD_BITS,
  FLOOD_INFORMATION,
  FLOOD_LIMIT,
  floodDistanceBits,
  MAX_RING_ERROR,
  MAX_SLOT_CIPHERTEXTS,
  RING_ANSWER_BYTES,
  ringError,
  SLOT_ANSWER_BYTES,
  slotMargin,
  slotNoise,
} from '../../../src/protocols/he/parameters.ts';
import { modulus } from '../../support/he-phase.ts';

const q = modulus(4);
const t = BigInt(SLOT_MODULUS);
const log2 = (x: bigint): number => Math.log2(Number(x));

describe('homomorphic parameters', () => {
  it('are NTT primes of the size the arithmetic needs', () => {
    for (const p of [...PRIMES, SLOT_MODULUS]) {
      equal((p - 1) % (2 * DEGREE), 0, `${p} = 1 mod 2N`);
      for (let f = 3; f * f <= p; f += 2) ok(p % f !== 0, `${p} has the factor ${f}`);
    }
    for (const [k, p] of PRIMES.entries()) {
      ok(p > 2 ** (RESIDUE_BITS - 1) && p < 2 ** RESIDUE_BITS, `${p} has 27 bits`);
      ok(k === 0 || p < PRIMES[k - 1]!, 'falling');
    }
    equal(new Set<number>([...PRIMES, SLOT_MODULUS]).size, 5);
    ok(SLOT_MODULUS < 2 ** 24);
  });

  it('stay within the bound of 128-bit security for N = 4096', () => {
    equal(q.toString(2).length, 108); // [HES18] Table 1: at most 109
    equal(log2(q).toFixed(3), '107.993');
  });

  it('ask for blocks of the size that the audit notes state', () => {
    // Primal uSVP in the 2016 estimate, secret rescaled to the width of the error, best number of samples:
    // solvable with blocks of beta when sqrt(beta) sigma <= delta^(2 beta - d - 1) vol^(1/d).
    const sigma = Math.sqrt(10.5);
    const scale = DEGREE * Math.log2(sigma / Math.sqrt(2 / 3));
    const solves = (beta: number, samples: number): boolean => {
      const d = samples + DEGREE + 1;
      const root = (Math.PI * beta) ** (1 / beta) * (beta / (2 * Math.PI * Math.E));
      const delta = Math.log2(root) / (2 * (beta - 1));
      const volume = (samples * log2(q) + scale) / d;
      return Math.log2(beta) / 2 + Math.log2(sigma) <= (2 * beta - d - 1) * delta + volume;
    };
    const dimensions = Array.from({ length: 31 }, (_, i) => 2600 + 50 * i);
    let beta = 100;
    while (!dimensions.some((samples) => solves(beta, samples))) beta++;
    equal(Math.round(beta / 10) * 10, 330);
    const cost = 0.292 * beta + 16.4 + Math.log2(8 * 2 * DEGREE); // the cost model of [HES18]
    ok(cost > 128, `2^${cost.toFixed(1)} operations for blocks of ${beta}`);
  });

  it('leave the room that the table states', () => {
    equal((log2(q) - 64).toFixed(2), '43.99');
    equal(log2(q / t).toFixed(3), '83.995');
    ok(log2(modulus(3)) > 80.99);
    equal(Math.floor(log2(modulus(3)) - 64), 16); // 2^16.99
    ok(Math.abs(log2(modulus(2) / t) - 30) < 0.1);
    equal(CIPHERTEXT_BYTES, 55_312);
    equal(RING_ANSWER_BYTES, 41_488);
    equal(SLOT_ANSWER_BYTES, 55_296);
  });

  it('bound the error of matrix answers: standardised columns at 10^6 rows, and what is refused', () => {
    const rows = 1_000_000;
    const norm = 2 * Math.sqrt(rows) * 2 ** 13;
    ok(ringError(norm) < 2 ** -9, `error 2^${Math.log2(ringError(norm)).toFixed(1)} of a unit`);
    ok(ringError(2 ** 37.9) < MAX_RING_ERROR);
    ok(ringError(2 ** 38) > MAX_RING_ERROR);
    // Roundings of an encoding that all add up: 2^41 of them are an eighth of a unit.
    const added = ringError(norm, 2 ** 41) - ringError(norm);
    equal(Math.round(Math.log2(added)), -3);
    // The dominating terms with BigInt: 10 sqrt(10.583) norm / p_3 against Q_3 / 2^64.
    const scaled = (325n * 2n ** 37n) / 10n / BigInt(PRIMES[3]);
    const unit = modulus(3) / 2n ** 64n;
    ok(scaled * 2n < unit, 'noise at norm 2^37 is below half a unit');
  });

  it('flood what slots must hide, and still decrypt', () => {
    equal(FLOOD_BITS, 82);
    const limit = 3n * 2n ** 81n;
    equal(BigInt(FLOOD_LIMIT), limit);
    equal(log2(limit).toFixed(3), '82.585');
    equal(log2(q / (2n * t)).toFixed(3), '82.995');
    // Flood, ten deviations of noise, and of the rounding of c1 when two primes are dropped.
    const noise = 10n * BigInt(Math.ceil(slotNoise(MAX_SLOT_CIPHERTEXTS)));
    const rounding = (10n * 19n * q) / modulus(2);
    ok(limit + noise + rounding < q / (2n * t), 'what is decrypted stays below Q / 2t');
    const half = q / (2n * t);
    const margin = Number(((half - limit - noise - rounding) * 10_000n) / half) / 10_000;
    equal(slotMargin(MAX_SLOT_CIPHERTEXTS).toFixed(3), margin.toFixed(3));
    equal(margin.toFixed(2), '0.25');

    ok(slotNoise(16) < 2 ** 33);
    for (const [ciphertexts, bits] of [
      [16, '-38.2'], // 25 blocks of rows, 40 steps
      [70, '-37.2'], // the longest series of the logistic link
      [MAX_SLOT_CIPHERTEXTS, '-36.2'],
    ] as const) {
      equal(floodDistanceBits(ciphertexts, 1000).toFixed(1), bits);
      // The same with BigInt: I answers ciphertexts (t/2)^2 N^2 (10.5 + 1/12) / 4 B^2.
      const squares =
        (1000n * BigInt(ciphertexts) * (t / 2n) ** 2n * BigInt(DEGREE) ** 2n * 127n) / 12n;
      const squared = log2((4562n * squares) / 1000n) - log2(4n * 4n ** 82n);
      equal(floodDistanceBits(ciphertexts, 1000).toFixed(3), (squared / 2).toFixed(3));
    }
  });

  it('bound the distance of a shifted flood: exact at small widths', () => {
    equal(FLOOD_INFORMATION.toFixed(3), '4.562');
    // As an integral: two ends of 2 each, and 4 y^2 / (3/4 - y^2) between, by the midpoint rule.
    const steps = 10_000;
    let middle = 0;
    for (let i = 0; i < steps; i++) {
      const y = (i + 0.5) / steps - 0.5;
      middle += (4 * y ** 2) / (0.75 - y ** 2) / steps;
    }
    ok(Math.abs(4 + middle - FLOOD_INFORMATION) < 1e-7, `${4 + middle}`);

    for (const B of [1, 2, 3, 16, 255, 4096]) {
      const f = sumOfThree(B);
      const bound = FLOOD_INFORMATION / (8 * B ** 2) + Math.PI ** 2 / (12 * B ** 3);
      const step = hellingerSquared(f, 1);
      ok(step <= bound, `width ${B}: ${step} above ${bound}`);
      ok(B < 16 || step > (FLOOD_INFORMATION / (8 * B ** 2)) * (1 - 1 / B), `width ${B}: tight`);
      for (const v of [2, 7, 100]) ok(hellingerSquared(f, v) <= v ** 2 * bound, `${B}, ${v}`);
    }

    // The claim itself for the pairs of two coefficients.
    const B = 64;
    const f = sumOfThree(B);
    const at = (x: number): number => f[x] ?? 0;
    for (const [v, w] of [
      [1, 0],
      [1, 1],
      [3, 5],
      [16, 2],
    ] as const) {
      let distance = 0;
      for (let x = 0; x < f.length + v; x++) {
        for (let y = 0; y < f.length + w; y++) {
          distance += Math.abs(at(x) * at(y) - at(x - v) * at(y - w)) / 2;
        }
      }
      const bound = Math.sqrt(FLOOD_INFORMATION * (v ** 2 + w ** 2)) / (2 * B);
      ok(distance <= bound * (1 + 2 / B), `${v}, ${w}: ${distance} above ${bound}`);
      ok(distance > bound / 2, `${v}, ${w}: ${distance} far below ${bound}`);
    }
  });

  it('have t-th roots for 4096 slots', () => {
    equal(powMod(3n, t - 1n, t), 1n);
    equal((t - 1n) % 8192n, 0n);
  });
});

/** Mass function of the sum of three uniforms on 0 ... B - 1, by convolution. */
function sumOfThree(B: number): Float64Array {
  const uniform = new Float64Array(B).fill(1 / B);
  return convolve(convolve(uniform, uniform), uniform);
}

function convolve(a: Float64Array, b: Float64Array): Float64Array {
  const c = new Float64Array(a.length + b.length - 1);
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) c[i + j]! += a[i]! * b[j]!;
  }
  return c;
}

/** H^2 of a mass function and its shift by v. */
function hellingerSquared(f: Float64Array, v: number): number {
  let sum = 0;
  for (let x = 0; x < f.length + v; x++) {
    sum += (Math.sqrt(f[x] ?? 0) - Math.sqrt(f[x - v] ?? 0)) ** 2;
  }
  return sum / 2;
}
