/**
 * Rows of the OT extension [IKNP03] "Extending Oblivious Transfers Efficiently". Ishai, Kilian, Nissim,
 * Petrank. https://doi.org/10.1007/978-3-540-45146-4_9, Figure 1, with the columns of [ALSZ13]
 * (https://eprint.iacr.org/2013/552), where the first of the two masks is itself a stream: local steps,
 * no messages.
 *
 * Functionality: m rows with q_i = t_i ^ p_i * Delta.
 *   Sender   in: Delta, k_j^Delta_j   out: q_i
 *   Receiver in: k_j^0, k_j^1, p_i    out: t_i, and u for the sender
 *
 * Security: semi-honest; u is masked by a stream of which the sender lacks the key.
 * Cost:     u has 128 ceil(m/8) bytes; AES-CTR over 1 (sender) or 2 (receiver) times that; one transpose.
 *
 * Names: j < 128 column, i < m row; G stream of a base key; p choices, t, q rows of 128 bits; Delta secret.
 * Both objects are used in step: calls with the same sequence of m consume the same stream positions.
 */
import { type BitsKernel, rowBytes } from '../../kernels/bits-kernel.ts';
import { bitAt, checkBits } from '../primitives/bits.ts';
import { Prg } from '../primitives/prg.ts';
import { xorInto } from '../primitives/words.ts';
import { KAPPA } from '../security.ts';
import { KEY_BYTES, type KeyPairs } from './base-ot.ts';

const STREAM = 'iknp';

/** The bytes of u for m OTs. */
export function columnBytes(m: number): number {
  return KAPPA * rowBytes(m);
}

/** The extension sender's side. */
export class SenderRows {
  readonly #delta: Uint8Array;
  readonly #streams: readonly Prg[];
  readonly #kernel: BitsKernel;

  /** delta: 128 packed bits. keys: 128 x 16 bytes, row j is k_j^Delta_j. */
  constructor(delta: Uint8Array, keys: Uint8Array, kernel: BitsKernel) {
    checkBits('delta', delta, KAPPA);
    this.#delta = delta;
    this.#streams = streams(keys);
    this.#kernel = kernel;
  }

  /** u: 128 x ceil(m/8) bytes. Returns m x 16 bytes, row i is q_i. */
  absorb(u: Uint8Array, m: number): Uint8Array {
    const width = rowBytes(m);
    const zero = new Uint8Array(width);
    const columns = new Uint8Array(KAPPA * width);
    for (let j = 0; j < KAPPA; j++) {
      const chosen = [zero, u.subarray(j * width, (j + 1) * width)][bitAt(this.#delta, j)]!;
      columns.set(this.#streams[j]!.mask(chosen), j * width); // q_j = G(k_j^Delta_j) ^ Delta_j u_j
    }
    return this.#kernel.transpose128(columns, m);
  }
}

/** The extension receiver's side. */
export class ReceiverRows {
  readonly #streams0: readonly Prg[];
  readonly #streams1: readonly Prg[];
  readonly #kernel: BitsKernel;

  constructor({ k0, k1 }: KeyPairs, kernel: BitsKernel) {
    this.#streams0 = streams(k0);
    this.#streams1 = streams(k1);
    this.#kernel = kernel;
  }

  /** p: m packed bits. Returns t: m x 16 bytes, and u: 128 x ceil(m/8) bytes. */
  extend(p: Uint8Array, m: number): { t: Uint8Array; u: Uint8Array } {
    checkBits('p', p, m);
    const width = rowBytes(m);
    const columns = new Uint8Array(KAPPA * width);
    const u = new Uint8Array(KAPPA * width);
    for (let j = 0; j < KAPPA; j++) {
      const t = this.#streams0[j]!.next(width); // t_j = G(k_j^0)
      columns.set(t, j * width);
      const u_j = this.#streams1[j]!.mask(t);
      xorInto(u_j, p);
      u.set(u_j, j * width); // u_j = t_j ^ G(k_j^1) ^ p
    }
    return { t: this.#kernel.transpose128(columns, m), u };
  }
}

/** One stream a column from 128 x 16 bytes of base keys. */
function streams(keys: Uint8Array): Prg[] {
  if (keys.length !== KAPPA * KEY_BYTES) {
    throw new RangeError(`base keys expected ${KAPPA * KEY_BYTES} bytes, got ${keys.length}`);
  }
  return Array.from(
    { length: KAPPA },
    (_, j) => new Prg(keys.subarray(j * KEY_BYTES, (j + 1) * KEY_BYTES), STREAM),
  );
}
