import { columnLength, type TextColumn } from '../../protocols/psi/text-column.ts';

const EMPTY = -1;

/**
 * The first row, from 1, whose texts an earlier row has in every column; null without such a row.
 *
 * @param seed - 32 bits that whoever wrote the texts does not know: equal hashes cost time.
 */
export function firstRepeated(columns: readonly TextColumn[], seed: number): number | null {
  const n = columnLength(columns[0]!);
  const hashes = rowHashes(columns, n, seed);
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(1.5 * n + 2))).fill(EMPTY);
  const mask = slots.length - 1;
  for (let row = 0; row < n; row++) {
    const hash = hashes[row]!;
    let slot = hash & mask;
    for (let other = slots[slot]!; other !== EMPTY; other = slots[slot]!) {
      if (hashes[other] === hash && isRepeated(columns, row, other)) return row + 1;
      slot = (slot + 1) & mask;
    }
    slots[slot] = row;
  }
  return null;
}

/** A hash for every row; equal rows have equal ones. */
function rowHashes(columns: readonly TextColumn[], n: number, seed: number): Int32Array {
  const hashes = new Int32Array(n).fill(seed);
  for (const { bytes, starts } of columns) {
    for (let row = 0; row < n; row++) {
      const end = starts[row + 1]!;
      let at = starts[row]!;
      let hash = mix(hashes[row]!, end - at);
      for (; at + 4 <= end; at += 4) {
        const word =
          bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
        hash = mix(hash, word);
      }
      for (; at < end; at++) hash = mix(hash, bytes[at]!);
      hashes[row] = hash;
    }
  }
  return hashes.map(scramble);
}

/** A round of MurmurHash3 for 32 bits. */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Its end: every bit depends on every other. */
function scramble(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function isRepeated(columns: readonly TextColumn[], row: number, other: number): boolean {
  return columns.every(({ bytes, starts }) => {
    const at = starts[row]!;
    const length = starts[row + 1]! - at;
    const from = starts[other]!;
    if (starts[other + 1]! - from !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[at + i] !== bytes[from + i]) return false;
    return true;
  });
}
