import { x25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
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

const P = 2n ** 255n - 19n;
const J = 486662n; // v^2 = u^3 + J u^2 + u
const Z = 2n; // a non-square

/** The definition. Slow and obvious; every other implementation is tested against it. */
export const referenceCurve25519Kernel: Curve25519Kernel = {
  name: 'reference',

  mapToCurve(wide) {
    const n = countRows('wide', wide, WIDE_BYTES);
    const out = new Uint8Array(n * POINT_BYTES);
    for (let i = 0; i < n; i++) {
      const r = mod(decodeLittleEndian(wide.subarray(i * WIDE_BYTES, (i + 1) * WIDE_BYTES)));
      out.set(encodeLittleEndian(elligator2(r)), i * POINT_BYTES);
    }
    return out;
  },

  hashToCurve(digests) {
    const n = countRows('digests', digests, DIGEST_BYTES);
    const wide = new Uint8Array(n * WIDE_BYTES);
    for (let i = 0; i < n; i++) {
      const digest = digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES);
      wide.set(sha512.create().update(EXPAND_DOMAIN).update(digest).digest(), i * WIDE_BYTES);
    }
    return referenceCurve25519Kernel.mapToCurve(wide);
  },

  multiply(points, scalar) {
    checkScalar(scalar);
    return multiplyEach(points, (point, index) => nobleProduct(scalar, point, index));
  },
};

/** X25519 of `@noble/curves`; `index` is what the error names. */
export function nobleProduct(scalar: Uint8Array, point: Uint8Array, index: number): Uint8Array {
  try {
    return x25519.scalarMult(scalar, point);
  } catch {
    throw new LowOrderPointError(index); // lengths are right, so this is its only reason
  }
}

/** The rows product(point_i, i). points: n x 32; returns a fresh n x 32. */
export function multiplyEach(
  points: Uint8Array,
  product: (point: Uint8Array, index: number) => Uint8Array,
): Uint8Array {
  const n = countRows('points', points, POINT_BYTES);
  const out = new Uint8Array(n * POINT_BYTES);
  for (let i = 0; i < n; i++) {
    out.set(product(points.subarray(i * POINT_BYTES, (i + 1) * POINT_BYTES), i), i * POINT_BYTES);
  }
  return out;
}

/** RFC 9380 §6.7.1, steps 1 to 5 and 7: u1 = -J / (1 + Z r^2), u2 = -u1 - J, whichever is on the curve. */
function elligator2(r: bigint): bigint {
  const u1 = mod(-J * power(1n + Z * r * r, P - 2n));
  const isSquare = power(u1 ** 3n + J * u1 ** 2n + u1, (P - 1n) / 2n) === 1n;
  return isSquare ? u1 : mod(-u1 - J);
}

function mod(x: bigint): bigint {
  return ((x % P) + P) % P;
}

/** base^exponent mod p. */
function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

function decodeLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((x, byte) => (x << 8n) | BigInt(byte), 0n);
}

function encodeLittleEndian(x: bigint): Uint8Array {
  return Uint8Array.from({ length: POINT_BYTES }, (_, i) => Number((x >> BigInt(8 * i)) & 0xffn));
}
