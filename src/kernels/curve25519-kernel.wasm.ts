import { sha512 } from '@noble/hashes/sha2.js';
import { multiplyEach, nobleProduct } from './curve25519-kernel.reference.ts';
import {
  type Curve25519Kernel,
  checkScalar,
  countRows,
  DIGEST_BYTES,
  EXPAND_DOMAIN,
  LowOrderPointError,
  POINT_BYTES,
  WIDE_BYTES,
} from './curve25519-kernel.ts';
import { loadSodium, type Sodium } from './sodium.ts';
import { WasmMemory } from './wasm-memory.ts';

interface ElligatorExports {
  elligator2(wide: number, out: number, n: number, scratch: number): void;
}

/** Points mapped by one call: enough to share an inversion, small enough to stay in cache. */
const CHUNK_POINTS = 512;
const SCRATCH_BYTES = 80;

/**
 * The map in WebAssembly (6 us a point), hashing and scalar multiplication in libsodium (31 us);
 * these two in `@noble` (1 ms) when `sodium` is null.
 * One instance holds one scratch memory and is not re-entrant.
 */
export function loadCurve25519Kernel(sodium: Sodium | null = loadSodium()): Curve25519Kernel {
  const memory = new WasmMemory<ElligatorExports>();
  const input = memory.allocate(CHUNK_POINTS * WIDE_BYTES);
  const output = memory.allocate(CHUNK_POINTS * POINT_BYTES);
  const scratch = memory.allocate(CHUNK_POINTS * SCRATCH_BYTES);
  const { buffer, exports } = memory;

  const preimage = new Uint8Array(EXPAND_DOMAIN.length + DIGEST_BYTES);
  preimage.set(EXPAND_DOMAIN);
  const hash = new Uint8Array(WIDE_BYTES);
  const expand: (digest: Uint8Array) => Uint8Array = (digest) => {
    preimage.set(digest, EXPAND_DOMAIN.length);
    if (!sodium) return sha512(preimage);
    sodium.crypto_hash_sha512(hash, preimage);
    return hash;
  };

  /** Maps n points in chunks; `fill(to, from, m)` writes the integers from, ..., from + m - 1. */
  const map = (n: number, fill: (to: Uint8Array, from: number, m: number) => void): Uint8Array => {
    const out = new Uint8Array(n * POINT_BYTES);
    for (let i = 0; i < n; i += CHUNK_POINTS) {
      const m = Math.min(CHUNK_POINTS, n - i);
      fill(new Uint8Array(buffer, input, m * WIDE_BYTES), i, m);
      exports.elligator2(input, output, m, scratch);
      out.set(new Uint8Array(buffer, output, m * POINT_BYTES), i * POINT_BYTES);
    }
    return out;
  };

  return {
    name: sodium ? 'wasm+sodium' : 'wasm+noble',

    mapToCurve(wide) {
      return map(countRows('wide', wide, WIDE_BYTES), (to, from, m) => {
        to.set(wide.subarray(from * WIDE_BYTES, (from + m) * WIDE_BYTES));
      });
    },

    hashToCurve(digests) {
      return map(countRows('digests', digests, DIGEST_BYTES), (to, from, m) => {
        for (let i = 0; i < m; i++) {
          const at = (from + i) * DIGEST_BYTES;
          to.set(expand(digests.subarray(at, at + DIGEST_BYTES)), i * WIDE_BYTES);
        }
      });
    },

    multiply(points, scalar) {
      checkScalar(scalar);
      if (!sodium) return multiplyEach(points, (point, i) => nobleProduct(scalar, point, i));
      const product = new Uint8Array(POINT_BYTES);
      return multiplyEach(points, (point, i) => {
        try {
          sodium.crypto_scalarmult(product, scalar, point);
        } catch {
          throw new LowOrderPointError(i); // lengths are right, so this is its only reason
        }
        return product;
      });
    },
  };
}
