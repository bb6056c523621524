/**
 * Private set intersection from an oblivious pseudorandom function, [RR22] "Blazing Fast PSI from
 * Improved OKVS and Subfield VOLE". Raghuraman, Rindal. https://eprint.iacr.org/2022/320: the
 * semi-honest protocol.
 *
 * Functionality: the receiver learns X ∩ Y; so does the sender if `resultTo` is 'both'.
 *   Sender   in: Y, n_y distinct items    out: rows of Y in X ∩ Y, or nothing
 *   Receiver in: X, n_x distinct items    out: rows of X in X ∩ Y
 *
 * Security: semi-honest, one corruption; that of rr22-oprf.ts. A false match occurs with probability
 *   2^-40 at most, in all runs that `runs` counts together.
 * Leaks:    n_x and n_y, not padded. Not the order of either file: S permutes Y before it evaluates,
 *   and what R sends is masked by A. To S, for 'both', nothing beyond its rows in X ∩ Y: positions
 *   are sorted.
 * Cost:     beyond the evaluation's: S sends l n_y bytes, R 4 |X ∩ Y| for 'both'; 2 rounds S, 1 or 2 R.
 *   Nothing of the evaluation if a set is empty.
 *
 * Names follow the paper: X, Y = sets; F = the pseudorandom function; Y' = what S sends; l = bytes
 *   compared, ceil((40 + ceil(log2 n_x) + ceil(log2 n_y) + ceil(log2 runs)) / 8).
 */
import { Rr22Masks, Rr22ReceiverSize, Rr22SenderSize } from '../../../proto/gen/psi.ts';
import type { Channel } from '../channel.ts';
import { BLOCK_BYTES } from '../primitives/hash.ts';
import type { Rng } from '../primitives/rng.ts';
import { ascending, gatherRows, truncateRows } from '../primitives/rows.ts';
import { ArrivingMatches, type MatchedPairs } from './arriving-matches.ts';
import { ITEM_BYTES } from './item-digest.ts';
import { malformed } from './malformed.ts';
import { prefixBytes, receiveMatchedRows, sendPositions } from './matching.ts';
import { randomPermutation } from './random-permutation.ts';
import { MAX_EVALUATED, type Rr22Receiver, type Rr22Sender } from './rr22-oprf.ts';
import { checkOwnItems, decodeSize } from './set-size.ts';

/** Masks a message: 640 KiB at 10 bytes each. Part of the wire format. */
export const BATCH_MASKS = 65536;

export interface Rr22PsiOptions {
  /** Largest set that either party may bring, never above `MAX_EVALUATED`; agreed between them. */
  readonly maxItems: number;
  /** Who learns the intersection; agreed between them. */
  readonly resultTo: 'both' | 'receiver';
  /** Runs that share the bound on false matches, such as a task's buckets; agreed. Default 1. */
  readonly runs?: number | undefined;
  /** Overrides l, so that tests can see false matches. Never set otherwise. */
  readonly maskBytes?: number;
}

/**
 * The receiver's role: n_x x 16 bytes of distinct, pseudo-random items. Returns the rows, ascending,
 * that both parties have. `oprf` is the session that this run takes its turn in; `ch` carries this
 * run alone. After an error the caller closes the channel of both.
 */
export async function rr22PsiReceiver(
  ch: Channel,
  oprf: Rr22Receiver,
  X: Uint8Array,
  options: Rr22PsiOptions,
): Promise<Uint32Array<ArrayBuffer>> {
  const maxItems = Math.min(options.maxItems, MAX_EVALUATED);
  const nX = checkOwnItems(X, maxItems);

  await ch.send(Rr22ReceiverSize, { items: nX });

  const items = nX > 0 ? oprf.prepare(X) : null; // while the sender's size is under way
  const nY = decodeSize(await ch.receive(Rr22SenderSize), maxItems);
  if (!items || nY === 0) return new Uint32Array(0);
  const F = await oprf.evaluate(items);
  const { rows, positions } = await receiveMasks(ch, F, nY, maskBytes(nX, nY, options));

  if (options.resultTo === 'both') await sendPositions(ch, positions);

  return ascending(rows, nX);
}

/**
 * The sender's role: n_y x 16 bytes of distinct, pseudo-random items. Returns the rows, ascending, that
 * both parties have, or undefined if only the receiver learns them. Channel and errors as for the
 * receiver.
 */
export async function rr22PsiSender(
  ch: Channel,
  oprf: Rr22Sender,
  Y: Uint8Array,
  options: Rr22PsiOptions,
  rng: Rng,
): Promise<Uint32Array<ArrayBuffer> | undefined> {
  const maxItems = Math.min(options.maxItems, MAX_EVALUATED);
  const nY = checkOwnItems(Y, maxItems);
  const isToLearn = options.resultTo === 'both';

  await ch.send(Rr22SenderSize, { items: nY });

  const order = randomPermutation(nY, rng); // while the receiver's size is under way
  const shuffled = gatherRows(Y, ITEM_BYTES, order);
  const nX = decodeSize(await ch.receive(Rr22ReceiverSize), maxItems);
  if (nX === 0 || nY === 0) return isToLearn ? new Uint32Array(0) : undefined;
  const F = await oprf.evaluate(shuffled, nX);
  await sendMasks(ch, F, maskBytes(nX, nY, options));
  if (!isToLearn) return undefined;

  return receiveMatchedRows(ch, order, Math.min(nX, nY));
}

/** S: the first l bytes of each value (n x 16), in order. */
export async function sendMasks(ch: Channel, F: Uint8Array, l: number): Promise<void> {
  for (let from = 0; from < F.length; from += BATCH_MASKS * BLOCK_BYTES) {
    const batch = F.subarray(from, from + BATCH_MASKS * BLOCK_BYTES);
    await ch.send(Rr22Masks, { masks: truncateRows(batch, BLOCK_BYTES, l) });
  }
}

/** R: the pairs of its values (n x 16) and the nY masks of S that are equal. */
export async function receiveMasks(
  ch: Channel,
  F: Uint8Array,
  nY: number,
  l: number,
): Promise<MatchedPairs> {
  const matches = new ArrivingMatches(F, BLOCK_BYTES, l, nY);
  for (let from = 0; from < nY; from += BATCH_MASKS) {
    const count = Math.min(BATCH_MASKS, nY - from);
    matches.add(decodeMasks(await ch.receive(Rr22Masks), count, l));
  }
  return matches.pairs();
}

/** l of a run, as both parties derive it. */
export function maskBytes(
  nX: number,
  nY: number,
  { maskBytes, runs }: Pick<Rr22PsiOptions, 'maskBytes' | 'runs'>,
): number {
  return maskBytes ?? prefixBytes(nX, nY, runs);
}

function decodeMasks({ masks }: Rr22Masks, count: number, l: number): Uint8Array {
  if (masks.length !== count * l) {
    throw malformed(`expected ${count} masks of ${l} bytes, got ${masks.length} bytes`);
  }
  return masks;
}
