/**
 * Punctured pseudorandom functions from trees, [GGM86] "How to Construct Random Functions". Goldreich,
 * Goldwasser, Micali. https://doi.org/10.1145/6490.6503; punctured by one oblivious transfer a level as in
 * [BCG+19] (https://eprint.iacr.org/2019/1159), Figure 3: local steps, no messages.
 *
 * Functionality: t trees of depth d; a leaf of each is unknown to the receiver.
 *   Sender   in: t roots                   out: all leaves; sums K_0, K_1 of left and right children a level
 *   Receiver in: t paths, the sums K_1-p   out: all leaves but those at the paths
 *              where p is the bit of the path at that level
 *
 * Security: semi-honest. Children of s are pi_0(s) + s and pi_1(s) + s for AES under two keys derived from
 *           one public key that the sender draws a run: two one-way compressions in the ideal-cipher model.
 *           Of the nodes on the paths the receiver knows one child each, t d targets of 128 bits.
 * Cost:     2 (2^d - 1) t AES blocks each; K of the receiver's choice, 16 t d bytes by oblivious transfer.
 *
 * A level with 2^l nodes a tree is 2^l rows of t blocks; node q of tree i is block q t + i. Children of node
 * q are q and q + 2^l, so the bit of level l is bit l of a leaf's number, and nothing is interleaved.
 */
import { createCipheriv } from 'node:crypto';
import { BLOCK_BYTES, type ExpandConvoluteKernel } from '../../kernels/expand-convolute-kernel.ts';
import { bitAt } from '../primitives/bits.ts';
import { Prg } from '../primitives/prg.ts';
import { addInto, element } from './elements.ts';

/** Bytes of a level that are encrypted at a time: they stay in the cache. */
const PIECE_BYTES = 1 << 16;

export interface TreeShape {
  readonly t: number;
  readonly d: number;
}

/** Sums of the left (`k0`) and right (`k1`) children: d x t x 16 bytes, level by level. */
export interface LevelSums {
  readonly k0: Uint8Array;
  readonly k1: Uint8Array;
}

/** What the receiver knows of its trees beside the leaves. */
export interface PuncturedTrees {
  /** The number of the unknown leaf of each tree. */
  readonly paths: Uint32Array;
  /** t x 16 bytes, the sum of all other leaves of each. */
  readonly others: Uint8Array;
}

/** Grows the trees. x: t 2^d blocks of the kernel, its first t the roots; holds all leaves afterwards. */
export function growTrees(
  kernel: ExpandConvoluteKernel,
  x: Uint8Array,
  { t, d }: TreeShape,
  key: Uint8Array,
): LevelSums {
  const branch = brancher(kernel, key, t);
  const row = t * BLOCK_BYTES;
  const k0 = new Uint8Array(d * row);
  const k1 = new Uint8Array(d * row);
  for (let l = 0; l < d; l++) {
    const sums = branch(x.subarray(0, row << (l + 1)));
    k0.set(sums.subarray(0, row), l * row);
    k1.set(sums.subarray(row), l * row);
  }
  return { k0, k1 };
}

/** The leaf at the end of each tree's path. turns: t d packed bits, bit l t + i that of tree i at level l. */
export function pathsOf(turns: Uint8Array, { t, d }: TreeShape): Uint32Array {
  const paths = new Uint32Array(t);
  for (let l = 0; l < d; l++) {
    for (let i = 0; i < t; i++) paths[i]! += bitAt(turns, l * t + i) << l;
  }
  return paths;
}

/**
 * Grows the trees but for their paths. x: t 2^d blocks of the kernel. turns: t d packed bits, bit l t + i is
 * the turn of tree i at level l. known: d x t x 16 bytes, the sum of the children on the other side. Leaves
 * at the paths are zero in x afterwards.
 */
export function growPuncturedTrees(
  kernel: ExpandConvoluteKernel,
  x: Uint8Array,
  { t, d }: TreeShape,
  key: Uint8Array,
  turns: Uint8Array,
  known: Uint8Array,
): PuncturedTrees {
  const branch = brancher(kernel, key, t);
  const row = t * BLOCK_BYTES;
  const paths = new Uint32Array(t);
  const others = new Uint8Array(row);
  const ofZero = new Uint8Array(2 * row); // children that the zero at the end of a path has been given
  const zero = kernel.allocate(2 * t).fill(0);
  ofZero.set(branch(zero));
  x.subarray(0, row).fill(0);
  for (let l = 0; l < d; l++) {
    const sums = branch(x.subarray(0, row << (l + 1)));
    addInto(sums, ofZero); // sums of the children that are known
    for (let i = 0; i < t; i++) {
      const turn = bitAt(turns, l * t + i);
      const [on, off] = [turn, 1 - turn].map((side) => paths[i]! + (side << l)) as [number, number];
      const sum = element(known, l * t + i);
      addInto(element(sums, (1 - turn) * t + i), sum); // what is missing is the sibling
      element(x, off * t + i).set(element(sums, (1 - turn) * t + i));
      element(x, on * t + i).fill(0);
      paths[i] = on;
      if (l === d - 1) {
        element(others, i).set(sum);
        addInto(element(others, i), element(sums, turn * t + i));
      }
    }
  }
  return { paths, others };
}

/** A step that grows a level of t trees: x, of which the first half are parents. Returns sums of the sides. */
function brancher(
  kernel: ExpandConvoluteKernel,
  key: Uint8Array,
  t: number,
): (x: Uint8Array) => Uint8Array {
  const keys = new Prg(key, 'trees');
  const [left, right] = [0, 1].map(() =>
    createCipheriv('aes-128-ecb', keys.next(16), null).setAutoPadding(false),
  ) as [ReturnType<typeof createCipheriv>, ReturnType<typeof createCipheriv>];
  const row = t * BLOCK_BYTES;
  const piece = row * Math.max(1, Math.floor(PIECE_BYTES / row));
  const sums = kernel.allocate(2 * t);

  return (x) => {
    sums.fill(0);
    for (let at = 0; at < x.length / 2; at += piece) {
      const parents = x.subarray(at, Math.min(at + piece, x.length / 2));
      const images = [left.update(parents), right.update(parents)] as const;
      kernel.branch(x, at / BLOCK_BYTES, ...images, sums);
    }
    return sums.slice();
  };
}
