import { CommonCount, CommonItems } from '../../../proto/gen/star.ts';
import type { Channel } from '../channel.ts';
import { checkLength } from '../primitives/words.ts';
import { gatherRows } from './deduplicate.ts';
import { ITEM_BYTES } from './item-digest.ts';
import { malformed } from './malformed.ts';
import { RowIndex } from './row-index.ts';

/** Items a message: 256 KiB. Part of the wire format. */
export const BATCH_ITEMS = 16384;

/** To one who has them: `rows` of `items`, which ascend in that order, in batches after their number. */
export async function sendCommon(ch: Channel, items: Uint8Array, rows: Uint32Array): Promise<void> {
  await ch.send(CommonCount, { items: rows.length });

  for (let from = 0; from < rows.length; from += BATCH_ITEMS) {
    const batch = rows.subarray(from, from + BATCH_ITEMS);
    await ch.send(CommonItems, { items: gatherRows(items, ITEM_BYTES, batch) });
  }
}

/** This party's rows of the common items, at most `limit`, in the order of the items. */
export async function receiveCommon(
  ch: Channel,
  own: Uint8Array,
  limit: number,
): Promise<Uint32Array<ArrayBuffer>> {
  const { items: count } = await ch.receive(CommonCount);
  if (count > limit) throw malformed(`expected at most ${limit} common items, got ${count}`);

  const index = new RowIndex(own, ITEM_BYTES);
  for (let row = 0; row < own.length / ITEM_BYTES; row++) index.add(row);
  const rows = new Uint32Array(count);
  for (let from = 0; from < count; from += BATCH_ITEMS) {
    const to = Math.min(count, from + BATCH_ITEMS);
    const { items } = await ch.receive(CommonItems);
    checkLength(items, (to - from) * ITEM_BYTES);
    for (let k = from; k < to; k++) {
      const row = index.find(items, (k - from) * ITEM_BYTES);
      if (row < 0) throw malformed(`common item ${k} is not among this party's items`);
      if (k > 0 && compareItems(own, rows[k - 1]!, row) >= 0) {
        throw malformed(`common item ${k} is out of order`);
      }
      rows[k] = row;
    }
  }
  return rows;
}

/** Negative, zero or positive as row r comes before row s, is equal, or comes after it. */
function compareItems(items: Uint8Array, r: number, s: number): number {
  for (let k = 0; k < ITEM_BYTES; k++) {
    const order = items[r * ITEM_BYTES + k]! - items[s * ITEM_BYTES + k]!;
    if (order !== 0) return order;
  }
  return 0;
}
