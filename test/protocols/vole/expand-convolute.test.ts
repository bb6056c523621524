import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { referenceExpandConvoluteKernel } from '../../../src/kernels/expand-convolute-kernel.reference.ts';
import {
  type ExpandConvoluteKernel,
  INDEX_BYTES,
  REACH,
  TAP_BYTES,
} from '../../../src/kernels/expand-convolute-kernel.ts';
import { loadWasmExpandConvoluteKernel } from '../../../src/kernels/expand-convolute-kernel.wasm.ts';
import { Prg } from '../../../src/protocols/primitives/prg.ts';
import {
  accumulateTwice,
  EXPAND_ROWS,
  encode,
  expandRows,
} from '../../../src/protocols/vole/expand-convolute.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const WASM = loadWasmExpandConvoluteKernel();
const SEED = new TextEncoder().encode('public code seed');
const K = 4096;
const N = 8192;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const ones = (x: Uint8Array) =>
  Array.from({ length: x.length / 16 }, (_, i) => i).filter((i) => x[16 * i]);

/** The first elements of G x for x of N. */
function image(
  kernel: ExpandConvoluteKernel,
  contents: Uint8Array,
  { seed = SEED, count = K } = {},
): Promise<Uint8Array> {
  kernel.clear();
  const x = kernel.allocate(N);
  x.set(contents);
  return encode(kernel, seed, x, K, count);
}

/** The unit vector of one element, its value 1. */
function unit(i: number): Uint8Array {
  const x = new Uint8Array(16 * N);
  x[16 * i] = 1;
  return x;
}

