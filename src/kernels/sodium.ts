import { createRequire } from 'node:module';

/** The functions of libsodium that we call, as `sodium-native` exposes them (it has no types). */
export interface Sodium {
  /** out: 64 bytes. */
  crypto_hash_sha512(out: Uint8Array, input: Uint8Array): void;
  /** X25519, RFC 7748: q = n p, 32 bytes each, n clamped. Throws when q would be all zero. */
  crypto_scalarmult(q: Uint8Array, n: Uint8Array, p: Uint8Array): void;
}

/** The native binding, or null on a platform without a prebuilt one: callers then fall back. */
export function loadSodium(): Sodium | null {
  try {
    return createRequire(import.meta.url)('sodium-native') as Sodium;
  } catch {
    return null;
  }
}
