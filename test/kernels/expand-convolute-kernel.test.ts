import { deepEqual, equal, throws } from 'node:assert/strict';
import { referenceExpandConvoluteKernel } from '../../src/kernels/expand-convolute-kernel.reference.ts';
import {
  type ExpandConvoluteKernel,
  INDEX_BYTES,
  REACH,
  TAP_BYTES,
} from '../../src/kernels/expand-convolute-kernel.ts';
import { loadWasmExpandConvoluteKernel } from '../../src/kernels/expand-convolute-kernel.wasm.ts';
import { seededRng } from '../support/seeded-rng.ts';

/** A vector of the kernel with these contents. */
function vector(kernel: ExpandConvoluteKernel, bytes: Uint8Array): Uint8Array {
  const x = kernel.allocate(bytes.length / 16);
  x.set(bytes);
  return x;
}

/** Row i as one number: tests use blocks of which only the first byte counts. */
const firsts = (x: Uint8Array) => Array.from({ length: x.length / 16 }, (_, i) => x[16 * i]!);

/** Runs on both kernels and demands equal vectors. */
function agree(
  kernel: ExpandConvoluteKernel,
  contents: readonly Uint8Array[],
  run: (kernel: ExpandConvoluteKernel, vectors: readonly Uint8Array[]) => void,
  what: string,
): void {
  const outcomes = [kernel, referenceExpandConvoluteKernel].map((each) => {
    each.clear();
    const vectors = contents.map((bytes) => vector(each, bytes));
    run(each, vectors);
    return vectors.map((x) => x.slice());
  });
  outcomes[0]!.forEach((x, i) => {
    equal(Buffer.compare(x, outcomes[1]![i]!), 0, `${what}: vector ${i}`);
  });
}

describe('expand-convolute kernel: reference', () => {
  const kernel = referenceExpandConvoluteKernel;

  it('branches: images plus parents, and their sums a tree', () => {
    const block = (v: number) => [v, ...new Array<number>(15).fill(0)];
    const of = (...values: number[]) => Uint8Array.from(values.flatMap(block));
    const tree = of(1, 2, 0, 0); // two trees of one node
    const sums = of(0, 0, 0, 0);
    kernel.branch(tree, 0, of(0x10, 0x20), of(0x30, 0x40), sums);
    deepEqual(firsts(tree), [0x11, 0x22, 0x31, 0x42]);
    deepEqual(firsts(sums), [0x11, 0x22, 0x31, 0x42]);
  });

  it('accumulates: a single one spreads by the taps and to the row 25 behind', () => {
    const n = 60;
    const x = new Uint8Array(16 * n);
    x[16 * 8] = 1;
    const taps = new Uint8Array(TAP_BYTES * n);
    taps[TAP_BYTES * 9 + 2] = 0x80; // row 9 gains row 8: bit 23
    taps[TAP_BYTES * 32] = 0x01; // row 32 gains row 8: bit 0
    kernel.accumulate(x, 0, taps);
    const ones = firsts(x).flatMap((v, i) => (v ? [i] : []));
    deepEqual(ones, [8, 9, 32, 33, 34, 57, 58, 59]); // 33 = 8 + 25, 34 = 9 + 25, 57 = 32 + 25, ...
  });

  it('accumulates around: the first rows gain what lies before them', () => {
    const n = 60;
    const x = new Uint8Array(16 * n);
    for (let i = 35; i < n; i++) x[16 * i] = i;
    const taps = new Uint8Array(TAP_BYTES * REACH);
    taps[0] = 0x02; // row 0 gains row -23
    taps[TAP_BYTES * 24] = 0xff; // rows 0 .. 7: not before 0
    kernel.accumulateAround(x, taps);
    deepEqual(firsts(x).slice(0, 25), [35 ^ 37, ...Array.from({ length: 24 }, (_, i) => 36 + i)]);
  });

  it('expands: one row of each quarter, three of all', () => {
    const n = 40;
    const x = new Uint8Array(16 * n);
    for (let i = 0; i < n; i++) x[16 * i + 2] = i;
    const indices = new Uint8Array(2 * INDEX_BYTES);
    const view = new DataView(indices.buffer);
    [0, 0x8000_0000, 0xffff_ffff, 0, 0, 0x8000_0000, 0xffff_ffff].forEach((u, j) => {
      view.setUint32(INDEX_BYTES + 4 * j, u, true);
    });
    const out = new Uint8Array(32);
    kernel.expand(x, indices, out);
    deepEqual(out[2], 0 ^ 10 ^ 20 ^ 30 ^ 0 ^ 0 ^ 0);
    deepEqual(out[18], 0 ^ (10 + 5) ^ (20 + 9) ^ 30 ^ 0 ^ 20 ^ 39);
  });
});

