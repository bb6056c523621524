import {
  BLOCK_BYTES,
  checkAround,
  checkBranch,
  checkExpand,
  checkTaps,
  countRows,
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
      const parent = blocks(tree, at + i).slice();
      blocks(tree, at + i).set(blocks(left, i));
      blocks(tree, n + at + i).set(blocks(right, i));
      for (const [side, child] of [at + i, n + at + i].entries()) {
        add(blocks(tree, child), parent);
        add(blocks(sums, side * t + (i % t)), blocks(tree, child));
      }
    }
  },

  spread(x) {
    const packed = x.slice(0, x.length / 2);
    x.fill(0);
    for (let i = 0; i < countRows(x, 2); i++) blocks(x, 2 * i).set(blocks(packed, i));
  },

  accumulate(x, width, first, taps) {
    const rows = checkTaps(x, width, first, taps);
    for (let r = 0; r < rows; r++) {
      const row = blocks(x, first + r, width);
      for (const source of sources(first + r, taps.subarray(r * TAP_BYTES))) {
        if (source >= 0) add(row, blocks(x, source, width));
      }
    }
  },

  accumulateAround(x, width, taps) {
    const n = checkAround(x, width, taps);
    for (let i = 0; i < REACH; i++) {
      for (const source of sources(i, taps.subarray(i * TAP_BYTES))) {
        if (source < 0) add(blocks(x, i, width), blocks(x, n + source, width));
      }
    }
  },

  expand(x, indices, onto) {
    const { n, k, width } = checkExpand(x, indices, onto);
    const part = n / REGULAR;
    const view = new DataView(indices.buffer, indices.byteOffset, indices.length);
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < WEIGHT; j++) {
        const u = view.getUint32(i * INDEX_BYTES + 4 * j, true);
        const row = j < REGULAR ? j * part + scaled(u, part) : scaled(u, n);
        for (const [b, out] of onto.entries()) add(blocks(out, i), blocks(x, row * width + b));
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

/** Blocks width i .. width (i + 1) - 1 of x. */
function blocks(x: Uint8Array, i: number, width = 1): Uint8Array {
  return x.subarray(i * width * BLOCK_BYTES, (i + 1) * width * BLOCK_BYTES);
}

function add(x: Uint8Array, y: Uint8Array): void {
  for (let i = 0; i < x.length; i++) x[i]! ^= y[i]!;
}
