import {
  BLOCK_BYTES,
  checkAround,
  checkBranch,
  checkExpand,
  checkTaps,
  type ExpandConvoluteKernel,
  INDEX_BYTES,
  REACH,
  REGULAR,
  TAP_BYTES,
  TAPS,
  WEIGHT,
} from './expand-convolute-kernel.ts';

/** The definition. Slow and obvious; every other implementation is tested against it. */
export const referenceExpandConvoluteKernel: ExpandConvoluteKernel = {
  name: 'reference',

  allocate(n) {
    return new Uint8Array(n * BLOCK_BYTES);
  },

  clear() {},

  branch(tree, at, left, right, sums) {
    const t = checkBranch(tree, at, left, right, sums);
    const n = tree.length / BLOCK_BYTES / 2;
    for (let i = 0; i < left.length / BLOCK_BYTES; i++) {
      const parent = block(tree, at + i).slice();
      block(tree, at + i).set(block(left, i));
      block(tree, n + at + i).set(block(right, i));
      for (const [side, child] of [at + i, n + at + i].entries()) {
        add(block(tree, child), parent);
        add(block(sums, side * t + (i % t)), block(tree, child));
      }
    }
  },

  accumulate(x, first, taps) {
    const rows = checkTaps(x, first, taps);
    for (let r = 0; r < rows; r++) {
      const row = block(x, first + r);
      for (const source of sources(first + r, taps.subarray(r * TAP_BYTES))) {
        if (source >= 0) add(row, block(x, source));
      }
    }
  },

  accumulateAround(x, taps) {
    const n = checkAround(x, taps);
    for (let i = 0; i < REACH; i++) {
      for (const source of sources(i, taps.subarray(i * TAP_BYTES))) {
        if (source < 0) add(block(x, i), block(x, n + source));
      }
    }
  },

  expand(x, indices, onto) {
    const { n, k } = checkExpand(x, indices, onto);
    const part = n / REGULAR;
    const view = new DataView(indices.buffer, indices.byteOffset, indices.length);
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < WEIGHT; j++) {
        const u = view.getUint32(i * INDEX_BYTES + 4 * j, true);
        const row = j < REGULAR ? j * part + scaled(u, part) : scaled(u, n);
        add(block(onto, i), block(x, row));
      }
    }
  },
};

/** The rows that row i gains; negative ones lie before row 0. */
function sources(i: number, taps: Uint8Array): number[] {
  const tapped = Array.from({ length: TAPS }, (_, j) => j)
    .filter((j) => (taps[j >> 3]! >> (j & 7)) & 1)
    .map((j) => i - TAPS + j);
  return [i - REACH, ...tapped];
}

/** floor(u n / 2^32) */
function scaled(u: number, n: number): number {
  return Number((BigInt(u) * BigInt(n)) >> 32n);
}

function block(x: Uint8Array, i: number): Uint8Array {
  return x.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
}

function add(x: Uint8Array, y: Uint8Array): void {
  for (let i = 0; i < x.length; i++) x[i]! ^= y[i]!;
}
