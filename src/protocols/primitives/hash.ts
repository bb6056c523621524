/**
 * Correlation-robust hash from fixed-key AES, [GKWY20] "Efficient and Secure Multiparty Computation
 * from Fixed-Key Block Ciphers". Guo, Katz, Wang, Yu. https://eprint.iacr.org/2019/074 (MMO).
 *
 * H(x) = pi(x) ^ x with pi = AES-128 under a public key; H(i, x) = H(x ^ i) for distinct tweaks i.
 * Security: pi is an ideal permutation; inputs x ^ i must be distinct and, to the adversary, offset by
 * an unknown uniform Delta (IKNP rows are: they are pseudorandom). Not a random oracle, and H(i, x) is
 * not a tweakable circular hash: do not use it where both x and i are the adversary's choice.
 */
import { type Cipher, createCipheriv } from 'node:crypto';

export const BLOCK_BYTES = 16;
/** A cipher call costs half a microsecond; pieces of 16-256 KiB run at memory speed. */
const CHUNK_BYTES = 1 << 16;

export class FixedKeyHash {
  readonly #pi: Cipher;

  /** key: 16 public bytes; other consumers take other keys. */
  constructor(key: Uint8Array) {
    this.#pi = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  }

  /** H(x_i) of every 16-byte block. Returns a fresh array; x is only read. */
  hash(x: Uint8Array): Uint8Array {
    return this.#feedForward(copyWords(x));
  }

  /**
   * H(i, x_i) of m blocks, stretched to `blocks` output blocks each: output block (i, b) is H(x_i ^ tweak)
   * with tweak = first + i (8 bytes), b (4 bytes), domain (4 bytes), little-endian. Row-major m x blocks.
   */
  hashIndexed(x: Uint8Array, first: number, domain: number, blocks = 1): Uint8Array {
    if (!Number.isSafeInteger(first + x.length)) throw new RangeError('"first" is too large');
    const rows = copyWords(x);
    const input = blocks === 1 ? rows : new Uint32Array(rows.length * blocks);
    for (let row = 0, at = 0; row < rows.length; row += 4) {
      const i = first + (row >> 2);
      const x0 = rows[row]! ^ (i >>> 0);
      const x1 = rows[row + 1]! ^ Math.floor(i / 2 ** 32);
      const x2 = rows[row + 2]!;
      const x3 = rows[row + 3]! ^ domain;
      for (let b = 0; b < blocks; b++, at += 4) {
        input[at] = x0;
        input[at + 1] = x1;
        input[at + 2] = x2 ^ b;
        input[at + 3] = x3;
      }
    }
    return this.#feedForward(input);
  }

  /** pi(y) ^ y in place. */
  #feedForward(y: Uint32Array): Uint8Array {
    const bytes = new Uint8Array(y.buffer, y.byteOffset, y.byteLength);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const piece = bytes.subarray(at, at + CHUNK_BYTES);
      const image = this.#pi.update(piece);
      const words = new Uint32Array(image.buffer, image.byteOffset, image.length >> 2);
      for (let i = 0, w = at >> 2; i < words.length; i++, w++) y[w]! ^= words[i]!;
    }
    return bytes;
  }
}

/** The blocks of x as aligned 32-bit words of their own. */
function copyWords(x: Uint8Array): Uint32Array {
  if (x.length % BLOCK_BYTES !== 0) {
    throw new RangeError(`"x" expected whole 16-byte blocks, got ${x.length} bytes`);
  }
  return new Uint32Array(new Uint8Array(x).buffer);
}
