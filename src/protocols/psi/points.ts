import { POINT_BYTES } from '../../kernels/curve25519-kernel.ts';
import { malformed } from './malformed.ts';

/** p = 2^255 - 19, little-endian words: all ones but the lowest byte and the highest bit. */
const P_WORD_0 = 0xffffffed;
const P_WORD_7 = 0x7fffffff;

/** The five u-coordinates below p of points of order 1, 2, 4 or 8 of the curve and its twist. */
const LOW_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** The second word of each of them: one look rules out all others but a few. */
const LOW_ORDER_WORD_1: ReadonlySet<number> = new Set(
  [...LOW_ORDER].map((text) => Buffer.from(text, 'hex').readUInt32LE(4)),
);

/**
 * The `count` points of a peer's message: k x 32 bytes, each a canonical u-coordinate, none of low
 * order. Throws `MALFORMED_MESSAGE`. Points of the twist pass: its group is as hard as the curve's.
 */
export function decodePoints(bytes: Uint8Array, count: number): Uint8Array {
  if (bytes.length !== count * POINT_BYTES) {
    throw malformed(`expected ${count} points, got ${bytes.length} bytes`);
  }
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < count; i++) {
    const at = i * POINT_BYTES;
    if (!isCanonical(words, at)) throw malformed(`point ${i} is not canonical`);
    if (LOW_ORDER_WORD_1.has(words.getUint32(at + 4, true)) && isLowOrder(bytes, at)) {
      throw malformed(`point ${i} has low order`);
    }
  }
  return bytes;
}

/** Whether the integer at `at` is below p. */
function isCanonical(words: DataView, at: number): boolean {
  const top = words.getUint32(at + 28, true);
  if (top !== P_WORD_7) return top < P_WORD_7;
  for (let word = 6; word >= 1; word--) {
    if (words.getUint32(at + 4 * word, true) !== 0xffffffff) return true;
  }
  return words.getUint32(at, true) < P_WORD_0;
}

function isLowOrder(bytes: Uint8Array, at: number): boolean {
  return LOW_ORDER.has(Buffer.from(bytes.subarray(at, at + POINT_BYTES)).toString('hex'));
}
