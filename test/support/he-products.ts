import { equal } from 'node:assert/strict';
import { DEGREE, type Polynomial, type RlweKernel } from '../../src/kernels/rlwe-kernel.ts';
import {
  type Ciphertext,
  decodeCiphertext,
  releaseCiphertext,
} from '../../src/protocols/he/encryption.ts';
import { encryptRing, sumOfProducts } from '../../src/protocols/he/matrix-product.ts';
import { modulus, negacyclicCoefficient, noiseOf, phaseOfCoefficients } from './he-phase.ts';
import { randomWords, seededRng } from './seeded-rng.ts';

export interface Keys {
  readonly kernel: RlweKernel;
  readonly secretKey: Polynomial;
}

/** Largest absolute value. */
export const peak = (noise: Float64Array): number =>
  noise.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
export const deviation = (noise: Float64Array): number =>
  Math.sqrt(noise.reduce((sum, v) => sum + v * v, 0) / noise.length);

/** What a ciphertext of coefficients decrypts to over Z_2^64, with all four primes. */
export function decryptRing({ kernel, secretKey }: Keys, ct: Ciphertext): BigUint64Array {
  const phase = kernel.allocate();
  phase.set(ct.c1);
  kernel.forward(phase);
  kernel.multiply(phase, phase, secretKey);
  kernel.inverse(phase);
  kernel.add(phase, phase, ct.c0);
  const m = kernel.roundToRing(phase);
  kernel.release(phase);
  return m;
}

/**
 * Multiplies multiples of extreme and random messages by plaintexts with every coefficient +-(2^bits - 1), sums
 * `products` of them, and compares `coefficients` of each decryption with BigInt. The margin is
 * log2 of (q / 2^65) over the largest noise seen.
 */
export function exactProducts(
  keys: Keys,
  bits: number,
  products: number,
  coefficients: number,
  seed: string | number = bits,
): { margin: number; checked: number } {
  const { kernel } = keys;
  const rng = seededRng(seed);
  const w = Int32Array.from(rng(DEGREE), (b) => (b & 1 ? 2 ** bits - 1 : 1 - 2 ** bits));
  const plain = kernel.allocate();
  kernel.lift(plain, w);
  kernel.forward(plain);
  let worst = 0;
  let checked = 0;
  for (const m of [
    new BigUint64Array(DEGREE).fill(2n ** 64n - 1n),
    new BigUint64Array(DEGREE).fill(2n ** 63n - 1n),
    randomWords(DEGREE, rng),
  ]) {
    // Multiples of m, so that the roundings of the encodings are independent and the sum is still easy.
    let factors = 0n;
    const multiplier = (): bigint => {
      const factor = randomWords(1, rng)[0]! | 1n;
      factors += factor;
      return factor;
    };
    const list = Array.from({ length: products }, () => {
      const factor = multiplier();
      return decodeCiphertext(
        kernel,
        encryptRing(
          keys,
          m.map((x) => x * factor),
          rng,
        ),
      );
    });
    const product = sumOfProducts(keys, list, () => plain);
    for (const c of [product.c0, product.c1]) kernel.inverse(c);
    const result = decryptRing(keys, product);
    worst = Math.max(worst, peak(noiseOf(phaseOfCoefficients(product, keys.secretKey), 2n ** 64n)));
    for (let i = 0; i < coefficients; i++) {
      const k = (i * 1365) % DEGREE;
      const sum = factors * negacyclicCoefficient(m, w, k);
      equal(result[k], BigInt.asUintN(64, sum), `coefficient ${k}`);
      checked += 1;
    }
    for (const ct of [...list, product]) releaseCiphertext(kernel, ct);
  }
  kernel.release(plain);
  return { margin: Math.log2(Number(modulus(4) >> 65n) / worst), checked };
}
