import { equal, ok } from 'node:assert/strict';
import { powMod } from '../../../src/kernels/number-theory.ts';
import { DEGREE, PRIMES, RESIDUE_BITS, SLOT_MODULUS } from '../../../src/kernels/rlwe-kernel.ts';
import {
  CIPHERTEXT_BYTES,
  FLOOD_BITS,
  FLOOD_TAIL,
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
    // The dominating terms with BigInt: 10 sqrt(10.583) norm / p_3 against Q_3 / 2^64.
    const scaled = (325n * 2n ** 37n) / 10n / BigInt(PRIMES[3]);
    const unit = modulus(3) / 2n ** 64n;
    ok(scaled * 2n < unit, 'noise at norm 2^37 is below half a unit');
  });

  it('flood what slots must hide, and still decrypt', () => {
    const flood = BigInt(FLOOD_TAIL * 10) * 2n ** BigInt(FLOOD_BITS);
    const noise = BigInt(Math.ceil(10 * slotNoise(MAX_SLOT_CIPHERTEXTS))) * 10n;
    ok(flood + noise < (10n * q) / (2n * t), '9.5 deviations and the noise stay below Q / 2t');
    ok(slotMargin(MAX_SLOT_CIPHERTEXTS) > 0.25, `${slotMargin(MAX_SLOT_CIPHERTEXTS)}`);
    ok(FLOOD_TAIL ** 2 > 128 * Math.log(2), 'the tail that 64 random bits reach');
    ok(slotNoise(16) < 2 ** 33);
    ok(floodDistanceBits(16, 1000) < -36, `${floodDistanceBits(16, 1000)}`);
    ok(floodDistanceBits(MAX_SLOT_CIPHERTEXTS, 1000) < -34);
    // The divergence again with BigInt: answers ciphertexts (t/2)^2 N^2 10.58 / 2 sigma^2.
    const divergence = (1000n * 16n * (t / 2n) ** 2n * BigInt(DEGREE) ** 2n * 1058n) / 100n;
    const room = 2n * 4n ** BigInt(FLOOD_BITS);
    equal(
      floodDistanceBits(16, 1000).toFixed(2),
      ((log2(divergence) - log2(room) - 1) / 2).toFixed(2),
    );
  });

  it('have t-th roots for 4096 slots', () => {
    equal(powMod(3n, t - 1n, t), 1n);
    equal((t - 1n) % 8192n, 0n);
  });
});
