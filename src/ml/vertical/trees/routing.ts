/**
 * Private routing: for every row and tree the label holder learns whether the row goes left at its own node, if that node
 * is split by this feature holder, and nothing of the holder's other splits.
 *
 * Functionality: 1-out-of-(V + 1) transfers of bits, `ot/one-of-many.ts`, over all rows of all trees in one flow.
 *   Feature holder in: a bit for every row and split             out: -
 *   Label holder   in: for every row and tree a split, or none   out: that split's bit
 *
 * Security: semi-honest, one corruption; that of the transfers.
 * Leaks:    to the label holder the bits, recorded as `split_sides` on both sides; to the feature holder nothing.
 * Cost:     that of one-of-many for T ceil(n / 8) 8 rows and V splits, T trees with splits, V the most of one tree.
 *
 * Names: T trees that the holder has splits of at this level; V_t splits of tree t, V the largest V_t; n rows. Row i of
 * tree t is number t n' + i, n' = n rounded up to a multiple of 8: rows beyond n choose none.
 */
import type { Channel } from '../../../protocols/channel.ts';
import { oneOfManyReceiver, oneOfManySender } from '../../../protocols/ot/one-of-many.ts';
import type { OtReceiver, OtSender } from '../../../protocols/ot/ot-extension.ts';
import type { Opening } from './context.ts';

/** Packed bits of a split for rows from .. from + n - 1; `from` is a multiple of 8. 1: to the left. */
export type SideBits<S> = (split: S, from: number, n: number) => Uint8Array;

/** The feature holder's part. trees: the splits of each, in the order of their numbers. */
export async function routeHost<S>(
  ch: Channel,
  ot: OtSender,
  trees: readonly (readonly S[])[],
  n: number,
  bitsOf: SideBits<S>,
  { ledger, labelHolder }: Opening,
): Promise<void> {
  const some = trees.filter((splits) => splits.length > 0);
  if (some.length === 0 || n === 0) return;
  const disclosure = { class: 'split_sides', to: [labelHolder], elements: some.length * n };
  // All bits: which of them the label holder takes is not this party's to know.
  const sides = some.flatMap((splits) => splits.map((split) => bitsOf(split, 0, n)));
  await ledger.record({ ...disclosure, value: Buffer.concat(sides) });
  const stride = 8 * Math.ceil(n / 8);

  await oneOfManySender(
    ch,
    ot,
    (v, from, count) => {
      const bits = new Uint8Array(Math.ceil(count / 8));
      for (let at = from; at < from + count; ) {
        const [tree, row] = [Math.floor(at / stride), at % stride];
        const piece = Math.min(from + count - at, stride - row);
        const split = some[tree]![v - 1];
        const rows = Math.min(piece, n - row);
        if (split !== undefined && rows > 0) bits.set(bitsOf(split, row, rows), (at - from) / 8);
        at += piece;
      }
      return bits;
    },
    some.length * stride,
    mostOf(some),
  );
}

/** What the label holder asks of one tree. */
export interface TreeRoute {
  /** V_t */
  readonly splits: number;
  /** [n]: 1 to V_t for the split of a row's node, 0 for none. */
  readonly indices: Uint16Array;
}

/** The label holder's part. Returns n packed bits a tree, 0 where the index is; null for a tree without splits. */
export async function routeOwner(
  ch: Channel,
  ot: OtReceiver,
  trees: readonly TreeRoute[],
  n: number,
  { ledger, labelHolder }: Opening,
): Promise<(Uint8Array | null)[]> {
  const some = trees.filter(({ splits }) => splits > 0);
  if (some.length === 0 || n === 0) return trees.map(() => null);
  const disclosure = { class: 'split_sides', to: [labelHolder], elements: some.length * n };
  await ledger.record({ ...disclosure, value: null });
  const stride = 8 * Math.ceil(n / 8);
  const indices = new Uint16Array(some.length * stride);
  some.forEach((tree, t) => {
    indices.set(tree.indices, t * stride);
  });

  const bits = await oneOfManyReceiver(
    ch,
    ot,
    indices,
    some.reduce((most, { splits }) => Math.max(most, splits), 0),
  );
  let t = 0;
  return trees.map(({ splits }) => {
    if (splits === 0) return null;
    const from = (t++ * stride) / 8;
    return bits.subarray(from, from + stride / 8);
  });
}

function mostOf(trees: readonly (readonly unknown[])[]): number {
  return trees.reduce((most, splits) => Math.max(most, splits.length), 0);
}