for (const kernel of [loadWasmExpandConvoluteKernel()]) {
  describe(`expand-convolute kernel: ${kernel.name}`, () => {
    it('branches as the reference, in whole levels and in pieces', () => {
      const rng = seededRng('branch');
      for (const [t, rows, piece] of [
        [1, 1, 1],
        [3, 8, 8],
        [8, 16, 4],
        [5, 6, 2],
      ] as const) {
        const [left, right] = [rng(16 * t * rows), rng(16 * t * rows)];
        const contents = [rng(32 * t * rows), rng(32 * t)];
        agree(
          kernel,
          contents,
          (each, [tree, sums]) => {
            for (let at = 0; at < t * rows; at += piece * t) {
              const part = (images: Uint8Array) => images.subarray(16 * at, 16 * (at + piece * t));
              each.branch(tree!, at, part(left), part(right), sums!);
            }
          },
          `${t} trees of ${rows}`,
        );
      }
    });

    it('accumulates as the reference, in one call and in pieces of any size', () => {
      const rng = seededRng('accumulate');
      for (const [n, pieces] of [
        [52, [52]],
        [64, [4, 4, 20, 28, 8]],
        [400, [24, 28, 48, 300]],
        [1000, [1000]],
      ] as const) {
        const taps = rng(TAP_BYTES * n);
        agree(
          kernel,
          [rng(16 * n)],
          (each, [x]) => {
            let first = 0;
            for (const rows of pieces) {
              const part = taps.subarray(TAP_BYTES * first, TAP_BYTES * (first + rows));
              each.accumulate(x!, first, part);
              first += rows;
            }
            each.accumulateAround(x!, taps.subarray(0, TAP_BYTES * REACH));
          },
          `${n} rows`,
        );
      }
    });

    it('expands as the reference', () => {
      const rng = seededRng('expand');
      for (const [n, k] of [
        [4, 1],
        [60, 33],
        [1000, 200],
        [52, 0],
      ] as const) {
        const indices = rng(INDEX_BYTES * k);
        agree(
          kernel,
          [rng(16 * n), rng(16 * k)],
          (each, [x, onto]) => each.expand(x!, indices, onto!),
          `${k} of ${n} rows`,
        );
      }
    });

    it('gives vectors that do not overlap and outlive the growth of the memory', () => {
      kernel.clear();
      const first = kernel.allocate(3).fill(1);
      const second = kernel.allocate(1 << 18).fill(2);
      const third = kernel.allocate(1 << 19).fill(3);
      deepEqual([first[47], second[0], second.at(-1), third[0]], [1, 2, 2, 3]);
      kernel.accumulate(first.subarray(0, 32), 0, new Uint8Array(0));
      kernel.clear();
      equal(kernel.allocate(1).byteOffset, first.byteOffset, 'clear gives the room back');
    });

    it('refuses vectors of other memories and whatever is not aligned', () => {
      kernel.clear();
      const x = kernel.allocate(60);
      const foreign = new Uint8Array(16 * 60);
      const taps = new Uint8Array(TAP_BYTES * 60);
      throws(() => kernel.accumulate(foreign, 0, taps), RangeError);
      throws(() => kernel.accumulate(x.subarray(8, 24), 0, new Uint8Array(0)), RangeError);
    });
  });
}

for (const kernel of [referenceExpandConvoluteKernel, loadWasmExpandConvoluteKernel()]) {
  describe(`expand-convolute kernel: ${kernel.name}, shapes`, () => {
    const of = (blocks: number) => kernel.allocate(blocks);
    const bytes = (n: number) => new Uint8Array(n);

    it('refuses trees, images and sums that do not belong together', () => {
      const sums = of(4); // two trees
      throws(() => kernel.branch(of(8), 1, bytes(32), bytes(32), sums), RangeError);
      throws(() => kernel.branch(of(8), 0, bytes(16), bytes(16), sums), RangeError);
      throws(() => kernel.branch(of(8), 0, bytes(32), bytes(64), sums), RangeError);
      throws(() => kernel.branch(of(8), 4, bytes(32), bytes(32), sums), RangeError);
      throws(() => kernel.branch(of(8), -2, bytes(32), bytes(32), sums), RangeError);
      throws(() => kernel.branch(of(6), 0, bytes(32), bytes(32), sums), RangeError);
      throws(() => kernel.branch(of(8), 0, bytes(32), bytes(32), of(3)), RangeError);
      throws(() => kernel.branch(of(8), 0, bytes(0), bytes(0), of(0)), RangeError);
    });

    it('refuses taps and indices that do not fit', () => {
      const x = of(60);
      throws(() => kernel.accumulate(x, 0, bytes(TAP_BYTES * 64)), RangeError);
      throws(() => kernel.accumulate(x, 0, bytes(TAP_BYTES * 3)), RangeError);
      throws(() => kernel.accumulate(x, 2, bytes(TAP_BYTES * 4)), RangeError);
      throws(() => kernel.accumulate(x, -4, bytes(TAP_BYTES * 4)), RangeError);
      throws(() => kernel.accumulateAround(x, bytes(TAP_BYTES * 24)), RangeError);
      throws(() => kernel.accumulateAround(of(49), bytes(TAP_BYTES * 25)), RangeError);
      throws(() => kernel.expand(x, bytes(INDEX_BYTES), of(2)), RangeError);
      throws(() => kernel.expand(x, bytes(INDEX_BYTES - 1), of(1)), RangeError);
      throws(() => kernel.expand(of(62), bytes(INDEX_BYTES), of(1)), RangeError);
    });

    if (kernel.name === 'wasm') {
      it('refuses more than its input holds', () => {
        const rows = (1 << 16) * 2;
        throws(() => kernel.accumulate(of(rows), 0, bytes(TAP_BYTES * rows)), RangeError);
      });
    }
  });
}
