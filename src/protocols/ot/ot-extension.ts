/**
 * OT extension, [IKNP03] over [CO15] base OTs, with the correlated OT of [ALSZ13]
 * (https://eprint.iacr.org/2013/552). The rows are in iknp.ts.
 *
 * Functionality: m 1-out-of-2 OTs in three kinds, any number of calls after one setup.
 *   random     Sender in: -            out: k_i^0, k_i^1   Receiver in: p_i out: k_i^p_i
 *   correlated Sender in: delta_i      out: s_i            Receiver in: p_i out: r_i
 *              with s_i + r_i = p_i * delta_i in Z_2^64: additive shares of the product
 *   chosen     Sender in: x_i^0, x_i^1 out: -              Receiver in: p_i out: x_i^p_i
 *
 * Security: semi-honest, one corruption; AES-CTR as PRG, H correlation robust ([GKWY20]: AES as ideal
 *           permutation under a key drawn a setup), base OT. A setup takes fresh randomness and cannot be
 *           saved: a restart sets up afresh, so no stream position is ever used twice.
 * Leaks:    m and the kind, which are public.
 * Cost:     setup: 1 round each way, S->R 32 * 128 + 16 bytes, R->S 32 bytes, 130 (R) or 256 (S) scalar mult.
 *           call: R->S 128 ceil(m/8) bytes, S->R 0 (random), 8 m (correlated), 2 l m (chosen, l-byte
 *           messages), in ceil(m / 2^16) messages each way (chosen: ceil(m / chosenChunk(l))): one round for
 *           one chunk. Of the following chunks one is sent ahead, so memory beyond in- and output is constant.
 *
 * Names: as in iknp.ts; H(i, x) hash with tweak (index of the OT since setup, block, kind).
 * The base OT roles are reversed: the extension's sender chooses, with the bits of Delta.
 */

import {
  CorrelatedMasks,
  ExtensionColumns,
  ExtensionHash,
  MaskedMessages,
} from '../../../proto/gen/ot.ts';
import { loadWasmBitsKernel } from '../../kernels/bits-kernel.wasm.ts';
import type { Channel } from '../channel.ts';
import { checkBits } from '../primitives/bits.ts';
import { BLOCK_BYTES, FixedKeyHash } from '../primitives/hash.ts';
import type { Rng } from '../primitives/rng.ts';
import { checkLength, decodeWords, wordsToBytes } from '../primitives/words.ts';
import { KAPPA } from '../security.ts';
import { baseOtReceiver, baseOtSender, type KeyPairs } from './base-ot.ts';
import { columnBytes, ReceiverRows, SenderRows } from './iknp.ts';
import { chooseRows, correlationMasks, maskRows, unmaskCorrelation, xorEach } from './pads.ts';
import { Turn } from './turn.ts';

/** OTs a message: 1 MiB of columns. A multiple of 8. */
export const CHUNK_OTS = 1 << 16;

/** The kind of a call, bound into the hash's tweak. */
const RANDOM = 1;
const CORRELATED = 2;
const CHOSEN = 3;

/** OTs a message when messages have l bytes: the pads of one side stay near 1 MiB. A multiple of 8. */
export function chosenChunk(l: number): number {
  return Math.max(8, Math.floor(CHUNK_OTS / Math.ceil(l / BLOCK_BYTES)) & ~7);
}

/** What both sides of a stream of random OTs know. */
export interface StreamShape {
  /** OTs in all. */
  readonly m: number;
  /** OTs a message, a multiple of 8. */
  readonly size: number;
  /** Blocks of 16 bytes a key. */
  readonly blocks: number;
}

/** The sending role. Owns a fork of the channel; one call at a time, in the receiver's order. */
export class OtSender {
  readonly #ch: Channel;
  readonly #delta: Uint8Array;
  readonly #rows: SenderRows;
  readonly #hash: FixedKeyHash;
  readonly #turn = new Turn();
  #used = 0;

