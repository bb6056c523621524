export const POINT_BYTES = 32;
export const SCALAR_BYTES = 32;
/** A scalar before its reduction: 512 bits, so that the residue is within 2^-259 of uniform. */
export const WIDE_BYTES = 64;

/**
 * Batches in the subgroup of prime order l = 2^252 + 27742317777372353535851937790883648493 of
 * edwards25519, RFC 8032 §5.1. Points are its 32-byte encodings, one each; scalars are little-endian,
 * below l. Methods throw `RangeError` for wrong lengths and for scalars that are zero.
 */
export interface Edwards25519Kernel {
  readonly name: string;
  /** Residues mod l, zero among them. wide: n x 64 bytes, little-endian; returns a fresh n x 32. */
  reduceScalars(wide: Uint8Array): Uint8Array;
  /** s_i B, B the base point. scalars: n x 32; returns a fresh n x 32. */
  baseMultiples(scalars: Uint8Array): Uint8Array;
  /** s_i P. point: 32 bytes, as `checkPoints` passes it; scalars: n x 32; returns a fresh n x 32. */
  multiples(point: Uint8Array, scalars: Uint8Array): Uint8Array;
  /** s P_i. points: n x 32, checked as by `checkPoints`; returns a fresh n x 32. */
  multiply(points: Uint8Array, scalar: Uint8Array): Uint8Array;
  /** P_i + Q. points: n x 32, point: 32 bytes, all of the subgroup; returns a fresh n x 32. */
  add(points: Uint8Array, point: Uint8Array): Uint8Array;
  /** P_i - Q, as `add`. */
  subtract(points: Uint8Array, point: Uint8Array): Uint8Array;
  /** Throws `InvalidPointError` unless all are canonical, in the subgroup, and not the identity. */
  checkPoints(points: Uint8Array): void;
}

/** Bytes that encode no point of the subgroup, encode one differently from RFC 8032, or encode the identity. */
export class InvalidPointError extends Error {
  /** Index of the point in its batch. */
  readonly index: number;

  constructor(index: number) {
    super(`point ${index} is not canonical, not in the prime-order subgroup, or the identity`);
    this.name = 'InvalidPointError';
    this.index = index;
  }
}

/** The rows of `bytes`, as views. Throws `RangeError` unless they are whole. */
export function rowsOf(name: string, bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length % width !== 0) {
    throw new RangeError(`"${name}" expected a multiple of ${width} bytes, got ${bytes.length}`);
  }
  return Array.from({ length: bytes.length / width }, (_, i) =>
    bytes.subarray(i * width, (i + 1) * width),
  );
}

/** The one row of `bytes`. Throws `RangeError` unless it has 32 bytes. */
export function checkOne(name: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length !== POINT_BYTES) {
    throw new RangeError(`"${name}" expected ${POINT_BYTES} bytes, got ${bytes.length}`);
  }
  return bytes;
}

/** The scalars of a batch, as views. Throws `RangeError` unless they are whole and none is zero. */
export function scalarsOf(bytes: Uint8Array): Uint8Array[] {
  const scalars = rowsOf('scalars', bytes, SCALAR_BYTES);
  if (scalars.some(isZero)) throw new RangeError('"scalars" expected none to be zero');
  return scalars;
}

/** Whether all bytes are zero, in a time that does not depend on them. */
export function isZero(scalar: Uint8Array): boolean {
  let union = 0;
  for (const byte of scalar) union |= byte;
  return union === 0;
}
