import { type BitsKernel, checkRows, rowBytes } from './bits-kernel.ts';

/** The definition. Slow and obvious; every other implementation is tested against it. */
export const referenceBitsKernel: BitsKernel = {
  name: 'reference',

  transpose128(rows, m) {
    checkRows(rows, m);
    const stride = rowBytes(m);
    const result = new Uint8Array(m * 16);
    for (let i = 0; i < m; i++) {
      for (let r = 0; r < 128; r++) {
        const bit = (rows[r * stride + (i >> 3)]! >> (i & 7)) & 1;
        result[i * 16 + (r >> 3)]! |= bit << (r & 7);
      }
    }
    return result;
  },
};
