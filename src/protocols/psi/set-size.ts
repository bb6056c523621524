import { countItems } from './item-digest.ts';
import { malformed } from './malformed.ts';

/** Above this the protocols of this folder take tens of minutes: use others. */
export const MAX_ITEMS: number = 2 ** 24;

/** The number of a party's own items; throws `RangeError` when they break what was agreed. */
export function checkOwnItems(items: Uint8Array, maxItems: number): number {
  if (!Number.isInteger(maxItems) || maxItems < 0 || maxItems > MAX_ITEMS) {
    throw new RangeError(`"maxItems" expected an integer up to ${MAX_ITEMS}, got ${maxItems}`);
  }
  const n = countItems(items);
  if (n > maxItems) throw new RangeError(`items expected at most ${maxItems}, got ${n}`);
  return n;
}

/** The number of items that the peer announces. */
export function decodeSize({ items }: { readonly items: number }, maxItems: number): number {
  if (items > maxItems) throw malformed(`expected at most ${maxItems} items, got ${items}`);
  return items;
}
