/**
 * Shares of zero for every item, [KMPRT17] "Practical Multi-party Private Set Intersection from
 * Symmetric-Key Techniques". Kolesnikov, Matania, Pinkas, Rosulek, Trieu.
 * https://eprint.iacr.org/2017/799 (unconditional zero-sharing).
 *
 * Functionality: every pair of parties agrees on a key once; after that each party computes shares of
 *   any items alone.
 *   Party i in: items x    out: s_i(x), 16 bytes each, with XOR_i s_i(x) = 0 for every x
 *
 * Security: semi-honest. A coalition that leaves out two parties or more sees shares of theirs that
 *   are uniform but for their sum: each of them holds a key that the coalition has not. AES-128 is
 *   the pseudo-random function, on distinct blocks of which far fewer than 2^64 are ever used.
 * Leaks:    nothing.
 * Cost:     one message of 18 bytes a pair, from the lower index to the higher; n - 1 AES blocks an
 *   item.
 *
 * Names follow the paper: k_ij = key of parties i and j; s_i = share of party i.
 */
import { createCipheriv } from 'node:crypto';
import { inspect } from 'node:util';
import { ZeroSharingSeed } from '../../../proto/gen/star.ts';
import type { Parties } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { checkLength } from '../primitives/words.ts';
import { ITEM_BYTES } from './item-digest.ts';

const KEY_BYTES = 16;
/** A cipher call costs half a microsecond; pieces of this size stay in the cache. */
const CHUNK_BYTES = 1 << 16;

/** This party's keys with every other. Shares of one session say nothing of those of another. */
export class ZeroSharing {
  /** k_ij for every j but this party. */
  readonly #keys: readonly Uint8Array[];

  private constructor(keys: readonly Uint8Array[]) {
    this.#keys = keys;
  }

  /** Agrees on fresh keys with all other parties. Takes the fork "zero-sharing" of each channel. */
  static async setup(parties: Parties, rng: Rng): Promise<ZeroSharing> {
    const { me, n } = parties;
    const peers = Array.from({ length: n }, (_, peer) => peer).filter((peer) => peer !== me);
    const keys = peers.map(async (peer) => {
      const ch = parties.channel(peer).fork('zero-sharing');
      if (peer < me) return decodeSeed(await ch.receive(ZeroSharingSeed));

      const seed = rng(KEY_BYTES);
      await ch.send(ZeroSharingSeed, { seed });
      return seed;
    });
    return new ZeroSharing(await Promise.all(keys));
  }

  /** s_i of n x 16 bytes of items: a fresh n x 16. Equal items have equal shares. */
  shares(items: Uint8Array): Uint8Array<ArrayBuffer> {
    if (items.length % ITEM_BYTES !== 0) {
      throw new RangeError(`"items" expected rows of ${ITEM_BYTES} bytes, got ${items.length}`);
    }
    const sum = new Uint32Array(items.length / 4);
    for (const key of this.#keys) {
      const prf = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
      for (let at = 0; at < items.length; at += CHUNK_BYTES) {
        const image = prf.update(items.subarray(at, at + CHUNK_BYTES)); // PRF(k_ij, x)
        const words = new Uint32Array(image.buffer, image.byteOffset, image.length >> 2);
        for (let i = 0, w = at >> 2; i < words.length; i++, w++) sum[w]! ^= words[i]!;
      }
    }
    return new Uint8Array(sum.buffer);
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

function decodeSeed({ seed }: ZeroSharingSeed): Uint8Array {
  checkLength(seed, KEY_BYTES);
  return seed;
}
