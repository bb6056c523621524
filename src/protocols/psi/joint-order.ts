import { ITEM_BYTES } from './item-digest.ts';

/** Bits of a digit of the radix sort: its counters stay in the first-level cache. */
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
/** Three digits hold the 32 leading bits. */
const SHIFTS = [0, DIGIT_BITS, 2 * DIGIT_BITS] as const;

/** Rows in the joint order with what they were sorted by first. */
export interface SortedRows {
  readonly rows: Uint32Array<ArrayBuffer>;
  /** The leading 32 bits of the item of each, as a big-endian number: never falling. */
  readonly leads: Uint32Array<ArrayBuffer>;
}

/**
 * `rows`, in place, in the lexicographic order of their items (n x 16): the joint order, the same at all
 * parties that have these items, which says nothing of anybody's file. Takes one pass if they are in it.
 */
export function sortByItem(
  rows: Uint32Array<ArrayBuffer>,
  items: Uint8Array,
): Uint32Array<ArrayBuffer> {
  if (!areInOrder(rows, items)) rows.set(sortRows(rows, items).rows);
  return rows;
}

function areInOrder(rows: Uint32Array, items: Uint8Array): boolean {
  const view = new DataView(items.buffer, items.byteOffset, items.length);
  let last = 0;
  for (let i = 0; i < rows.length; i++) {
    const lead = view.getUint32(rows[i]! * ITEM_BYTES);
    if (lead < last) return false;
    if (lead === last && i > 0 && compareRest(view, rows[i - 1]!, rows[i]!) > 0) return false;
    last = lead;
  }
  return true;
}

/**
 * The rows in the lexicographic order of their items, those of equal items as they were; fresh. Linear
 * for items whose leading bits are pseudo-random or equal items' alone; never worse than a sort that compares.
 */
export function sortRows(rows: Uint32Array, items: Uint8Array): SortedRows {
  const n = rows.length;
  const view = new DataView(items.buffer, items.byteOffset, items.length);
  let from: SortedRows = { rows: new Uint32Array(rows), leads: new Uint32Array(n) };
  let to: SortedRows = { rows: new Uint32Array(n), leads: new Uint32Array(n) };
  for (let i = 0; i < n; i++) from.leads[i] = view.getUint32(rows[i]! * ITEM_BYTES);
  for (const shift of SHIFTS) {
    scatter(from, to, shift);
    [from, to] = [to, from];
  }
  sortTies(from, view);
  return from;
}

/** One pass of the radix sort, stable: `from` into `to` by the digit at `shift`. */
function scatter(from: SortedRows, to: SortedRows, shift: number): void {
  const { rows, leads } = from;
  const { rows: outRows, leads: outLeads } = to;
  const next = new Uint32Array(DIGITS + 1); // next[d] = where the next row with digit d goes
  for (let i = 0; i < leads.length; i++) next[((leads[i]! >>> shift) & (DIGITS - 1)) + 1]!++;
  for (let d = 0; d < DIGITS; d++) next[d + 1]! += next[d]!;
  for (let i = 0; i < leads.length; i++) {
    const lead = leads[i]!;
    const at = next[(lead >>> shift) & (DIGITS - 1)]!++;
    outLeads[at] = lead;
    outRows[at] = rows[i]!;
  }
}

/** Sorts each run of rows with equal leading bits by the others. */
function sortTies({ rows, leads }: SortedRows, view: DataView): void {
  for (let from = 0, to = 1; from < rows.length; from = to++) {
    let isSorted = true;
    for (; to < rows.length && leads[to] === leads[from]; to++) {
      isSorted &&= compareRest(view, rows[to - 1]!, rows[to]!) <= 0;
    }
    if (!isSorted) rows.subarray(from, to).sort((r, s) => compareRest(view, r, s));
  }
}

/** Compares two items behind their leading 32 bits; 0 if these are equal. */
export function compareRest(view: DataView, r: number, s: number): number {
  for (let at = 4; at < ITEM_BYTES; at += 4) {
    const order = view.getUint32(r * ITEM_BYTES + at) - view.getUint32(s * ITEM_BYTES + at);
    if (order !== 0) return order;
  }
  return 0;
}
