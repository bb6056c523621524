import { ITEM_BYTES } from './item-digest.ts';

/**
 * `rows`, in place, in the lexicographic order of their items (n x 16): the joint order, the same at all
 * parties that have these items, which says nothing of anybody's file.
 */
export function sortByItem(
  rows: Uint32Array<ArrayBuffer>,
  items: Uint8Array,
): Uint32Array<ArrayBuffer> {
  const view = new DataView(items.buffer, items.byteOffset, items.length);
  return rows.sort((r, s) => {
    for (let at = 0; at < ITEM_BYTES; at += 4) {
      const order = view.getUint32(r * ITEM_BYTES + at) - view.getUint32(s * ITEM_BYTES + at);
      if (order !== 0) return order;
    }
    return 0;
  });
}
