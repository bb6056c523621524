import type { Rng } from '../primitives/rng.ts';

const WORD_RANGE = 2 ** 32;
/** Words drawn at a time. */
const BLOCK_WORDS = 4096;

/**
 * A uniform permutation of 0, ..., n - 1 (Fisher-Yates), exactly uniform if `rng` is: indices are
 * drawn by rejection, not reduced. Whoever knows it links every item to its row: it is secret.
 */
export function randomPermutation(n: number, rng: Rng): Uint32Array<ArrayBuffer> {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let words: DataView = new DataView(new ArrayBuffer(0));
  let next = 0;
  const below = (bound: number): number => {
    const limit = WORD_RANGE - (WORD_RANGE % bound); // largest multiple of bound: below it, no bias
    for (;;) {
      if (next === words.byteLength) {
        const block = rng(4 * Math.min(BLOCK_WORDS, Math.max(16, n)));
        words = new DataView(block.buffer, block.byteOffset, block.byteLength);
        next = 0;
      }
      const word = words.getUint32(next, true);
      next += 4;
      if (word < limit) return word % bound;
    }
  };
  for (let i = n - 1; i > 0; i--) {
    const j = below(i + 1);
    const swapped = order[i]!;
    order[i] = order[j]!;
    order[j] = swapped;
  }
  return order;
}
