/** Rows of fixed width that stand in one array, and vectors of row numbers. */

const WORD_BYTES = 4;

/** 0, ..., n - 1. */
export function rowNumbers(n: number): Uint32Array<ArrayBuffer> {
  const rows = new Uint32Array(n);
  for (let i = 0; i < n; i++) rows[i] = i;
  return rows;
}

/** Distinct numbers below n, ascending; fresh. Takes a pass over n where a sort would take more. */
export function ascending(numbers: Uint32Array, n: number): Uint32Array<ArrayBuffer> {
  const isThere = new Uint8Array(n);
  for (const number of numbers) isThere[number] = 1;
  const sorted = new Uint32Array(numbers.length);
  let count = 0;
  for (let i = 0; i < n; i++) {
    if (isThere[i] === 1) sorted[count++] = i;
  }
  return sorted;
}

/** Rows order[0], order[1], ... of `bytes`, each `width` bytes; fresh. */
export function gatherRows(
  bytes: Uint8Array,
  width: number,
  order: Uint32Array,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(order.length * width);
  if (width % WORD_BYTES === 0 && bytes.byteOffset % WORD_BYTES === 0) {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / WORD_BYTES);
    copyRows(words, width / WORD_BYTES, order, new Uint32Array(out.buffer));
  } else {
    copyRows(bytes, width, order, out);
  }
  return out;
}

/** The first `kept` bytes of each row of `width` bytes; fresh. */
export function truncateRows(
  bytes: Uint8Array,
  width: number,
  kept: number,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((bytes.length / width) * kept);
  for (let from = 0, to = 0; from < bytes.length; from += width) {
    for (let k = 0; k < kept; k++) out[to++] = bytes[from + k]!;
  }
  return out;
}

type Elements = Uint8Array | Uint32Array;

/** Element by element: a call for each row would take longer. */
function copyRows(from: Elements, width: number, order: Uint32Array, to: Elements): void {
  let at = 0;
  for (let i = 0; i < order.length; i++) {
    const start = order[i]! * width;
    for (let k = start; k < start + width; k++) to[at++] = from[k]!;
  }
}
