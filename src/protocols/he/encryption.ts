/**
 * BFV keys and encryption, [FV12] "Somewhat Practical Fully Homomorphic Encryption". Junfeng Fan,
 * Frederik Vercauteren. https://eprint.iacr.org/2012/144, §3; ciphertexts as (c0, c1), phase c0 + c1 s.
 *
 * Local steps and the decoders of their messages. Whether a polynomial is held as coefficients or as
 * values at the NTT points is said at each type and function.
 *
 * Names: s secret key; (b, a) public key, b = -a s + e; u, e_0, e_1 randomness of an encryption.
 */
import type { HeCiphertext, HePublicKey } from '../../../proto/gen/he.ts';
import {
  BINOMIAL_BYTES,
  type Polynomial,
  packedBytes,
  type RlweKernel,
  TERNARY_BYTES,
} from '../../kernels/rlwe-kernel.ts';
import { ProtocolError } from '../errors.ts';
import { SEED_BYTES } from '../primitives/prg.ts';
import type { Rng } from '../primitives/rng.ts';
import { expandUniform, keystream } from './expand.ts';
import { CIPHERTEXT_PRIMES } from './parameters.ts';

/** A ciphertext in the kernel's memory, its holder's to release. */
export interface Ciphertext {
  readonly c0: Polynomial;
  readonly c1: Polynomial;
}

/** (b, a) at the NTT points. */
export interface PublicKey {
  readonly b: Polynomial;
  readonly a: Polynomial;
}

/** A fresh secret key, uniform ternary, at the NTT points. */
export function generateSecretKey(kernel: RlweKernel, rng: Rng): Polynomial {
  const s = kernel.allocate();
  kernel.ternary(s, keystream(rng(SEED_BYTES), 'ternary', TERNARY_BYTES));
  kernel.forward(s);
  return s;
}

/** A public key of s: an encryption of zero. */
export function publicKeyOf(kernel: RlweKernel, s: Polynomial, rng: Rng): HePublicKey {
  const zero = kernel.allocate();
  const { seed, c0 } = encryptSymmetric(kernel, s, zero, rng);
  kernel.release(zero);
  return { seed, b: c0 };
}

/**
 * (c0, a) with c0 = -a s + e + encoded, a from a fresh seed. `encoded`: coefficients, overwritten.
 */
export function encryptSymmetric(
  kernel: RlweKernel,
  s: Polynomial,
  encoded: Polynomial,
  rng: Rng,
): HeCiphertext {
  const seed = rng(SEED_BYTES);
  const a = kernel.allocate();
  expandUniform(kernel, a, seed, 'a', CIPHERTEXT_PRIMES);
  addError(kernel, encoded, rng);
  kernel.forward(encoded);
  kernel.multiply(a, a, s);
  kernel.subtract(encoded, encoded, a);
  kernel.release(a);
  return { seed, c0: kernel.pack(encoded) };
}

/**
 * ct += Enc_pk(0) = (u b + e_0, u a + e_1) in place, with fresh u, e_0, e_1. ct comes at the NTT points, where u b and
 * u a are added, and leaves as coefficients.
 */
export function rerandomise(kernel: RlweKernel, ct: Ciphertext, key: PublicKey, rng: Rng): void {
  const u = kernel.allocate();
  const product = kernel.allocate();
  kernel.ternary(u, keystream(rng(SEED_BYTES), 'ternary', TERNARY_BYTES));
  kernel.forward(u);
  for (const [c, half] of [
    [ct.c0, key.b],
    [ct.c1, key.a],
  ] as const) {
    kernel.multiply(product, u, half);
    kernel.add(c, c, product);
    kernel.inverse(c);
    addError(kernel, c, rng);
  }
  kernel.release(product);
  kernel.release(u);
}

/** x += e, a fresh error; coefficients. */
function addError(kernel: RlweKernel, x: Polynomial, rng: Rng): void {
  kernel.addBinomial(x, keystream(rng(SEED_BYTES), 'error', BINOMIAL_BYTES));
}

export function releaseCiphertext(kernel: RlweKernel, { c0, c1 }: Ciphertext): void {
  kernel.release(c0);
  kernel.release(c1);
}

/** The peer's public key, at the NTT points. */
export function decodePublicKey(kernel: RlweKernel, { seed, b }: HePublicKey): PublicKey {
  const { c0, c1 } = decodeCiphertext(kernel, { seed, c0: b });
  return { b: c0, a: c1 };
}

/** A received ciphertext, at the NTT points. */
export function decodeCiphertext(kernel: RlweKernel, { seed, c0 }: HeCiphertext): Ciphertext {
  checkSeed(seed);
  const ct = { c0: decodePolynomial(kernel, c0, CIPHERTEXT_PRIMES), c1: kernel.allocate() };
  expandUniform(kernel, ct.c1, seed, 'a', CIPHERTEXT_PRIMES);
  return ct;
}

/** Throws `MALFORMED_MESSAGE` unless a seed has its length. */
export function checkSeed(seed: Uint8Array): void {
  if (seed.length !== SEED_BYTES) {
    throw new ProtocolError('MALFORMED_MESSAGE', `expected a seed, got ${seed.length} bytes`);
  }
}

/** A packed polynomial from the peer. Throws `MALFORMED_MESSAGE` on a wrong length or range. */
export function decodePolynomial(
  kernel: RlweKernel,
  bytes: Uint8Array,
  primes: number,
): Polynomial {
  if (bytes.length !== packedBytes(primes)) {
    throw new ProtocolError(
      'MALFORMED_MESSAGE',
      `expected a polynomial of ${packedBytes(primes)} bytes, got ${bytes.length}`,
    );
  }
  const x = kernel.allocate();
  if (!kernel.unpack(x, bytes, primes)) {
    kernel.release(x);
    throw new ProtocolError('MALFORMED_MESSAGE', 'a residue is not below its prime');
  }
  return x;
}
