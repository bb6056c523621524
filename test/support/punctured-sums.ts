/**
 * The same functionality by another way, exact and without lattices: a punctured PRF a row and column. For tests only;
 * a dealer hands out the punctured keys, which a protocol would do by oblivious transfer.
 *
 * The owner has the root of a GGM tree for row i, whose leaves k_b belong to the bins. The host has all leaves but that of
 * its bin b_i. For a vector t the owner publishes d_i = x_i - sum_b F(k_b, t), and d_i plus the other leaves is
 * x_i - F(k_{b_i}, t) to the host. The owner adds up F by bin, the host -F of the others and that difference for its own
 * bin: the shares sum to the sums of x by bin.
 */
import { createHash } from 'node:crypto';
import type { BinnedColumns } from '../../src/protocols/aggregation/hint.ts';
import type { Rng } from '../../src/protocols/primitives/rng.ts';

/** Shares of the sums of every vector over every bucket modulo 2^32. */
export function puncturedSums(
  vectors: readonly Int32Array[],
  columns: BinnedColumns,
  rng: Rng,
): { owner: Uint32Array; host: Uint32Array }[] {
  return vectors.map((x, t) => {
    const owner: number[] = [];
    const host: number[] = [];
    columns.bins.forEach((bins, f) => {
      const count = columns.counts[f]!;
      const ofOwner = new Uint32Array(count);
      const ofHost = new Uint32Array(count);
      bins.forEach((own, i) => {
        const leaves = leavesOf(rng(16), count);
        const values = leaves.map((leaf) => word(leaf, `vector ${t}`));
        const d = (x[i]! - values.reduce((sum, v) => sum + v, 0)) | 0;
        let others = 0;
        values.forEach((v, bin) => {
          ofOwner[bin]! += v;
          if (bin === own) return; // the leaf that the punctured key lacks
          ofHost[bin]! -= v;
          others += v;
        });
        ofHost[own]! += d + others; // x_i - F(k_own, t)
      });
      owner.push(...ofOwner);
      host.push(...ofHost);
    });
    return { owner: Uint32Array.from(owner), host: Uint32Array.from(host) };
  });
}

function leavesOf(root: Uint8Array, count: number): Uint8Array[] {
  let level = [root];
  while (level.length < count) {
    level = level.flatMap((node) => ['left', 'right'].map((side) => hash(node, side)));
  }
  return level.slice(0, count);
}

function hash(node: Uint8Array, label: string): Uint8Array {
  return createHash('sha256').update(node).update(label).digest().subarray(0, 16);
}

function word(leaf: Uint8Array, label: string): number {
  return new DataView(hash(leaf, label).buffer).getUint32(0);
}
