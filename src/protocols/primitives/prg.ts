/**
 * Pseudorandom generator: AES-128 in counter mode, [SP 800-38A] §6.5, from a zero counter.
 * The key is SHA-256(label length, label, seed) cut to 16 bytes, so that consumers of one seed that
 * take different labels get independent streams. One seed and label are used by one object only.
 */
import { type Cipher, createCipheriv, createHash } from 'node:crypto';

export const SEED_BYTES = 16;
const DOMAIN = 'entente/prg/v1';
/** Larger updates leave the cache and spend their time in allocation. */
const CHUNK_BYTES = 1 << 18;
const ZEROS = new Uint8Array(CHUNK_BYTES);

export class Prg {
  readonly #cipher: Cipher;

  /** seed: at least 16 uniform bytes. */
  constructor(seed: Uint8Array, label: string) {
    if (seed.length < SEED_BYTES) {
      throw new RangeError(`"seed" expected at least ${SEED_BYTES} bytes, got ${seed.length}`);
    }
    this.#cipher = createCipheriv('aes-128-ctr', derive(seed, label), new Uint8Array(16));
  }

  /** The next `length` bytes of the stream. Returns a fresh array. */
  next(length: number): Uint8Array {
    if (length <= CHUNK_BYTES) return this.mask(ZEROS.subarray(0, length));
    const stream = new Uint8Array(length);
    for (let at = 0; at < length; at += CHUNK_BYTES) {
      const bytes = Math.min(CHUNK_BYTES, length - at);
      stream.set(this.#cipher.update(ZEROS.subarray(0, bytes)), at);
    }
    return stream;
  }

  /** `text` XOR the next bytes of the stream. Returns a fresh array. */
  mask(text: Uint8Array): Uint8Array {
    const masked = this.#cipher.update(text);
    return new Uint8Array(masked.buffer, masked.byteOffset, masked.length);
  }
}

function derive(seed: Uint8Array, label: string): Uint8Array {
  const name = new TextEncoder().encode(label);
  const length = Uint8Array.of(name.length & 255, name.length >> 8);
  const hash = createHash('sha256').update(DOMAIN).update(length).update(name).update(seed);
  return hash.digest().subarray(0, SEED_BYTES);
}
