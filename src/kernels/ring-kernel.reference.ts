import { checkShapes, type RingKernel } from './ring-kernel.ts';

/** The definition. Slow and obvious; every other implementation is tested against it. */
export const referenceRingKernel: RingKernel = {
  name: 'reference',

  matVec(X, v, n, d) {
    checkShapes(X, v, d, n, d);
    const y = new BigUint64Array(n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < d; j++) y[i]! += BigInt(X[i * d + j]!) * v[j]!;
    }
    return y; // reduced mod 2^64 by the typed array
  },

  transposedMatVec(X, e, n, d) {
    checkShapes(X, e, n, n, d);
    const g = new BigUint64Array(d);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < d; j++) g[j]! += BigInt(X[i * d + j]!) * e[i]!;
    }
    return g;
  },
};
