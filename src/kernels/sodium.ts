import { createRequire } from 'node:module';

/** The functions of libsodium that we call, as `sodium-native` exposes them (it has no types). */
export interface Sodium {
  /** out: 64 bytes. */
  crypto_hash_sha512(out: Uint8Array, input: Uint8Array): void;
  /** X25519, RFC 7748: q = n p, 32 bytes each, n clamped. Throws when q would be all zero. */
  crypto_scalarmult(q: Uint8Array, n: Uint8Array, p: Uint8Array): void;
  /** q = n B on edwards25519, RFC 8032; n: 32 bytes, its highest bit ignored. Throws when q would be 0. */
  crypto_scalarmult_ed25519_base_noclamp(q: Uint8Array, n: Uint8Array): void;
  /** q = n p, as above. Throws also when p is not canonical, 0, or outside the prime-order subgroup. */
  crypto_scalarmult_ed25519_noclamp(q: Uint8Array, n: Uint8Array, p: Uint8Array): void;
  /** Whether p is canonical, on edwards25519, in the prime-order subgroup, and not 0. */
  crypto_core_ed25519_is_valid_point(p: Uint8Array): boolean;
  /** r = p + q; 0 on either side is fine. Throws when p or q is not on the curve. */
  crypto_core_ed25519_add(r: Uint8Array, p: Uint8Array, q: Uint8Array): void;
  /** r = p - q, as above. */
  crypto_core_ed25519_sub(r: Uint8Array, p: Uint8Array, q: Uint8Array): void;
  /** r = s mod l, the order of the subgroup. s: 64 bytes. */
  crypto_core_ed25519_scalar_reduce(r: Uint8Array, s: Uint8Array): void;
}

/** The native binding, or null on a platform without a prebuilt one: callers then fall back. */
export function loadSodium(): Sodium | null {
  try {
    return createRequire(import.meta.url)('sodium-native') as Sodium;
  } catch {
    return null;
  }
}
