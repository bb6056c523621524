/**
 * Alignment of two data sets on their keys: what joint training starts from.
 *
 * Functionality: both parties learn which of their rows the other has too, and put them in one order.
 *   Sender   in: digests of its keys, distinct    out: its rows of the common records
 *   Receiver in: digests of its keys, distinct    out: its rows of the common records
 *   Row k of one output and row k of the other belong to the same key.
 *
 * Security and leaks: those of ecdh-psi.ts with the result to both. The order is that of the digests,
 *   which are salted hashes: it says nothing of either party's file.
 * Cost:     that of ecdh-psi.ts; no message of its own.
 */
import type { Channel } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { deduplicate } from './deduplicate.ts';
import { type EcdhPsiOptions, ecdhPsiReceiver, ecdhPsiSender } from './ecdh-psi.ts';
import { ITEM_BYTES } from './item-digest.ts';

export type AlignOptions = Omit<EcdhPsiOptions, 'resultTo'>;

/**
 * The receiver's common rows in the joint order. Throws `DuplicateKeyError` before it sends anything
 * if a digest repeats: see `deduplicate`.
 */
export async function alignReceiver(
  ch: Channel,
  digests: Uint8Array,
  options: AlignOptions,
  rng: Rng,
): Promise<Uint32Array<ArrayBuffer>> {
  const { items } = deduplicate(digests, 'reject');
  const rows = await ecdhPsiReceiver(ch, items, { ...options, resultTo: 'both' }, rng);
  return sortByDigest(rows, items);
}

/** The sender's common rows in the joint order; as for the receiver. */
export async function alignSender(
  ch: Channel,
  digests: Uint8Array,
  options: AlignOptions,
  rng: Rng,
): Promise<Uint32Array<ArrayBuffer>> {
  const { items } = deduplicate(digests, 'reject');
  const rows = await ecdhPsiSender(ch, items, { ...options, resultTo: 'both' }, rng);
  return sortByDigest(rows!, items);
}

/** `rows`, in place, in the lexicographic order of their digests. */
function sortByDigest(
  rows: Uint32Array<ArrayBuffer>,
  digests: Uint8Array,
): Uint32Array<ArrayBuffer> {
  const view = new DataView(digests.buffer, digests.byteOffset, digests.length);
  return rows.sort((r, s) => {
    for (let at = 0; at < ITEM_BYTES; at += 4) {
      const order = view.getUint32(r * ITEM_BYTES + at) - view.getUint32(s * ITEM_BYTES + at);
      if (order !== 0) return order;
    }
    return 0;
  });
}
