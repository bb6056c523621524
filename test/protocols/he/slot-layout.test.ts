import { deepEqual, equal, throws } from 'node:assert/strict';
import { DEGREE, SLOT_MODULUS } from '../../../src/kernels/rlwe-kernel.ts';
import { packSlots, readSlots, slotLayout } from '../../../src/protocols/he/slot-layout.ts';

describe('slot layout', () => {
  it('puts as many terms in a ciphertext as there is room for', () => {
    const shape = (terms: number, rows: number): number[] => {
      const { blocks, groups, stride, ciphertexts } = slotLayout(terms, rows, 1);
      return [blocks, groups, stride, ciphertexts];
    };
    deepEqual(shape(16, 256), [1, 16, 256, 1]);
    deepEqual(shape(17, 256), [1, 16, 256, 2]);
    deepEqual(shape(3, 256), [1, 4, 1024, 1]);
    deepEqual(shape(1, 1), [1, 1, 4096, 1]);
    deepEqual(shape(4096, 1), [1, 4096, 1, 1]);
    deepEqual(shape(16, 2048), [1, 2, 2048, 8]);
    deepEqual(shape(16, 2049), [1, 1, 4096, 16]);
    deepEqual(shape(16, 4096), [1, 1, 4096, 16]);
    deepEqual(shape(16, 4097), [2, 1, 4096, 16]);
    deepEqual(shape(16, 100_000), [25, 1, 4096, 16]);
  });

  it('packs every value once and reads the sum over terms back', () => {
    for (const [terms, rows] of [
      [5, 700],
      [3, 4100],
      [1, 1],
    ] as const) {
      const layout = slotLayout(terms, rows, 2);
      const value = (term: number, row: number): number =>
        (row % 2 ? -1 : 1) * (1000 * term + row + 1);
      const sums = new Uint32Array(2 * rows);
      for (let block = 0; block < layout.blocks; block++) {
        const total = new Uint32Array(DEGREE);
        for (let c = 0; c < layout.ciphertexts; c++) {
          const slots = packSlots(layout, c, block, (term, from, count) =>
            Int32Array.from({ length: count }, (_, i) => value(term, from + i)),
          );
          for (let i = 0; i < DEGREE; i++) total[i] = (total[i]! + slots![i]!) % SLOT_MODULUS;
        }
        readSlots(layout, total, block, 1, sums);
      }
      for (let row = 0; row < rows; row++) {
        let expected = 0;
        for (let term = 0; term < terms; term++) expected += value(term, row);
        equal(sums[rows + row], (expected + SLOT_MODULUS) % SLOT_MODULUS, `row ${row} of ${rows}`);
        equal(sums[row], 0, 'the other output is untouched');
      }
    }
  });

  it('refuses sizes that cannot be', () => {
    throws(() => slotLayout(0, 1, 1), RangeError);
    throws(() => slotLayout(1, 0, 1), RangeError);
    throws(() => slotLayout(1, 1, 0), RangeError);
    throws(() => slotLayout(1, 1.5, 1), RangeError);
    throws(() => slotLayout(257, 4096, 1), RangeError);
    equal(slotLayout(256, 4096, 1).ciphertexts, 256);
  });
});
