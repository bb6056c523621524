/**
 * Vector OLE over F = GF(2^128) for chosen inputs, [Gil99] "Two Party RSA Key Generation". Niv Gilboa.
 * https://doi.org/10.1007/3-540-48405-1_8, §4.1: one product by 128 oblivious transfers, with streams for
 * keys so that any number of products take the same transfers. Local steps, no messages.
 *
 * Functionality: a_i = b_i + y_i Delta for i < t.
 *   Receiver in: y, k_j^0, k_j^1       out: a, and u for the sender
 *   Sender   in: Delta, k_j^Delta_j    out: b
 *
 * Security: semi-honest; u is masked by a stream of which the sender lacks the key.
 * Cost:     u has 128 * 16 t bytes; AES-CTR over 1 (sender) or 2 (receiver) times that.
 *
 * Names: j < 128 bit of Delta, i < t element; s_j^0, s_j^1 streams of the base keys.
 * Both objects are used in step: calls with the same sequence of t consume the same stream positions.
 */

import { KEY_BYTES, type KeyPairs } from '../ot/base-ot.ts';
import { bitAt, checkBits } from '../primitives/bits.ts';
import { Prg } from '../primitives/prg.ts';
import { KAPPA } from '../security.ts';
import { ELEMENT_BYTES } from './vole.ts';

/** Other consumers of the same base keys take other labels. */
const STREAM = 'gilboa';
/** z^128 = z^7 + z^2 + z + 1 */
const OVERFLOW = 0x87;

/** The bytes of u for t elements. */
export function correctionBytes(t: number): number {
  return KAPPA * t * ELEMENT_BYTES;
}

/** The party that knows y. */
export class NoiseReceiver {
  readonly #streams0: readonly Prg[];
  readonly #streams1: readonly Prg[];

  constructor({ k0, k1 }: KeyPairs) {
    this.#streams0 = streams(k0);
    this.#streams1 = streams(k1);
  }

  /** y: t x 16 bytes. Returns a: t x 16 bytes, and u: 128 x t x 16 bytes. */
  multiply(y: Uint8Array): { a: Uint8Array; u: Uint8Array } {
    const width = y.length;
    const a = new Uint32Array(width / 4);
    const power = new Uint32Array(new Uint8Array(y).buffer); // y z^j
    const u = new Uint8Array(KAPPA * width);
    for (let j = 0; j < KAPPA; j++) {
      const s = words(this.#streams0[j]!.next(width));
      add(a, s); // a = sum of s_j^0
      add(s, power);
      u.set(this.#streams1[j]!.mask(bytes(s)), j * width); // u_j = s_j^0 + s_j^1 + y z^j
      timesZ(power);
    }
    return { a: bytes(a), u };
  }
}

/** The party that knows Delta. */
export class NoiseSender {
  readonly #delta: Uint8Array;
  readonly #streams: readonly Prg[];

  /** delta: 128 packed bits. keys: 128 x 16 bytes, row j is k_j^Delta_j. */
  constructor(delta: Uint8Array, keys: Uint8Array) {
    checkBits('delta', delta, KAPPA);
    this.#delta = delta;
    this.#streams = streams(keys);
  }

  /** u: 128 x t x 16 bytes. Returns b: t x 16 bytes. */
  multiply(u: Uint8Array, t: number): Uint8Array {
    const width = t * ELEMENT_BYTES;
    const zero = new Uint8Array(width);
    const b = new Uint32Array(width / 4);
    for (let j = 0; j < KAPPA; j++) {
      const chosen = [zero, u.subarray(j * width, (j + 1) * width)][bitAt(this.#delta, j)]!;
      add(b, words(this.#streams[j]!.mask(chosen))); // b = sum of s_j^Delta_j + Delta_j u_j
    }
    return bytes(b);
  }
}

/** One stream a bit of Delta from 128 x 16 bytes of base keys. */
function streams(keys: Uint8Array): Prg[] {
  if (keys.length !== KAPPA * KEY_BYTES) {
    throw new RangeError(`base keys expected ${KAPPA * KEY_BYTES} bytes, got ${keys.length}`);
  }
  return Array.from(
    { length: KAPPA },
    (_, j) => new Prg(keys.subarray(j * KEY_BYTES, (j + 1) * KEY_BYTES), STREAM),
  );
}

/** x_i = x_i z for every element of four little-endian words. */
function timesZ(x: Uint32Array): void {
  for (let i = 0; i < x.length; i += 4) {
    const overflow = x[i + 3]! >>> 31;
    x[i + 3] = (x[i + 3]! << 1) | (x[i + 2]! >>> 31);
    x[i + 2] = (x[i + 2]! << 1) | (x[i + 1]! >>> 31);
    x[i + 1] = (x[i + 1]! << 1) | (x[i]! >>> 31);
    x[i] = (x[i]! << 1) ^ (overflow * OVERFLOW);
  }
}

function add(x: Uint32Array, y: Uint32Array): void {
  for (let i = 0; i < x.length; i++) x[i]! ^= y[i]!;
}

/** The words of a fresh array, as a view where its place allows it. */
function words(x: Uint8Array): Uint32Array {
  const aligned = x.byteOffset % 4 === 0 ? x : new Uint8Array(x);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}

function bytes(x: Uint32Array): Uint8Array {
  return new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
}
