import { type Polynomial, type RlweKernel, UNIFORM_BYTES } from '../../kernels/rlwe-kernel.ts';
import { Prg } from '../primitives/prg.ts';

/** What a seed is drawn for; each seed is expanded for one use, once. */
type Use = 'a' | 'mask' | 'ternary' | 'error' | 'flood' | 'slots';

/** The bytes that a seed stands for. */
export function keystream(seed: Uint8Array, use: Use, length: number): Uint8Array {
  return new Prg(seed, `entente/he/v1/${use}`).next(length);
}

/** x = the uniform residues that a seed stands for. */
export function expandUniform(
  kernel: RlweKernel,
  x: Polynomial,
  seed: Uint8Array,
  use: 'a' | 'mask',
  primes: number,
): void {
  kernel.uniform(x, keystream(seed, use, UNIFORM_BYTES), primes);
}

/** The same as `count` words of 32 bits, aligned, the caller's. */
export function keystreamWords(seed: Uint8Array, use: Use, count: number): Uint32Array {
  return new Uint32Array(new Uint8Array(keystream(seed, use, 4 * count)).buffer);
}
