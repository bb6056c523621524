/**
 * Split finding `open_sums`: the label holder reads the sums of every candidate, with noise, and computes gains.
 *
 * Functionality: for every node of a level and every candidate c of a feature holder, in the order that it drew, the
 *   label holder learns G_L and H_L plus noise of both: the errors of the aggregation, which it knows row by row, and the
 *   holder's own.
 *   Feature holder in: its shares   out: for every node the candidate that wins, or none
 *   Label holder   in: its shares   out: noisy (G_L, H_L)
 *
 * Security: semi-honest. The values are opened by design: this is the mode for parties that accept what it leaks.
 * Leaks:    to the label holder the values, recorded as `split_sums` by the party that opens them. Own noise is discrete
 *           Gaussian, fresh for every value and never narrower than the errors in that very value, those of all sums it
 *           was subtracted from included (`varianceOf`): without it each value would be a fingerprint of the rows in its
 *           sum. The order hides which column a candidate is of; it is the round's, since parent = left + right would link
 *           the candidates of a tree whatever their order. Gradients of a later round do not hide it fully either.
 *           To a feature holder, as `winning_splits`: which of its candidates wins at each node.
 * Cost:     a level of v nodes and C candidates: H->A 8 v C bytes in ceil(v C / 2^17) messages, A->H 4 v bytes; 2 v C
 *           samples of noise.
 *
 * Names: G, H sums of g and h; L left; C candidates; v nodes.
 */
import { setImmediate } from 'node:timers/promises';
import { CandidateSums, WinningCandidates } from '../../../../proto/gen/trees.ts';
import { ROW_VARIANCE } from '../../../protocols/aggregation/parameters.ts';
import type { Channel } from '../../../protocols/channel.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { checkLength } from '../../../protocols/primitives/words.ts';
import type { BoostingParameters } from '../../trees/parameters.ts';
import { type Sums, splitGain } from '../../trees/split.ts';
import type { Opening } from './context.ts';
import { discreteGaussians } from './noise.ts';

/** Words a message: 1 MiB. */
const PIECE_WORDS = 2 ** 18;

/** Variances are multiples of 1 / NOISE_DENOMINATOR. */
export const NOISE_DENOMINATOR = 2;

/** Draws a feature holder's own noise: one sample for each variance / denominator. */
export type NoiseSampler = (variances: Float64Array, denominator: number, rng: Rng) => Int32Array;

/** One party's shares of a node's sums, by candidate. */
export interface NodeShares {
  readonly G: Uint32Array;
  readonly H: Uint32Array;
  /** How many vectors of errors are in each: 1 where it was computed, one more than the parent's where it was left. */
  readonly layers: number;
}

/**
 * Shares of a level's nodes from those of the vectors, g and h of every other node: the second child of a parent has what
 * the first one leaves. At the roots every node has vectors of its own.
 */
export function levelShares(
  vectors: readonly Uint32Array[],
  parents: readonly NodeShares[] | null,
): NodeShares[] {
  const computed = Array.from({ length: vectors.length / 2 }, (_, i) => ({
    G: vectors[2 * i]!,
    H: vectors[2 * i + 1]!,
    layers: 1,
  }));
  if (!parents) return computed;
  return computed.flatMap((child, i) => {
    const parent = parents[i]!;
    const G = parent.G.map((word, c) => word - child.G[c]!);
    const H = parent.H.map((word, c) => word - child.H[c]!);
    return [child, { G, H, layers: parent.layers + 1 }];
  });
}

/** Variance of own noise, in units of 1 / NOISE_DENOMINATOR: that of the errors, times the square of the multiplier. */
export function varianceOf(rows: number, layers: number, multiplier: number): number {
  return ROW_VARIANCE * NOISE_DENOMINATOR * rows * layers * multiplier ** 2;
}