  private constructor(ch: Channel, delta: Uint8Array, rows: SenderRows, hash: FixedKeyHash) {
    this.#ch = ch;
    this.#delta = delta;
    this.#rows = rows;
    this.#hash = hash;
  }

  /** Runs with `OtReceiver.setup`. A channel carries one extension: give each direction a fork. */
  static async setup(channel: Channel, rng: Rng): Promise<OtSender> {
    const ch = channel.fork('ot');
    const delta = rng(KAPPA / 8);
    const keys = await baseOtReceiver(ch, delta, KAPPA, rng);
    return OtSender.#extend(ch, delta, keys, rng);
  }

  /**
   * Runs with `OtReceiver.over`, on base OTs that were run before with the bits of delta as choices. Other
   * protocols may take the same keys, through streams of other labels.
   * delta: 16 bytes. keys: 128 x 16 bytes, row j is k_j^Delta_j.
   */
  static over(channel: Channel, delta: Uint8Array, keys: Uint8Array, rng: Rng): Promise<OtSender> {
    return OtSender.#extend(channel.fork('ot'), delta, keys, rng);
  }

  static async #extend(
    ch: Channel,
    delta: Uint8Array,
    keys: Uint8Array,
    rng: Rng,
  ): Promise<OtSender> {
    const key = rng(BLOCK_BYTES);
    await ch.send(ExtensionHash, { key });
    const rows = new SenderRows(delta, keys, loadWasmBitsKernel());
    return new OtSender(ch, delta, rows, new FixedKeyHash(key));
  }

  /** m random OTs. Returns m x 16 bytes each. */
  async random(m: number): Promise<KeyPairs> {
    checkCount(m);
    const all = { k0: new Uint8Array(m * BLOCK_BYTES), k1: new Uint8Array(m * BLOCK_BYTES) };
    await this.stream({ m, size: CHUNK_OTS, blocks: 1 }, async ({ k0, k1 }, from) => {
      all.k0.set(k0, from * BLOCK_BYTES);
      all.k1.set(k1, from * BLOCK_BYTES);
    });
    return all;
  }

  /**
   * Random OTs chunk by chunk, so that no more keys exist than one chunk's: `use` gets the keys of OTs
   * from .. from + n - 1, aligned and its own, and what it sends goes over other channels than this.
   */
  async stream(
    shape: StreamShape,
    use: (keys: KeyPairs, from: number, n: number) => Promise<void>,
  ): Promise<void> {
    checkStream(shape);
    await this.#turn.take(async () => {
      for (const [from, n] of chunks(shape.m, shape.size)) {
        const { pad0, pad1 } = await this.#pads(n, RANDOM, shape.blocks);
        await use({ k0: pad0, k1: pad1 }, from, n);
      }
    });
  }

  /** Correlated OTs over Z_2^64, one an element of delta. Returns s with s_i + r_i = p_i * delta_i. */
  async correlate(delta: BigUint64Array): Promise<BigUint64Array> {
    return this.#turn.take(async () => {
      const s = new BigUint64Array(delta.length);
      for (const [from, n] of chunks(delta.length, CHUNK_OTS)) {
        const { pad0, pad1 } = await this.#pads(n, CORRELATED);
        const c = correlationMasks(delta.subarray(from, from + n), pad0, pad1, s.subarray(from));
        await this.#ch.send(CorrelatedMasks, { c: wordsToBytes(c) });
      }
      return s;
    });
  }

  /** Chosen OTs of l-byte messages. x0, x1: m x l bytes. */
  async transfer(x0: Uint8Array, x1: Uint8Array, l: number): Promise<void> {
    checkMessageLength(l);
    if (x0.length % l !== 0 || x0.length !== x1.length) {
      throw new RangeError(
        `"x0" and "x1" expected m x ${l} bytes each, got ${x0.length} and ${x1.length}`,
      );
    }
    const blocks = Math.ceil(l / BLOCK_BYTES);
    return this.#turn.take(async () => {
      for (const [from, n] of chunks(x0.length / l, chosenChunk(l))) {
        const { pad0, pad1 } = await this.#pads(n, CHOSEN, blocks);
        const y0 = maskRows(x0.subarray(from * l, (from + n) * l), pad0, l);
        const y1 = maskRows(x1.subarray(from * l, (from + n) * l), pad1, l);
        await this.#ch.send(MaskedMessages, { y0, y1 });
      }
    });
  }

  /** H(q_i) and H(q_i ^ Delta) of the next n OTs, `blocks` x 16 bytes each. */
  async #pads(
    n: number,
    kind: number,
    blocks = 1,
  ): Promise<{ pad0: Uint8Array; pad1: Uint8Array }> {
    const { u } = await this.#ch.receive(ExtensionColumns);
    checkLength(u, columnBytes(n));
    const q = this.#rows.absorb(u, n);
    const first = this.#used;
    this.#used += n;
    const pad0 = this.#hash.hashIndexed(q, first, kind, blocks);
    xorEach(q, this.#delta);
    return { pad0, pad1: this.#hash.hashIndexed(q, first, kind, blocks) };
  }
}

/** The receiving role. Owns a fork of the channel; one call at a time, in the sender's order. */
export class OtReceiver {
  readonly #ch: Channel;
  readonly #rows: ReceiverRows;
  readonly #hash: FixedKeyHash;
  readonly #turn = new Turn();
  #used = 0;

  private constructor(ch: Channel, rows: ReceiverRows, hash: FixedKeyHash) {
    this.#ch = ch;
    this.#rows = rows;
    this.#hash = hash;
  }

  /** Runs with `OtSender.setup`. A channel carries one extension: give each direction a fork. */
  static async setup(channel: Channel, rng: Rng): Promise<OtReceiver> {
    const ch = channel.fork('ot');
    const keys = await baseOtSender(ch, KAPPA, rng);
    return OtReceiver.#extend(ch, keys);
  }

  /** Runs with `OtSender.over`, on the key pairs of those base OTs: 128 x 16 bytes each. */
  static over(channel: Channel, keys: KeyPairs): Promise<OtReceiver> {
    return OtReceiver.#extend(channel.fork('ot'), keys);
  }

  static async #extend(ch: Channel, keys: KeyPairs): Promise<OtReceiver> {
    const { key } = await ch.receive(ExtensionHash);
    checkLength(key, BLOCK_BYTES);
    return new OtReceiver(ch, new ReceiverRows(keys, loadWasmBitsKernel()), new FixedKeyHash(key));
  }

  /** m random OTs. choices: m packed bits. Returns m x 16 bytes, row i is k_i^p_i. */
  async random(choices: Uint8Array, m: number): Promise<Uint8Array> {
    checkBits('choices', choices, m);
    const all = new Uint8Array(m * BLOCK_BYTES);
    const piece = (from: number, n: number): Uint8Array => choicesOf(choices, from, n);
    await this.stream({ m, size: CHUNK_OTS, blocks: 1 }, piece, async (keys, from) => {
      all.set(keys, from * BLOCK_BYTES);
    });
    return all;
  }

  /**
   * Random OTs chunk by chunk, in step with the sender's `stream`. choices: the packed bits of OTs
   * from .. from + n - 1. While `use` works on a chunk, the next one's columns leave.
   */
  async stream(
    shape: StreamShape,
    choices: (from: number, n: number) => Uint8Array,
    use: (keys: Uint8Array, from: number, n: number) => Promise<void>,
  ): Promise<void> {
    checkStream(shape);
    await this.#turn.take(() =>
      this.#ahead(
        chunks(shape.m, shape.size),
        ([from, n]) => this.#sendColumns(choices(from, n), n, RANDOM, shape.blocks),
        use,
      ),
    );
  }

  /** Correlated OTs over Z_2^64. choices: m packed bits. Returns r with s_i + r_i = p_i * delta_i. */
  async correlate(choices: Uint8Array, m: number): Promise<BigUint64Array> {
    checkBits('choices', choices, m);
    return this.#turn.take(async () => {
      const r = new BigUint64Array(m);
      await this.#ahead(
        chunks(m, CHUNK_OTS),
        ([from, n]) => this.#sendColumns(choicesOf(choices, from, n), n, CORRELATED),
        async (pad, from, n) => {
          const reply = await this.#ch.receive(CorrelatedMasks);
          r.set(unmaskCorrelation(decodeWords(reply.c, n), pad, choices, from), from);
        },
      );
      return r;
    });
  }

  /** Chosen OTs of l-byte messages. choices: m packed bits. Returns m x l bytes, row i is x_i^p_i. */
  async choose(choices: Uint8Array, m: number, l: number): Promise<Uint8Array> {
    checkBits('choices', choices, m);
    checkMessageLength(l);
    const blocks = Math.ceil(l / BLOCK_BYTES);
    return this.#turn.take(async () => {
      const x = new Uint8Array(m * l);
      await this.#ahead(
        chunks(m, chosenChunk(l)),
        ([from, n]) => this.#sendColumns(choicesOf(choices, from, n), n, CHOSEN, blocks),
        async (pad, from, n) => {
          const { y0, y1 } = await this.#ch.receive(MaskedMessages);
          checkLength(y0, n * l);
          checkLength(y1, n * l);
          x.set(maskRows(chooseRows(y0, y1, choices, from, l), pad, l), from * l);
        },
      );
      return x;
    });
  }

  /** Sends the columns of the next n OTs. Returns H(t_i), `blocks` x 16 bytes each. */
  async #sendColumns(p: Uint8Array, n: number, kind: number, blocks = 1): Promise<Uint8Array> {
    const { t, u } = this.#rows.extend(p, n);
    const first = this.#used;
    this.#used += n;
    await this.#ch.send(ExtensionColumns, { u });
    return this.#hash.hashIndexed(t, first, kind, blocks);
  }

  /**
   * Sends every chunk's columns and consumes every chunk's answer. The next chunk is sent while the answer
   * to this one is awaited: the link stays busy, and neither side can block the other by not reading.
   */
  async #ahead(
    [head, ...rest]: readonly Chunk[],
    send: (chunk: Chunk) => Promise<Uint8Array>,
    consume: (pad: Uint8Array, from: number, n: number) => Promise<void>,
  ): Promise<void> {
    if (!head) return;
    let current: Chunk = head;
    let pad = await send(head);
    for (const chunk of rest) {
      const [next] = await Promise.all([send(chunk), consume(pad, ...current)]);
      [current, pad] = [chunk, next];
    }
    await consume(pad, ...current);
  }
}

