/**
 * Shares of Delta e for sparse e, [BCG+19] (https://eprint.iacr.org/2019/1159), Figure 3: at the leaf that
 * the receiver lacks in a tree, the tree's sum and a product put in what makes the parties' leaves differ
 * by Delta times its noise. Local steps, no messages.
 *
 * Functionality: c' = b' + Delta e, e with y_i at the path of tree i, 0 elsewhere.
 *   Sender   in: its level sums, b        out: sigma for the receiver; b' are its leaves
 *   Receiver in: its leaves, sigma, a     out: c' in place of its leaves
 *              where a = b + y Delta, and e follows from its paths and y alone
 *
 * Security: sigma_i = sum of tree i + b_i, and the sum contains a leaf that is pseudorandom to the receiver.
 */
import { addInto, element } from './elements.ts';
import type { LevelSums, PuncturedTrees, TreeShape } from './punctured-prf.ts';
import { ELEMENT_BYTES } from './vole.ts';

/** An element of e that is not 0. */
export interface NoiseElement {
  readonly position: number;
  readonly value: Uint8Array;
}

/** sigma: t x 16 bytes. b: t x 16 bytes. */
export function treeSums({ k0, k1 }: LevelSums, b: Uint8Array, { t, d }: TreeShape): Uint8Array {
  const sigma = b.slice();
  const last = (d - 1) * t * ELEMENT_BYTES; // left and right children of the last level are all leaves
  addInto(sigma, k0.subarray(last));
  addInto(sigma, k1.subarray(last));
  return sigma;
}

/** e: leaf q of tree i is element q t + i. paths: the leaf of each tree. y: t x 16 bytes. */
export function sparseNoise(paths: Uint32Array, y: Uint8Array): NoiseElement[] {
  return Array.from(paths, (path, i) => ({
    position: path * paths.length + i,
    value: element(y, i),
  }));
}

/** Fills the leaves at the paths. leaves: t 2^d blocks. */
export function placeNoise(
  leaves: Uint8Array,
  { paths, others }: PuncturedTrees,
  sigma: Uint8Array,
  a: Uint8Array,
): void {
  paths.forEach((path, i) => {
    const leaf = element(leaves, path * paths.length + i);
    leaf.set(element(sigma, i));
    addInto(leaf, element(others, i)); // b' + b_i
    addInto(leaf, element(a, i)); // b' + y_i Delta
  });
}
