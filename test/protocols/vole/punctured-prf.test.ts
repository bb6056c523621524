import { deepEqual, equal, notDeepEqual } from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { referenceExpandConvoluteKernel } from '../../../src/kernels/expand-convolute-kernel.reference.ts';
import type { ExpandConvoluteKernel } from '../../../src/kernels/expand-convolute-kernel.ts';
import { loadWasmExpandConvoluteKernel } from '../../../src/kernels/expand-convolute-kernel.wasm.ts';
import { bitAt } from '../../../src/protocols/primitives/bits.ts';
import { Prg } from '../../../src/protocols/primitives/prg.ts';
import {
  growPuncturedTrees,
  growTrees,
  type TreeShape,
} from '../../../src/protocols/vole/punctured-prf.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const KERNELS = [loadWasmExpandConvoluteKernel(), referenceExpandConvoluteKernel];

const block = (x: Uint8Array, i: number) => x.subarray(16 * i, 16 * i + 16);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** All leaves and the level sums. */
function grown(kernel: ExpandConvoluteKernel, shape: TreeShape, seed: string) {
  const rng = seededRng(seed);
  kernel.clear();
  const x = kernel.allocate(shape.t * 2 ** shape.d);
  const key = rng(16);
  x.set(rng(16 * shape.t));
  const sums = growTrees(kernel, x, shape, key);
  return { leaves: x.slice(), key, ...sums };
}

/** The leaves of the receiver with these turns, its sums taken from the sender's as transfers would. */
function punctured(
  kernel: ExpandConvoluteKernel,
  { t, d }: TreeShape,
  sender: { key: Uint8Array; k0: Uint8Array; k1: Uint8Array },
  turns: Uint8Array,
) {
  const known = sender.k0.map((byte, at) => (bitAt(turns, at >> 4) ? byte : sender.k1[at]!));
  kernel.clear();
  const x = kernel.allocate(t * 2 ** d).fill(0xaa);
  const result = growPuncturedTrees(kernel, x, { t, d }, sender.key, turns, known);
  return { leaves: x.slice(), ...result };
}

describe('punctured trees [GGM86]', () => {
  for (const kernel of KERNELS) {
    it(`give the receiver all leaves but those at its paths (${kernel.name})`, () => {
      for (const shape of [
        { t: 8, d: 1 },
        { t: 8, d: 5 },
        { t: 624, d: 3 },
        { t: 1032, d: 2 },
      ]) {
        const { t, d } = shape;
        const sender = grown(kernel, shape, `${t} ${d}`);
        const turns = seededRng(`turns ${t} ${d}`)((t * d) / 8);
        const { leaves, paths, others } = punctured(kernel, shape, sender, turns);
        const expected = sender.leaves.slice();
        for (let i = 0; i < t; i++) {
          let path = 0;
          for (let l = 0; l < d; l++) path |= bitAt(turns, l * t + i) << l;
          equal(paths[i], path, `path of tree ${i}`);
          block(expected, path * t + i).fill(0);
          const sum = new Uint8Array(16);
          for (let q = 0; q < 2 ** d; q++) {
            const leaf = block(expected, q * t + i);
            for (let at = 0; at < 16; at++) sum[at]! ^= leaf[at]!;
          }
          deepEqual(block(others, i), sum, `sum of tree ${i}`);
        }
        equal(Buffer.compare(leaves, expected), 0, `leaves of ${t} trees of depth ${d}`);
      }
    }).timeout(20_000);
  }

  it('grow as defined: children of s are pi(s) + s, level by level', () => {
    const shape = { t: 8, d: 2 };
    const { leaves, key, k0, k1 } = grown(KERNELS[0]!, shape, 'definition');
    const rng = seededRng('definition');
    rng(16);
    const roots = rng(16 * 8);
    const keys = new Prg(key, 'trees');
    const [left, right] = [keys.next(16), keys.next(16)].map(
      (pi) => (s: Uint8Array) =>
        createCipheriv('aes-128-ecb', pi, null)
          .update(s)
          .map((byte, at) => byte ^ s[at]!),
    );
    const child = (s: Uint8Array, bit: number) => Uint8Array.from([left!, right!][bit]!(s));
    const sums = [0, 1, 2, 3].map(() => new Uint8Array(16));
    const add = (sum: Uint8Array, s: Uint8Array) => {
      for (let at = 0; at < 16; at++) sum[at]! ^= s[at]!;
    };
    for (let leaf = 0; leaf < 4; leaf++) {
      const node = child(block(roots, 3), leaf & 1);
      deepEqual(block(leaves, leaf * 8 + 3), child(node, leaf >> 1), `leaf ${leaf} of tree 3`);
      add(sums[2 + (leaf >> 1)]!, child(node, leaf >> 1));
      if (leaf < 2) add(sums[leaf]!, node);
    }
    deepEqual([block(k0, 3), block(k1, 3)], sums.slice(0, 2), 'sums of level 0');
    deepEqual([block(k0, 8 + 3), block(k1, 8 + 3)], sums.slice(2), 'sums of level 1');
  });

  it('do not depend on the kernel, and are pinned', () => {
    const shape = { t: 16, d: 6 };
    const [a, b] = KERNELS.map((kernel) => grown(kernel, shape, 'pinned'));
    deepEqual(a, b);
    deepEqual([a!.leaves, a!.k0, a!.k1].map(digest), PINNED);
  });

  it('look uniform, and take their permutations from the key', () => {
    const shape = { t: 8, d: 7 };
    const { leaves, key } = grown(KERNELS[0]!, shape, 'key');
    looksUniform(leaves, 'leaves');
    const other = KERNELS[0]!;
    other.clear();
    const x = other.allocate(8 * 128);
    const rng = seededRng('key');
    rng(16);
    x.set(rng(16 * 8));
    growTrees(
      other,
      x,
      shape,
      key.map((byte) => byte ^ 1),
    );
    notDeepEqual(x.slice(), leaves);
  });
});

const PINNED = ['f21d210189a7fc68', '756dec205882bf70', '3fc22ca93a5d7036'];