describe('expand-convolute code [RRT23]', () => {
  it('has these taps and indices', () => {
    const taps = (pass: string) => hex(new Prg(SEED, pass).next(12));
    deepEqual([taps('accumulate 0'), taps('accumulate 1')], PINNED_TAPS);
    const { value } = expandRows(SEED, K).next();
    equal(hex(value!.indices.subarray(0, INDEX_BYTES)), PINNED_INDICES);
  });

  it('accumulates by those streams, one a pass, around the end', () => {
    for (const rows of [64, 52, 8200]) {
      const contents = seededRng('definition')(16 * rows);
      const expected = contents.slice();
      for (const pass of ['accumulate 0', 'accumulate 1']) {
        const taps = new Prg(SEED, pass).next(TAP_BYTES * rows);
        referenceExpandConvoluteKernel.accumulate(expected, 0, taps);
        const first = taps.subarray(0, TAP_BYTES * REACH);
        referenceExpandConvoluteKernel.accumulateAround(expected, first);
      }
      WASM.clear();
      const x = WASM.allocate(rows);
      x.set(contents);
      accumulateTwice(WASM, SEED, x);
      equal(Buffer.compare(x, expected), 0, `${rows} rows`);
    }
  });

  it('draws the taps of long vectors in pieces of one stream', () => {
    const rows = (1 << 16) + 64;
    const contents = seededRng('long')(16 * rows);
    WASM.clear();
    const [x, y] = [WASM.allocate(rows), WASM.allocate(rows)];
    x.set(contents);
    y.set(contents);
    accumulateTwice(WASM, SEED, x);
    for (const pass of ['accumulate 0', 'accumulate 1']) {
      const taps = new Prg(SEED, pass).next(TAP_BYTES * rows);
      for (let first = 0; first < rows; first += 1 << 15) {
        const part = taps.subarray(TAP_BYTES * first, TAP_BYTES * (first + (1 << 15)));
        WASM.accumulate(y, first, part);
      }
      WASM.accumulateAround(y, taps.subarray(0, TAP_BYTES * REACH));
    }
    equal(Buffer.compare(x, y), 0);
  });

  it('gives the rows of one stream, whatever their number', () => {
    const all = (k: number) => [...expandRows(SEED, k)];
    const k = 2 * EXPAND_ROWS + 5;
    deepEqual(
      all(k).map(({ from, rows }) => [from, rows]),
      [
        [0, EXPAND_ROWS],
        [EXPAND_ROWS, EXPAND_ROWS],
        [2 * EXPAND_ROWS, 5],
      ],
    );
    const joined = Buffer.concat(all(k).map(({ indices }) => indices));
    equal(Buffer.compare(joined, new Prg(SEED, 'expand').next(INDEX_BYTES * k)), 0);
    deepEqual(all(7)[0]!.indices, all(K)[0]!.indices.subarray(0, 7 * INDEX_BYTES));
    equal(all(0).length, 0);
  });

  it('maps unit vectors to these', async () => {
    const hash = createHash('sha256');
    for (const i of [0, 1, K - 1, K, K + 1, K + 100, (K + N) / 2, N - 26, N - 1]) {
      hash.update(await image(WASM, unit(i)));
    }
    equal(hash.digest('hex'), PINNED_IMAGES);
    deepEqual(ones(await image(WASM, unit(77))), [77], 'systematic');
  });

  it('is the same for every kernel, and linear', async () => {
    const rng = seededRng('linear');
    const [x, y] = [rng(16 * N), rng(16 * N)];
    const sum = x.map((byte, i) => byte ^ y[i]!);
    const [gx, gy, gSum] = [
      await image(WASM, x),
      await image(WASM, y),
      await image(WASM, sum),
    ] as const;
    equal(
      Buffer.compare(
        gSum,
        gx.map((byte, i) => byte ^ gy[i]!),
      ),
      0,
    );
    equal(Buffer.compare(gx, await image(referenceExpandConvoluteKernel, x)), 0);
    for (const count of [1, 1000]) {
      const first = await image(WASM, x, { count });
      equal(Buffer.compare(first, gx.subarray(0, 16 * count)), 0, `the first ${count}`);
    }
  }).timeout(20_000);

  it('spreads every folded element over half of the result, the last one as well as the first', async () => {
    for (const i of [K, K + 1, K + 2000, N - 100, N - 25, N - 2, N - 1]) {
      const weight = ones(await image(WASM, unit(i))).length;
      ok(Math.abs(weight - K / 2) < 6 * Math.sqrt(K / 4), `element ${i}: ${weight} of ${K}`);
    }
  });

  it('adds seven rows to each, taken evenly from all', () => {
    const folded = N - K;
    const seen = new Float64Array(folded);
    let doubled = 0;
    for (const { rows, indices } of expandRows(SEED, 1 << 15)) {
      const view = new DataView(indices.buffer, indices.byteOffset, indices.length);
      for (let i = 0; i < rows; i++) {
        const row = Array.from({ length: 7 }, (_, j) => {
          const u = view.getUint32(INDEX_BYTES * i + 4 * j, true);
          const quarter = folded / 4;
          if (j < 4) return j * quarter + Math.floor((u * quarter) / 2 ** 32);
          return Math.floor((u * folded) / 2 ** 32);
        });
        for (const at of row) seen[at]! += 1;
        if (new Set(row).size < 7) doubled++;
      }
    }
    const expected = (7 * (1 << 15)) / folded;
    const statistic = seen.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    ok(statistic < folded + 6 * Math.sqrt(2 * folded), `chi-square ${statistic} of ${folded}`);
    ok(doubled < 250, `${doubled} rows name a row twice; 120 expected`); // 15 pairs of 4096 a row
  });

  it('takes fair taps, other ones in the second pass, other ones for another seed', async () => {
    const rows = 1 << 14;
    const [first, second] = ['accumulate 0', 'accumulate 1'].map((pass) =>
      new Prg(SEED, pass).next(TAP_BYTES * rows),
    ) as [Uint8Array, Uint8Array];
    looksUniform(first, 'taps');
    looksUniform(
      first.map((byte, i) => byte ^ second[i]!),
      'taps of both passes',
    );
    const other = SEED.map((byte) => byte ^ 1);
    const i = K + 5;
    const [a, b] = [await image(WASM, unit(i)), await image(WASM, unit(i), { seed: other })];
    notDeepEqual(a, b);
    const common = ones(a).filter((at) => b[16 * at]).length;
    ok(Math.abs(common - K / 4) < 6 * Math.sqrt(K / 4), `${common} common ones`);
  });
});

const PINNED_TAPS = ['0115e9a49e86b13a456e1ba7', '457aefece9f7d664e8fe0a69'];
const PINNED_INDICES = '465c2d14f514d1e1add6ff7c64e2666261def23d80f6b8ce46bdfb7b';
const PINNED_IMAGES = '6b2f27838e000c7fa3ab0467287736bcf5ef324611272aae6ce5fd74e486c653';
