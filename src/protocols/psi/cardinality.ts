/**
 * Size of a set intersection from Diffie-Hellman, [HFH99] "Enhancing Privacy and Trust in Electronic
 * Communities". Huberman, Franklin, Hogg. https://doi.org/10.1145/336992.337012, §4, where the sender
 * returns the receiver's list in a secret order, as in [CGT12] "Fast and Private Computation of
 * Cardinality of Set Intersection and Union". De Cristofaro, Gasti, Tsudik.
 * https://eprint.iacr.org/2011/141. Curve, map and comparison are those of ecdh-psi.ts.
 *
 * Functionality: both parties learn |X ∩ Y|.
 *   Sender   in: Y, n_y distinct items    out: |X ∩ Y|
 *   Receiver in: X, n_x distinct items    out: |X ∩ Y|
 *
 * Security: semi-honest, one corruption; decisional Diffie-Hellman; random oracle (as ecdh-psi.ts).
 *   The count is too large with probability 2^-40 at most. Counts of sets that a party chooses tell
 *   what they are asked: with n_x = 1 the count is membership. Who may ask, and how often, is the
 *   contract's to limit. S takes the count from R and cannot check it (PSI-14 in AUDIT.md).
 * Leaks:    n_x and n_y, not padded. Not which items are common, to neither party: R gets its masked
 *   list back in an order that S alone knows, and both lists under scalars of this run alone.
 * Cost:     R sends 32 n_x + 4 bytes, S sends l n_x + 32 n_y; 3 rounds each. n_x + n_y scalar
 *   multiplications a party, both parties at the same time. S holds 32 n_x bytes before it returns
 *   the first of them.
 *
 * Names follow the paper: a, b = secret scalars of R, S; X, Y = sets; H = hash to the curve;
 *   l = bytes compared, as in ecdh-psi.ts.
 */
import {
  CardinalityCount,
  CardinalityReceiverSize,
  CardinalitySenderSize,
} from '../../../proto/gen/psi.ts';
import { SCALAR_BYTES } from '../../kernels/curve25519-kernel.ts';
import type { Channel } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { gatherRows } from '../primitives/rows.ts';
import type { EcdhPsiOptions } from './ecdh-psi.ts';
import { ITEM_BYTES } from './item-digest.ts';
import { malformed } from './malformed.ts';
import { receiveAndMask, receivePrefixes, sendMasked, sendPrefixes } from './masked-streams.ts';
import { MaskingKey } from './masking-key.ts';
import { matchedPositions, matchPrefixes, prefixBytes } from './matching.ts';
import { randomPermutation } from './random-permutation.ts';
import { checkOwnItems, decodeSize } from './set-size.ts';

export type CardinalityOptions = Omit<EcdhPsiOptions, 'resultTo' | 'runs'>;

/**
 * The receiver's role: n_x x 16 bytes of distinct, pseudo-random items. Takes the channel's forks
 * "masked-x", "masked-y" and "returned-x". After an error the caller closes the channel, which ends
 * the streams that still wait for the peer.
 */
export async function cardinalityReceiver(
  ch: Channel,
  X: Uint8Array,
  options: CardinalityOptions,
  rng: Rng,
): Promise<number> {
  const nX = checkOwnItems(X, options.maxItems);

  await ch.send(CardinalityReceiverSize, { items: nX });

  const nY = decodeSize(await ch.receive(CardinalitySenderSize), options.maxItems);
  if (nX === 0 || nY === 0) return 0;
  const l = prefixBytes(nX, nY);
  const order = randomPermutation(nX, rng);
  const a = new MaskingKey(options.engine, rng(SCALAR_BYTES));

  let common: number;
  try {
    const [, abY, baX] = await Promise.all([
      sendMasked(ch.fork('masked-x'), a, gatherRows(X, ITEM_BYTES, order)), // a H(x)
      receiveAndMask(ch.fork('masked-y'), a, nY), // a (b H(y))
      receivePrefixes(ch.fork('returned-x'), nX, l), // b (a H(x)) in the order of S
    ]);
    common = matchedPositions(matchPrefixes(baX, abY, l)).length;
  } finally {
    a.destroy();
  }

  await ch.send(CardinalityCount, { common });

  return common;
}

/** The sender's role: n_y x 16 bytes of distinct, pseudo-random items. Channel and errors as above. */
export async function cardinalitySender(
  ch: Channel,
  Y: Uint8Array,
  options: CardinalityOptions,
  rng: Rng,
): Promise<number> {
  const nY = checkOwnItems(Y, options.maxItems);

  await ch.send(CardinalitySenderSize, { items: nY });

  const nX = decodeSize(await ch.receive(CardinalityReceiverSize), options.maxItems);
  if (nX === 0 || nY === 0) return 0;
  const l = prefixBytes(nX, nY);
  const [order, returned] = [randomPermutation(nY, rng), randomPermutation(nX, rng)];
  const b = new MaskingKey(options.engine, rng(SCALAR_BYTES));

  try {
    const [, baX] = await Promise.all([
      sendMasked(ch.fork('masked-y'), b, gatherRows(Y, ITEM_BYTES, order)), // b H(y)
      receiveAndMask(ch.fork('masked-x'), b, nX), // b (a H(x))
    ]);

    await sendPrefixes(ch.fork('returned-x'), baX, returned, l);
  } finally {
    b.destroy();
  }

  return decodeCount(await ch.receive(CardinalityCount), Math.min(nX, nY));
}

function decodeCount({ common }: CardinalityCount, limit: number): number {
  if (common > limit) throw malformed(`expected at most ${limit} common items, got ${common}`);
  return common;
}
