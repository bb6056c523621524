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
import { xorInto } from './words.ts';

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
    const y = blocks === 1 ? copyWords(x) : repeatBlocks(copyWords(x), blocks);
    let low = first | 0;
    let high = Math.floor(first / 2 ** 32);
    for (let at = 0; at < y.length; ) {
      for (let b = 0; b < blocks; b++, at += 4) {
        y[at]! ^= low;
        y[at + 1]! ^= high;
        y[at + 2]! ^= b;
        y[at + 3]! ^= domain;
      }
      low = (low + 1) | 0;
      if (low === 0) high++;
    }
    return this.#feedForward(y);
  }

  /** pi(y) ^ y in place. */
  #feedForward(y: Uint32Array): Uint8Array {
    const bytes = new Uint8Array(y.buffer, y.byteOffset, y.byteLength);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const piece = bytes.subarray(at, at + CHUNK_BYTES);
      xorInto(piece, this.#pi.update(piece));
    }
    return bytes;
  }
}

/** Every block `blocks` times in a row. */
function repeatBlocks(x: Uint32Array, blocks: number): Uint32Array {
  const y = new Uint32Array(x.length * blocks);
  for (let row = 0, at = 0; row < x.length; row += 4) {
    for (let b = 0; b < blocks; b++, at += 4) {
      y[at] = x[row]!;
      y[at + 1] = x[row + 1]!;
      y[at + 2] = x[row + 2]!;
      y[at + 3] = x[row + 3]!;
    }
  }
  return y;
}

/** The blocks of x as aligned 32-bit words of their own. */
function copyWords(x: Uint8Array): Uint32Array {
  if (x.length % BLOCK_BYTES !== 0) {
    throw new RangeError(`"x" expected whole 16-byte blocks, got ${x.length} bytes`);
  }
  return new Uint32Array(new Uint8Array(x).buffer);
}
