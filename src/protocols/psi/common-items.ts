import { CommonCount, CommonItems } from '../../../proto/gen/star.ts';
import type { Channel } from '../channel.ts';
import { rowNumbers } from '../primitives/rows.ts';
import { checkLength } from '../primitives/words.ts';
import { ITEM_BYTES } from './item-digest.ts';
import { sortRows } from './joint-order.ts';
import { malformed } from './malformed.ts';

/** Items a message: 256 KiB. Part of the wire format. */
export const BATCH_ITEMS = 16384;

/** The common items (k x 16, ascending), in batches after their number, to one who has them too. */
export async function sendCommon(ch: Channel, common: Uint8Array): Promise<void> {
  await ch.send(CommonCount, { items: common.length / ITEM_BYTES });

  for (let at = 0; at < common.length; at += BATCH_ITEMS * ITEM_BYTES) {
    const items = common.subarray(at, at + BATCH_ITEMS * ITEM_BYTES);
    await ch.send(CommonItems, { items });
  }
}

/** This party's rows of the common items, at most `limit`, in the order of the items. */
export async function receiveCommon(
  ch: Channel,
  own: Uint8Array,
  limit: number,
): Promise<Uint32Array<ArrayBuffer>> {
  const find = ascendingFinder(own); // while the peer still works

  const { items: count } = await ch.receive(CommonCount);
  if (count > limit) throw malformed(`expected at most ${limit} common items, got ${count}`);

  const rows = new Uint32Array(count);
  for (let from = 0; from < count; from += BATCH_ITEMS) {
    const to = Math.min(count, from + BATCH_ITEMS);
    const { items } = await ch.receive(CommonItems);
    checkLength(items, (to - from) * ITEM_BYTES);
    const view = viewOf(items);
    for (let k = from; k < to; k++) {
      const row = find(view, (k - from) * ITEM_BYTES);
      if (row < 0) {
        throw malformed(`common item ${k} is out of order or not among this party's items`);
      }
      rows[k] = row;
    }
  }
  return rows;
}

/**
 * Finds the rows of items (n x 16) that are asked for in strictly ascending order: -1 for one that is
 * not among them, and for one that does not come after the one before. Linear over all calls.
 */
function ascendingFinder(items: Uint8Array): (other: DataView, at: number) => number {
  const n = items.length / ITEM_BYTES;
  const { rows, leads } = sortRows(rowNumbers(n), items);
  const view = viewOf(items);
  let next = 0;
  return (other, at) => {
    const lead = other.getUint32(at);
    while (next < n && leads[next]! < lead) next++;
    for (; next < n && leads[next] === lead; next++) {
      const order = compareItems(view, rows[next]! * ITEM_BYTES, other, at);
      if (order > 0) return -1;
      if (order === 0) return rows[next++]!;
    }
    return -1;
  };
}

/** Negative, zero or positive as the item at `at` comes before the other one, equals it, comes after it. */
function compareItems(view: DataView, at: number, other: DataView, otherAt: number): number {
  for (let k = 0; k < ITEM_BYTES; k += 4) {
    const order = view.getUint32(at + k) - other.getUint32(otherAt + k);
    if (order !== 0) return order;
  }
  return 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
