/**
 * Private set intersection from Diffie-Hellman, [HFH99] "Enhancing Privacy and Trust in Electronic
 * Communities". Huberman, Franklin, Hogg. https://doi.org/10.1145/336992.337012, §4, on curve25519:
 * X25519 of RFC 7748 and the Elligator 2 map of RFC 9380 without cofactor clearing.
 *
 * Functionality: the receiver learns X ∩ Y; so does the sender if `resultTo` is 'both'.
 *   Sender   in: Y, n_y distinct items    out: rows of Y in X ∩ Y, or nothing
 *   Receiver in: X, n_x distinct items    out: rows of X in X ∩ Y
 *
 * Security: semi-honest, one corruption; decisional Diffie-Hellman; random oracle (SHA-512, then a
 *   map to half of the curve: enough, since its preimages can be sampled, see AUDIT.md). A false
 *   match occurs with probability 2^-40 at most, in all runs that `runs` counts together.
 * Leaks:    n_x and n_y, not padded. Not the order of either file: both lists are shuffled. To S, for 'both',
 *   nothing beyond its rows in X ∩ Y: positions are sorted.
 * Cost:     R sends 32 n_x bytes and, for 'both', 4 |X ∩ Y|; S sends l n_x + 32 n_y; 3 rounds each (R
 *   2 for 'receiver'). n_x + n_y scalar multiplications a party, both parties at the same time.
 *
 * Names follow the paper: a, b = secret scalars of R, S; X, Y = sets; H = hash to the curve;
 *   l = bytes compared, ceil((40 + ceil(log2 n_x) + ceil(log2 n_y) + ceil(log2 runs)) / 8).
 */
import { EcdhPsiReceiverSize, EcdhPsiSenderSize } from '../../../proto/gen/psi.ts';
import type { CurveEngine } from '../../kernels/curve25519-engine.ts';
import { SCALAR_BYTES } from '../../kernels/curve25519-kernel.ts';
import type { Channel } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { gatherRows } from '../primitives/rows.ts';
import { ITEM_BYTES } from './item-digest.ts';
import { receiveAndMask, receivePrefixes, returnMasked, sendMasked } from './masked-streams.ts';
import { MaskingKey } from './masking-key.ts';
import {
  collectMatches,
  type Matches,
  matchPrefixes,
  prefixBytes,
  receiveMatchedRows,
  sendPositions,
} from './matching.ts';
import { randomPermutation } from './random-permutation.ts';
import { checkOwnItems, decodeSize } from './set-size.ts';

export interface EcdhPsiOptions {
  /** Does the curve work; the caller closes it. */
  readonly engine: CurveEngine;
  /** Largest set that either party may bring; agreed between them. */
  readonly maxItems: number;
  /** Who learns the intersection; agreed between them. */
  readonly resultTo: 'both' | 'receiver';
  /** Runs that share the bound on false matches, such as a task's buckets; agreed. Default 1. */
  readonly runs?: number | undefined;
}

/**
 * The receiver's role: n_x x 16 bytes of distinct, pseudo-random items. Returns the rows, ascending,
 * that both parties have. Takes the channel's forks "masked-x", "masked-y" and "returned-x". After
 * an error the caller closes the channel, which ends the streams that still wait for the peer.
 */
export async function ecdhPsiReceiver(
  ch: Channel,
  X: Uint8Array,
  options: EcdhPsiOptions,
  rng: Rng,
): Promise<Uint32Array<ArrayBuffer>> {
  const nX = checkOwnItems(X, options.maxItems);

  await ch.send(EcdhPsiReceiverSize, { items: nX });

  const nY = decodeSize(await ch.receive(EcdhPsiSenderSize), options.maxItems);
  if (nX === 0 || nY === 0) return new Uint32Array(0);
  const l = prefixBytes(nX, nY, options.runs);
  const order = randomPermutation(nX, rng);
  const a = new MaskingKey(options.engine, rng(SCALAR_BYTES));

  let matches: Matches;
  try {
    const [, abY, baX] = await Promise.all([
      sendMasked(ch.fork('masked-x'), a, gatherRows(X, ITEM_BYTES, order)), // a H(x)
      receiveAndMask(ch.fork('masked-y'), a, nY), // a (b H(y))
      receivePrefixes(ch.fork('returned-x'), nX, l), // b (a H(x))
    ]);
    matches = collectMatches(matchPrefixes(baX, abY, l), order);
  } finally {
    a.destroy();
  }

  if (options.resultTo === 'both') await sendPositions(ch, matches.positions);

  return matches.rows;
}

/**
 * The sender's role: n_y x 16 bytes of distinct, pseudo-random items. Returns the rows, ascending,
 * that both parties have, or undefined if only the receiver learns them. Channel and errors as for
 * the receiver.
 */
export async function ecdhPsiSender(
  ch: Channel,
  Y: Uint8Array,
  options: EcdhPsiOptions,
  rng: Rng,
): Promise<Uint32Array<ArrayBuffer> | undefined> {
  const nY = checkOwnItems(Y, options.maxItems);
  const isToLearn = options.resultTo === 'both';

  await ch.send(EcdhPsiSenderSize, { items: nY });

  const nX = decodeSize(await ch.receive(EcdhPsiReceiverSize), options.maxItems);
  if (nX === 0 || nY === 0) return isToLearn ? new Uint32Array(0) : undefined;
  const l = prefixBytes(nX, nY, options.runs);
  const order = randomPermutation(nY, rng);
  const b = new MaskingKey(options.engine, rng(SCALAR_BYTES));

  try {
    await Promise.all([
      sendMasked(ch.fork('masked-y'), b, gatherRows(Y, ITEM_BYTES, order)), // b H(y)
      returnMasked(ch.fork('masked-x'), ch.fork('returned-x'), b, nX, l), // b (a H(x))
    ]);
  } finally {
    b.destroy();
  }
  if (!isToLearn) return undefined;

  return receiveMatchedRows(ch, order, Math.min(nX, nY));
}
