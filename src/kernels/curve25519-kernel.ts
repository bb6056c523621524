export const DIGEST_BYTES = 16;
export const POINT_BYTES = 32;
export const SCALAR_BYTES = 32;
/** Input of the map: 512 bits, so that the residue mod p is within 2^-257 of uniform. */
export const WIDE_BYTES = 64;

/** Prefix of the SHA-512 that expands a digest: no other use of SHA-512 here starts with it. */
export const EXPAND_DOMAIN: Uint8Array = new TextEncoder().encode(
  'entente curve25519 SHA-512 ELL2 u-coordinate v1:',
);

/**
 * Batches on the Montgomery curve of RFC 7748, points as 32-byte little-endian u-coordinates.
 *
 * The map is `map_to_curve` of RFC 9380 curve25519_XMD:SHA-512_ELL2_NU_ *without* `clear_cofactor`:
 * the clamped scalar that follows clears it. A map that clears it too would give other points and,
 * between two parties, a silently empty intersection: the tests pin its output.
 */
export interface Curve25519Kernel {
  readonly name: string;
  /** Elligator 2 of n integers. wide: n x 64 bytes, little-endian; returns a fresh n x 32, canonical. */
  mapToCurve(wide: Uint8Array): Uint8Array;
  /** `mapToCurve` of SHA-512(EXPAND_DOMAIN | digest). digests: n x 16; returns a fresh n x 32. */
  hashToCurve(digests: Uint8Array): Uint8Array;
  /**
   * X25519 of each point with one scalar, which is clamped. points: n x 32; returns a fresh n x 32,
   * canonical. Throws `LowOrderPointError` where a product would be zero.
   */
  multiply(points: Uint8Array, scalar: Uint8Array): Uint8Array;
}

/** A point of order 1, 2, 4 or 8: its product with any clamped scalar is zero and hides nothing. */
export class LowOrderPointError extends Error {
  /** Index of the point in its batch. */
  readonly index: number;

  constructor(index: number) {
    super(`point ${index} has low order`);
    this.name = 'LowOrderPointError';
    this.index = index;
  }
}

/** Number of `width`-byte rows in `bytes`; throws `RangeError` unless whole. */
export function countRows(name: string, bytes: Uint8Array, width: number): number {
  if (bytes.length % width !== 0) {
    throw new RangeError(`"${name}" expected a multiple of ${width} bytes, got ${bytes.length}`);
  }
  return bytes.length / width;
}

/** Throws `RangeError` unless `scalar` has 32 bytes. */
export function checkScalar(scalar: Uint8Array): void {
  if (scalar.length !== SCALAR_BYTES) {
    throw new RangeError(`"scalar" expected ${SCALAR_BYTES} bytes, got ${scalar.length}`);
  }
}