type Chunk = readonly [from: number, n: number];

/** m in pieces of `size` OTs, the last one shorter; none for m = 0. */
function chunks(m: number, size: number): Chunk[] {
  return Array.from({ length: Math.ceil(m / size) }, (_, k) => [
    k * size,
    Math.min(size, m - k * size),
  ]);
}

/** The packed choices of OTs from .. from + n - 1; `from` is a multiple of 8. */
function choicesOf(choices: Uint8Array, from: number, n: number): Uint8Array {
  return choices.subarray(from >> 3, Math.ceil((from + n) / 8));
}

function checkStream({ m, size, blocks }: StreamShape): void {
  checkCount(m);
  if (!Number.isSafeInteger(size) || size < 8 || size % 8 !== 0) {
    throw new RangeError(`"size" expected a multiple of 8, got ${size}`);
  }
  if (!Number.isSafeInteger(blocks) || blocks < 1) {
    throw new RangeError(`"blocks" expected one or more, got ${blocks}`);
  }
}

function checkCount(m: number): void {
  if (!Number.isSafeInteger(m) || m < 0) throw new RangeError(`"m" expected a count, got ${m}`);
}

function checkMessageLength(l: number): void {
  if (!Number.isSafeInteger(l) || l < 1 || l > CHUNK_OTS) {
    throw new RangeError(`"l" expected 1 to ${CHUNK_OTS} bytes, got ${l}`);
  }
}