/** What a feature holder opens with. */
export interface OpenSumsOptions extends Opening {
  /** Training rows in each candidate's sum. */
  readonly rows: readonly number[];
  /** Deviation of own noise over that of the errors. */
  readonly multiplier: number;
  /** ONLY TESTS PASS ANOTHER: without own noise every sum tells which rows it is of. */
  readonly sampler?: NoiseSampler;
}

/** The feature holder's part. Returns for each node the number of the candidate that wins, or -1. */
export async function openSumsHost(
  ch: Channel,
  nodes: readonly NodeShares[],
  options: OpenSumsOptions,
  rng: Rng,
): Promise<Int32Array> {
  const { rows, multiplier, ledger, labelHolder, sampler = discreteGaussians } = options;
  const C = rows.length;
  const words = new Uint32Array(2 * nodes.length * C);
  for (const [v, { G, H, layers }] of nodes.entries()) {
    const variances = Float64Array.from(rows, (n) => varianceOf(n, layers, multiplier));
    for (const [k, share] of [G, H].entries()) {
      const noise = sampler(variances, NOISE_DENOMINATOR, rng);
      const at = (2 * v + k) * C;
      for (let c = 0; c < C; c++) words[at + c] = share[c]! + noise[c]!;
    }
    await setImmediate();
  }
  await ledger.record({ class: 'split_sums', to: [labelHolder], elements: words.length });

  for (let at = 0; at < words.length; at += PIECE_WORDS) {
    await ch.send(CandidateSums, { words: bytesOf(words.subarray(at, at + PIECE_WORDS)) });
  }

  return decodeWinners(await ch.receive(WinningCandidates), nodes.length, C);
}

/** A candidate's sums as the label holder reads them. */
export interface OpenedSums {
  readonly G: Int32Array;
  readonly H: Int32Array;
}

/** The label holder's part: the noisy sums of each node, by candidate. */
export async function openSumsOwner(
  ch: Channel,
  nodes: readonly NodeShares[],
  { ledger, labelHolder }: Opening,
): Promise<OpenedSums[]> {
  const C = nodes[0]!.G.length;
  const words = new Uint32Array(2 * nodes.length * C);
  await ledger.record({ class: 'split_sums', to: [labelHolder], elements: words.length });

  for (let at = 0; at < words.length; at += PIECE_WORDS) {
    const piece = await ch.receive(CandidateSums);
    words.set(decodeWords(piece.words, Math.min(PIECE_WORDS, words.length - at)), at);
  }
  return nodes.map(({ G, H }, v) => {
    const [first, second] = [0, 1].map((k) => words.subarray((2 * v + k) * C, (2 * v + k + 1) * C));
    return {
      G: Int32Array.from(G, (word, c) => word + first![c]!),
      H: Int32Array.from(H, (word, c) => word + second![c]!),
    };
  });
}

/** Tells one feature holder the winners. winners: -1 or a candidate's number, by node. */
export async function tellWinners(
  ch: Channel,
  winners: Int32Array,
  host: string,
  { ledger }: Opening,
): Promise<void> {
  await ledger.record({ class: 'winning_splits', to: [host], elements: winners.length });
  const words = Uint32Array.from(winners, (winner) => winner + 1);
  await ch.send(WinningCandidates, { winners: bytesOf(words) });
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

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

/** n words of 4 bytes from a peer; `MALFORMED_MESSAGE` unless they are as many. */
export function decodeWords(bytes: Uint8Array, n: number): Uint32Array {
  checkLength(bytes, 4 * n);
  return new Uint32Array(new Uint8Array(bytes).buffer);
}

function decodeWinners({ winners }: WinningCandidates, nodes: number, C: number): Int32Array {
  const words = decodeWords(winners, nodes);
  if (words.some((word) => word > C)) {
    throw new ProtocolError('MALFORMED_MESSAGE', `expected candidates up to ${C}, got another`);
  }
  return Int32Array.from(words, (word) => word - 1);
}
