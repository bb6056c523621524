/**
 * Split finding `open_sums`: the label holder reads the sums of every candidate, with noise, and computes gains.
 *
 * Functionality: for every node of a level and every candidate c of a feature holder, in the order that it drew, the
 *   label holder learns G_L and H_L plus noise of both: the errors of the aggregation, which it knows row by row, and the
 *   holder's own.
 *   Feature holder in: its shares of the computed nodes   out: for every node the candidate that wins, or none
 *   Label holder   in: its shares of the computed nodes   out: noisy (G_L, H_L) of every node
 *
 * Security: semi-honest. The values are opened by design: this is the mode for parties that accept what it leaks.
 * Leaks:    to the label holder the values of nodes whose vectors are computed, the roots and one child of every split,
 *           recorded as `split_sums` by the party that opens them. The other child's it takes from the parent's: no value
 *           with noise of its own tells the same sums once more.
 *           Own noise, drawn anew for every vector, has two parts: for every bin a sample that all sums over the bin share,
 *           and for every candidate one that no other has; each discrete Gaussian with m^2 times the variance of the errors
 *           of the rows in the bin, or in the sum. Without it a value would be a fingerprint of those rows. Let K be the
 *           covariance of the errors in all sums over one column; that of own noise is m^2 (K + diag K).
 *           - The shared part alone has m^2 K: in EVERY linear combination of a column's values own noise is m times as
 *             wide as the errors in it, or wider. Sums over common rows, or with missing values on either side, average
 *             nothing out, and a difference of two has noise like any other set of rows.
 *           - The part of one's own alone has m^2 diag K. Without it neighbours would differ by the noise of one bin, and
 *             what they tell of it, gradients above all, would be as fine as the bin is small. K, which is of the form that
 *             the signal has, leaves most to learn from all values together, half a bit of the errors a bin at m = 1;
 *             both parts leave less than half as much as independent noise does (AUDIT.md, VT-2).
 *           Either part is independent of the other, so the values tell no more than they would with one of them. Of columns
 *           that divide the rows alike nothing of this holds: each has noise of its own.
 *           The order hides which column a candidate is of; it is the round's: one child's sums are taken from the
 *           parent's, and that parent = left + right would link the candidates of a tree whatever their order. Gradients of a later round do not hide it fully either.
 *           To a feature holder, as `winning_splits`: which of its candidates wins at each node.
 * Cost:     a level of v nodes, u of them computed (v of roots, v / 2 below), and C candidates of B bins: H->A 8 u C bytes in
 *           ceil(u C / 2^17) messages, A->H 4 v bytes; 2 u (C + B) samples of noise.
 *
 * Names: G, H sums of g and h; L left; C candidates; v nodes; m the multiplier.
 */
import { setImmediate } from 'node:timers/promises';
import { CandidateSums, WinningCandidates } from '../../../../proto/gen/trees.ts';
import type { Channel } from '../../../protocols/channel.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { bytesOf, decodeUint32 } from '../../../protocols/primitives/words.ts';
import type { BoostingParameters } from '../../trees/parameters.ts';
import { type Sums, splitGain } from '../../trees/split.ts';
import { type CandidateNoise, drawNoise } from './candidate-noise.ts';
import type { Opening } from './context.ts';

/** Words a message: 1 MiB. */
const PIECE_WORDS = 2 ** 18;

/** What a feature holder opens with. */
export interface OpenSumsOptions extends Opening {
  /** How many nodes the level has. */
  readonly nodes: number;
  readonly noise: CandidateNoise;
}

/**
 * The feature holder's part. vectors: its shares by candidate, g and h of every node that is computed. Returns for each
 * node of the level the number of the candidate that wins, or -1.
 */
