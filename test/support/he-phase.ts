import { inverseMod, mod } from '../../src/kernels/number-theory.ts';
import { DEGREE, type Polynomial, PRIMES } from '../../src/kernels/rlwe-kernel.ts';
import type { Ciphertext } from '../../src/protocols/he/encryption.ts';
import { heKernel as kernel } from './he-pair.ts';

/** The product of the first `primes` primes. */
export function modulus(primes: number): bigint {
  return PRIMES.slice(0, primes).reduce((product, p) => product * BigInt(p), 1n);
}

/** The representative of x in (-m/2, m/2]. */
export function centred(x: bigint, m: bigint): bigint {
  const r = mod(x, m);
  return 2n * r > m ? r - m : r;
}

/** Coefficients in [0, Q) by the Chinese remainder theorem, Q = modulus(primes). */
export function bigCoefficients(x: Polynomial, primes: number): bigint[] {
  const Q = modulus(primes);
  const units = PRIMES.slice(0, primes).map((p) => {
    const rest = Q / BigInt(p);
    return rest * inverseMod(rest, BigInt(p));
  });
  return Array.from({ length: DEGREE }, (_, i) =>
    mod(
      units.reduce((sum, unit, k) => sum + unit * BigInt(x[k * DEGREE + i]!), 0n),
      Q,
    ),
  );
}

/** Coefficients of c0 + c1 s, with c0 and c1 at the NTT points. The ciphertext is left as it is. */
export function phaseOf(ct: Ciphertext, secretKey: Polynomial, primes = 4): bigint[] {
  const phase = kernel.allocate();
  kernel.multiply(phase, ct.c1, secretKey, primes);
  kernel.add(phase, phase, ct.c0, primes);
  kernel.inverse(phase, primes);
  const coefficients = bigCoefficients(phase, primes);
  kernel.release(phase);
  return coefficients;
}

/** The same for a ciphertext of coefficients. */
export function phaseOfCoefficients(ct: Ciphertext, secretKey: Polynomial, primes = 4): bigint[] {
  const copy = { c0: kernel.allocate(), c1: kernel.allocate() };
  for (const half of ['c0', 'c1'] as const) {
    copy[half].set(ct[half]);
    kernel.forward(copy[half], primes);
  }
  const phase = phaseOf(copy, secretKey, primes);
  kernel.release(copy.c0);
  kernel.release(copy.c1);
  return phase;
}

/**
 * Distance of each phase from the nearest multiple of Q / T, in units of the phase: the noise, as long as it
 * is below Q / 2T.
 */
export function noiseOf(phase: readonly bigint[], T: bigint, primes = 4): Float64Array {
  const Q = modulus(primes);
  return Float64Array.from(phase, (x) => Number(centred(x * T, Q)) / Number(T));
}

/** Coefficient k of a b in Z[X]/(X^4096 + 1). */
export function negacyclicCoefficient(
  a: ArrayLike<bigint>,
  b: ArrayLike<bigint | number>,
  k: number,
): bigint {
  let sum = 0n;
  for (let i = 0; i < DEGREE; i++) {
    const product = a[i]! * BigInt(b[(k - i + DEGREE) % DEGREE]!);
    sum += i <= k ? product : -product;
  }
  return sum;
}

/** Chi-square statistic of residues below p against uniform, over `bins` equal bins. */
export function chiSquare(residues: readonly number[], p: number, bins: number): number {
  const counts = new Array<number>(bins).fill(0);
  for (const r of residues) counts[Math.min(bins - 1, Math.floor((r / p) * bins))]! += 1;
  const expected = residues.length / bins;
  return counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
}
