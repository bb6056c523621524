import {
  binOutOfRange,
  checkByBin,
  checkRotations,
  HINT_DEGREE,
  type HintKernel,
} from './hint-kernel.ts';

/** The definition. Slow and obvious; every other implementation is tested against it. */
export const referenceHintKernel: HintKernel = {
  name: 'reference',

  addRotations(hints, a, bins) {
    const count = checkRotations(hints, a, bins);
    bins.forEach((bin, i) => {
      if (bin >= count) throw binOutOfRange();
      const p = i % HINT_DEGREE;
      const block = i - p;
      for (let k = 0; k < HINT_DEGREE; k++) {
        const word = k <= p ? a[block + p - k]! : -a[block + HINT_DEGREE + p - k]!;
        hints[bin * HINT_DEGREE + k]! += word; // a Uint32Array takes it modulo 2^32
      }
    });
  },

  addByBin(sums, words, bins) {
    checkByBin(sums, words, bins);
    bins.forEach((column, f) => {
      column.forEach((bin, i) => {
        if (bin >= sums[f]!.length) throw binOutOfRange();
        sums[f]![bin]! += words[i]!;
      });
    });
  },
};
