/**
 * Private set intersection of N parties, [KMPRT17] "Practical Multi-party Private Set Intersection from
 * Symmetric-Key Techniques". Kolesnikov, Matania, Pinkas, Rosulek, Trieu.
 * https://eprint.iacr.org/2017/799 (unconditional zero-sharing), with the OKVS of [NTY21].
 *
 * Functionality: the leader learns X_1 ∩ ... ∩ X_N, and so do the learners among the others.
 *   Leader in: X_1, n_1 distinct items    out: its rows of the common items
 *   Spoke  in: X_i, n_i distinct items    out: its rows of the common items, or nothing
 *   Row k of one output and row k of another belong to the same item.
 *
 * Security: semi-honest, any number of corruptions, in the augmented model of the paper (a corrupt
 *   party may choose its set); that of the OPRF and of zero-sharing.ts. For x outside some X_i the
 *   leader's sum has F_i(x), which nothing else depends on: uniform, and zero with probability 2^-40
 *   for any of its items, in all runs that `runs` counts together. For an item that the leader has in common with some spokes only, what those
 *   tell it is masked by the keys that they share with the others (STAR-2 in AUDIT.md). A leader
 *   with colluding spokes learns X_1 ∩ the sets of the remaining parties; spokes without the leader
 *   learn nothing beyond their outputs.
 * Leaks:    n_1 to all, n_i to the leader, not padded. Whether others learn the result, to nobody.
 * Cost:     N - 1 OPPRFs of l bytes at the leader, one at a spoke; 5 bytes each way before; to each
 *   learner 16 |X_1 ∩ ... ∩ X_N|.
 *
 * Names follow the paper: P_1 = leader; P_i = spokes; s_i = shares of zero; F_i = function of the OPRF
 *   with P_i; l = bytes compared, ceil((40 + ceil(log2 n_1) + ceil(log2 runs)) / 8).
 */
import { StarLeaderSize, StarSpokeSize } from '../../../proto/gen/star.ts';
import type { OkvsKernel } from '../../kernels/okvs-kernel.ts';
import type { Channel } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { gatherRows } from '../primitives/rows.ts';
import { xorInto } from '../primitives/words.ts';
import { receiveCommon, sendCommon } from './common-items.ts';
import { ITEM_BYTES } from './item-digest.ts';
import { sortByItem } from './joint-order.ts';
import { prefixBytes } from './matching.ts';
import { type OprfReceiver, type OprfSender, opprfReceiver, opprfSender } from './opprf.ts';
import { checkOwnItems, decodeSize } from './set-size.ts';
import type { ZeroSharing } from './zero-sharing.ts';

/** The leader's end of a link to a spoke. */
export interface SpokeLink {
  readonly ch: Channel;
  readonly oprf: OprfReceiver;
  /** Whether the spoke is to learn the intersection; agreed by all. */
  readonly learns: boolean;
}

/** A spoke's end of its link to the leader. */
export interface LeaderLink {
  readonly ch: Channel;
  readonly oprf: OprfSender;
  readonly learns: boolean;
}

export interface StarOptions {
  /** This party's keys with all others of the star. */
  readonly zero: ZeroSharing;
  /** Largest set that any party may bring; agreed between them. */
  readonly maxItems: number;
  /** Works out the hints. */
  readonly okvs: OkvsKernel;
  /** Runs that share the bound on false matches, such as a task's buckets; agreed. Default 1. */
  readonly runs?: number | undefined;
}

/** Evaluations under way at once: while one waits for its spoke another one works; more cost memory. */
const AT_ONCE = 2;

/**
 * The leader's role: n_1 x 16 bytes of distinct, pseudo-random items. Returns its rows of the common
 * items in their lexicographic order. After an error the caller closes all channels.
 */
export async function starLeader(
  spokes: readonly SpokeLink[],
  X: Uint8Array,
  { zero, maxItems, okvs, runs }: StarOptions,
): Promise<Uint32Array<ArrayBuffer>> {
  const n1 = checkOwnItems(X, maxItems);

  await Promise.all(spokes.map(({ ch }) => ch.send(StarLeaderSize, { items: n1 })));

  const sizes = await Promise.all(
    spokes.map(async ({ ch }) => decodeSize(await ch.receive(StarSpokeSize), maxItems)),
  );
  if (n1 === 0) return new Uint32Array(0);
  const l = prefixBytes(n1, 1, runs);
  const sum = zero.shares(X); // s_1(x)
  const present = spokes
    .map((spoke, i) => ({ ...spoke, nY: sizes[i]! }))
    .filter(({ nY }) => nY > 0);
  await atMost(AT_ONCE, present, async ({ ch, oprf, nY }) => {
    xorInto(sum, await opprfReceiver(ch, oprf, X, { nY, l, okvs })); // s_i(x) if x is in X_i
  });
  const common = sizes.includes(0) ? new Uint32Array(0) : zeroRows(sum, l);
  const rows = sortByItem(common, X);

  const items = gatherRows(X, ITEM_BYTES, rows);
  const learners = present.filter(({ learns }) => learns);
  await Promise.all(learners.map(({ ch }) => sendCommon(ch, items)));

  return rows;
}

/**
 * A spoke's role: n_i x 16 bytes of distinct, pseudo-random items. Returns its rows of the common items
 * in their lexicographic order, or null if it does not learn. Errors as for the leader.
 */
export async function starSpoke(
  { ch, oprf, learns }: LeaderLink,
  Y: Uint8Array,
  { zero, maxItems, okvs, runs }: StarOptions,
  rng: Rng,
): Promise<Uint32Array<ArrayBuffer> | null> {
  const nY = checkOwnItems(Y, maxItems);

  await ch.send(StarSpokeSize, { items: nY });

  const nX = decodeSize(await ch.receive(StarLeaderSize), maxItems);
  if (nX === 0 || nY === 0) return learns ? new Uint32Array(0) : null;
  const hint = { Y, targets: zero.shares(Y) }; // s_i(y)
  await opprfSender(ch, oprf, hint, { nX, l: prefixBytes(nX, 1, runs), okvs }, rng);
  if (!learns) return null;

  return receiveCommon(ch, Y, Math.min(nX, nY));
}

/** The rows of n x 16 bytes whose first l bytes are zero, ascending. */
function zeroRows(blocks: Uint8Array, l: number): Uint32Array<ArrayBuffer> {
  const rows = new Uint32Array(blocks.length / ITEM_BYTES);
  let count = 0;
  for (let row = 0, at = 0; at < blocks.length; row++, at += ITEM_BYTES) {
    let k = 0;
    while (k < l && blocks[at + k] === 0) k++;
    if (k === l) rows[count++] = row;
  }
  return rows.slice(0, count);
}

/** Works on every element, on up to `limit` of them at a time. */
async function atMost<T>(
  limit: number,
  elements: readonly T[],
  work: (element: T) => Promise<void>,
): Promise<void> {
  const waiting = elements.values();
  const workers = Array.from({ length: limit }, async () => {
    for (const element of waiting) await work(element);
  });
  await Promise.all(workers);
}
