import type { Rng } from '../primitives/rng.ts';
import { rowNumbers } from '../primitives/rows.ts';

const WORD_RANGE = 2 ** 32;
/** Words drawn at a time. */
const BLOCK_WORDS = 4096;

/**
 * A uniform permutation of 0, ..., n - 1 (Fisher-Yates), exactly uniform if `rng` is: indices are
 * drawn by rejection, not reduced. Whoever knows it links every item to its row: it is secret.
 */
export function randomPermutation(n: number, rng: Rng): Uint32Array<ArrayBuffer> {
  const order = rowNumbers(n);
  for (let i = n - 1; i > 0; ) {
    const block = rng(4 * Math.min(BLOCK_WORDS, Math.max(16, n)));
    const words = new DataView(block.buffer, block.byteOffset, block.length);
    for (let at = 0; at < block.length && i > 0; at += 4) {
      const word = words.getUint32(at, true);
      const j = word % (i + 1);
      if (word - j > WORD_RANGE - (i + 1)) continue; // of the last, cut group of i + 1 words
      const swapped = order[i]!;
      order[i] = order[j]!;
      order[j] = swapped;
      i--;
    }
  }
  return order;
}