export async function openSumsHost(
  ch: Channel,
  vectors: readonly Uint32Array[],
  { nodes, noise, ledger, labelHolder }: OpenSumsOptions,
  rng: Rng,
): Promise<Int32Array> {
  const C = noise.sums.length;
  const words = new Uint32Array(vectors.length * C);
  for (const [k, share] of vectors.entries()) {
    const own = drawNoise(noise, rng);
    for (let c = 0; c < C; c++) words[k * C + c] = share[c]! + own[c]!;
    await setImmediate();
  }
  const disclosure = { class: 'split_sums', to: [labelHolder], elements: words.length };
  await ledger.record({ ...disclosure, value: bytesOf(words) });

  for (let at = 0; at < words.length; at += PIECE_WORDS) {
    await ch.send(CandidateSums, { words: bytesOf(words.subarray(at, at + PIECE_WORDS)) });
  }

  return decodeWinners(await ch.receive(WinningCandidates), nodes, C);
}

/** A candidate's sums as the label holder reads them. */
export interface OpenedSums {
  readonly G: Int32Array;
  readonly H: Int32Array;
}

/** The label holder's part, with its shares: the noisy sums of each node that is computed, by candidate. */
export async function openSumsOwner(
  ch: Channel,
  vectors: readonly Uint32Array[],
  { ledger, labelHolder }: Opening,
): Promise<OpenedSums[]> {
  const C = vectors[0]!.length;
  const words = new Uint32Array(vectors.length * C);
  const disclosure = { class: 'split_sums', to: [labelHolder], elements: words.length };
  await ledger.record({ ...disclosure, value: null });

  for (let at = 0; at < words.length; at += PIECE_WORDS) {
    const piece = await ch.receive(CandidateSums);
    words.set(decodeUint32(piece.words, Math.min(PIECE_WORDS, words.length - at)), at);
  }
  const opened = vectors.map((share, k) =>
    Int32Array.from(share, (word, c) => word + words[k * C + c]!),
  );
  return Array.from({ length: opened.length / 2 }, (_, v) => ({
    G: opened[2 * v]!,
    H: opened[2 * v + 1]!,
  }));
}

/** The sums of all nodes of a level: the second child of a parent has what the first one, which was opened, leaves. */
export function withSiblings(
  opened: readonly OpenedSums[],
  parents: readonly OpenedSums[] | null,
): readonly OpenedSums[] {
  if (!parents) return opened;
  return opened.flatMap((child, i) => {
    const parent = parents[i]!;
    const G = parent.G.map((value, c) => value - child.G[c]!); // modulo 2^32
    const H = parent.H.map((value, c) => value - child.H[c]!);
    return [child, { G, H }];
  });
}

/** Tells one feature holder the winners. winners: -1 or a candidate's number, by node. */
export async function tellWinners(
  ch: Channel,
  winners: Int32Array,
  host: string,
  { ledger }: Opening,
): Promise<void> {
  const value = bytesOf(Uint32Array.from(winners, (winner) => winner + 1));
  await ledger.record({ class: 'winning_splits', to: [host], elements: winners.length, value });
  await ch.send(WinningCandidates, { winners: value });
}

/** Fractional bits of g and h. */
export interface Scale {
  readonly g: number;
  readonly h: number;
}

/** The candidate that gains most by its noisy sums, of the first one among equals; null if none can be a split. */
export function bestCandidate(
  { G, H }: OpenedSums,
  scale: Scale,
  parent: Sums,
  parameters: BoostingParameters,
): { readonly candidate: number; readonly gain: number } | null {
  const [unitG, unitH] = [2 ** -scale.g, 2 ** -scale.h];
  let best: { candidate: number; gain: number } | null = null;
  for (let c = 0; c < G.length; c++) {
    const gain = splitGain(parent, { G: G[c]! * unitG, H: H[c]! * unitH }, parameters);
    if (gain !== null && gain > (best?.gain ?? -Infinity)) best = { candidate: c, gain };
  }
  return best;
}

function decodeWinners({ winners }: WinningCandidates, nodes: number, C: number): Int32Array {
  const words = decodeUint32(winners, nodes);
  if (words.some((word) => word > C)) {
    throw new ProtocolError('MALFORMED_MESSAGE', `expected candidates up to ${C}, got another`);
  }
  return Int32Array.from(words, (word) => word - 1);
}
