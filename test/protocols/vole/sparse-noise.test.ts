import { deepEqual, equal } from 'node:assert/strict';
import { loadWasmExpandConvoluteKernel } from '../../../src/kernels/expand-convolute-kernel.wasm.ts';
import { referenceGf128Kernel } from '../../../src/kernels/gf128-kernel.reference.ts';
import { bitAt } from '../../../src/protocols/primitives/bits.ts';
import { NoiseReceiver, NoiseSender } from '../../../src/protocols/vole/noise-vole.ts';
import {
  growPuncturedTrees,
  growTrees,
  pathsOf,
} from '../../../src/protocols/vole/punctured-prf.ts';
import { placeNoise, sparseNoise, treeSums } from '../../../src/protocols/vole/sparse-noise.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { dealtBaseOts } from '../../support/vole-pair.ts';

const block = (x: Uint8Array, i: number) => x.subarray(16 * i, 16 * i + 16);

describe('sparse noise [BCG+19]', () => {
  it('keeps c = b + Delta e, e with one element a tree', () => {
    for (const [t, d] of [
      [8, 1],
      [16, 4],
      [624, 3],
    ] as const) {
      const rng = seededRng(`${t} ${d}`);
      const [delta, key, roots, y] = [rng(16), rng(16), rng(16 * t), rng(16 * t)];
      const turns = rng((t * d) / 8);
      const { chosen, ...pairs } = dealtBaseOts(`${t}`, delta);
      const { a, u } = new NoiseReceiver(pairs).multiply(y);
      const b = new NoiseSender(delta, chosen).multiply(u, t);

      const [sender, receiver] = [1, 2].map(() => loadWasmExpandConvoluteKernel());
      const [x, z] = [sender!, receiver!].map((kernel) => kernel.allocate(t * 2 ** d));
      x!.set(roots);
      const sums = growTrees(sender!, x!, { t, d }, key);
      const sigma = treeSums(sums, b, { t, d });
      const known = sums.k0.map((byte, at) => (bitAt(turns, at >> 4) ? byte : sums.k1[at]!));
      const trees = growPuncturedTrees(receiver!, z!, { t, d }, key, turns, known);
      deepEqual(trees.paths, pathsOf(turns, { t, d }));
      placeNoise(z!, trees, sigma, a);
      const noise = sparseNoise(trees.paths, y);

      const e = new Uint8Array(16 * t * 2 ** d);
      for (const { position, value } of noise) block(e, position).set(value);
      const seen = new Set(noise.map(({ position }) => position % t));
      equal(seen.size, t, 'one a tree');
      deepEqual(
        noise.map(({ position }) => Math.floor(position / t)),
        [...trees.paths],
      );
      const expected = x!.slice();
      referenceGf128Kernel.multiplier(delta).multiplyAdd(expected, e);
      equal(Buffer.compare(z!, expected), 0, `${t} trees of depth ${d}`);
      const different = Array.from({ length: t * 2 ** d }, (_, i) => i).filter(
        (i) => Buffer.compare(block(x!, i), block(z!, i)) !== 0,
      );
      equal(different.length, t, 'exactly the noise');
      if (t > 100) looksUniform(sigma, 'sigma');
    }
  });
});
