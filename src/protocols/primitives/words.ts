/** The byte form of vectors, as it stands in messages. */
import { ProtocolError } from '../errors.ts';

export const WORD_BYTES = 8;

/** The little-endian bytes of a vector: a view of the same memory. */
export function wordsToBytes(words: BigUint64Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** A fresh vector of n words from little-endian bytes of a peer; `MALFORMED_MESSAGE` unless 8 n bytes. */
export function decodeWords(bytes: Uint8Array, n: number): BigUint64Array {
  checkLength(bytes, WORD_BYTES * n);
  return new BigUint64Array(new Uint8Array(bytes).buffer);
}

/** The little-endian bytes of 32-bit numbers, 4 each; fresh. */
export function uint32Bytes(numbers: Uint32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(numbers.length * 4);
  const view = new DataView(bytes.buffer);
  for (let k = 0; k < numbers.length; k++) view.setUint32(4 * k, numbers[k]!, true);
  return bytes;
}

/** The little-endian bytes of numbers: a view of the same memory. */
export function bytesOf(numbers: Uint32Array | Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** n fresh 32-bit numbers from a peer's bytes; `MALFORMED_MESSAGE` unless 4 n bytes. */
export function decodeUint32(bytes: Uint8Array, n: number): Uint32Array {
  checkLength(bytes, 4 * n);
  return new Uint32Array(new Uint8Array(bytes).buffer);
}

/** n fresh doubles, whatever they are, from a peer's bytes; `MALFORMED_MESSAGE` unless 8 n bytes. */
export function decodeDoubles(bytes: Uint8Array, n: number): Float64Array {
  checkLength(bytes, 8 * n);
  return new Float64Array(new Uint8Array(bytes).buffer);
}

/** Throws `MALFORMED_MESSAGE` unless a peer's field has the length that both sides derive. */
export function checkLength(bytes: Uint8Array, expected: number): void {
  if (bytes.length !== expected) {
    throw new ProtocolError(
      'MALFORMED_MESSAGE',
      `expected ${expected} bytes, got ${bytes.length} bytes`,
    );
  }
}

/** dst ^= src, of as many bytes: in words where the memory of both is aligned. */
export function xorInto(dst: Uint8Array, src: Uint8Array): void {
  if (dst.length !== src.length) {
    throw new RangeError(`"src" expected ${dst.length} bytes, got ${src.length}`);
  }
  let at = 0;
  if (dst.byteOffset % 4 === 0 && src.byteOffset % 4 === 0) {
    const [d, s] = [dst, src].map((x) => new Uint32Array(x.buffer, x.byteOffset, x.length >> 2));
    for (let w = 0; w < d!.length; w++) d![w]! ^= s![w]!;
    at = 4 * d!.length;
  }
  for (; at < dst.length; at++) dst[at]! ^= src[at]!;
}
