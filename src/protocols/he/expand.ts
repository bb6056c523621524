import { createCipheriv } from 'node:crypto';
import { type Polynomial, type RlweKernel, UNIFORM_BYTES } from '../../kernels/rlwe-kernel.ts';
import { SEED_BYTES } from './parameters.ts';

/**
 * The AES-128-CTR keystream of a seed. A seed is drawn for one purpose and expanded once, so nothing
 * separates uses but the seed itself.
 */
export function keystream(seed: Uint8Array, length: number): Uint8Array {
  const cipher = createCipheriv('aes-128-ctr', seed, new Uint8Array(SEED_BYTES));
  return cipher.update(new Uint8Array(length));
}

/** x = the uniform residues that stand behind a seed. */
export function expandUniform(
  kernel: RlweKernel,
  x: Polynomial,
  seed: Uint8Array,
  primes: number,
): void {
  kernel.uniform(x, keystream(seed, UNIFORM_BYTES), primes);
}
