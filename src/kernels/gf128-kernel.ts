/**
 * GF(2^128) = GF(2)[z] / (z^128 + z^7 + z^2 + z + 1). An element is 16 bytes, little-endian: bit i & 7 of
 * byte i >> 3 is the coefficient of z^i. Addition is XOR. Implementations agree bit for bit.
 */
export interface Gf128Kernel {
  readonly name: string;
  /** Products with one fixed element of 16 bytes, which is copied and kept as long as the kernel. */
  multiplier(element: Uint8Array): Gf128Multiplier;
}

export interface Gf128Multiplier {
  /** dst_i += element * src_i, in place. dst, src: n x 16 bytes each, of any alignment, not overlapping. */
  multiplyAdd(dst: Uint8Array, src: Uint8Array): void;
}

export const ELEMENT_BYTES = 16;

/** Throws `RangeError` unless `element` is one element. */
export function checkElement(element: Uint8Array): void {
  if (element.length !== ELEMENT_BYTES) {
    throw new RangeError(`"element" expected ${ELEMENT_BYTES} bytes, got ${element.length}`);
  }
}

/** Throws `RangeError` unless both are whole elements, as many. */
export function checkElements(dst: Uint8Array, src: Uint8Array): void {
  if (dst.length !== src.length || dst.length % ELEMENT_BYTES !== 0) {
    throw new RangeError(
      `"dst" and "src" expected n x ${ELEMENT_BYTES} bytes each, got ${dst.length} and ${src.length}`,
    );
  }
}
