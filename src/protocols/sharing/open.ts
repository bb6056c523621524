/**
 * Opening of shared vectors between two parties. The only code that makes protected values readable.
 *
 * Functionality: x = x0 + x1 mod 2^64 becomes known to one party (reveal) or to both (open).
 *   Party 0 in: x0   out: x, or nothing
 *   Party 1 in: x1   out: x, or nothing
 *
 * Security: a share tells its receiver x and nothing else, as it is x minus what the receiver holds.
 *           Every party asks its own ledger first: an opening that the contract does not declare throws
 *           `NOT_DECLARED` before anything is sent or read.
 * Leaks:    x, to the parties that the disclosure names.
 * Cost:     8 n bytes from each party whose peer learns, in ceil(n / 2^17) messages; one round.
 */
import { OpenedShare } from '../../../proto/gen/sharing.ts';
import type { Channel } from '../channel.ts';
import type { DisclosureLedger, DisclosureTerms } from '../disclosure.ts';
import { decodeWords, wordsToBytes } from '../primitives/words.ts';
import { reconstruct } from './share.ts';

/** Words a message: 1 MiB. */
export const CHUNK_WORDS = 1 << 17;

/** The side that gives: its peer learns x. */
export async function revealSender(
  ch: Channel,
  ledger: DisclosureLedger,
  disclosure: DisclosureTerms,
  share: BigUint64Array,
): Promise<void> {
  checkDisclosure(disclosure, share, 1);
  await ledger.record({ ...disclosure, value: wordsToBytes(share) });

  await sendShare(ch, share);
}

/** The side that learns. Returns x. */
export async function revealReceiver(
  ch: Channel,
  ledger: DisclosureLedger,
  disclosure: DisclosureTerms,
  share: BigUint64Array,
): Promise<BigUint64Array> {
  checkDisclosure(disclosure, share, 1);
  await ledger.record({ ...disclosure, value: null });

  return reconstruct(share, await receiveShare(ch, share.length));
}

/** Both sides learn x; both call this. */
export async function open(
  ch: Channel,
  ledger: DisclosureLedger,
  disclosure: DisclosureTerms,
  share: BigUint64Array,
): Promise<BigUint64Array> {
  checkDisclosure(disclosure, share, 2);
  await ledger.record({ ...disclosure, value: wordsToBytes(share) });

  // At once, or two long vectors would each wait for the other side to read.
  const [theirs] = await Promise.all([receiveShare(ch, share.length), sendShare(ch, share)]);
  return reconstruct(share, theirs);
}

async function sendShare(ch: Channel, share: BigUint64Array): Promise<void> {
  for (let at = 0; at < share.length; at += CHUNK_WORDS) {
    await ch.send(OpenedShare, { share: wordsToBytes(share.subarray(at, at + CHUNK_WORDS)) });
  }
}

async function receiveShare(ch: Channel, n: number): Promise<BigUint64Array> {
  const share = new BigUint64Array(n);
  for (let at = 0; at < n; at += CHUNK_WORDS) {
    const message = await ch.receive(OpenedShare);
    share.set(decodeWords(message.share, Math.min(CHUNK_WORDS, n - at)), at);
  }
  return share;
}

/** The record must say what happens: how many elements, and one reader or two. */
function checkDisclosure(
  disclosure: DisclosureTerms,
  share: BigUint64Array,
  readers: number,
): void {
  if (disclosure.elements !== share.length) {
    throw new RangeError(
      `"disclosure.elements" expected ${share.length}, got ${disclosure.elements}`,
    );
  }
  if (new Set(disclosure.to).size !== readers || disclosure.to.length !== readers) {
    throw new RangeError(
      `"disclosure.to" expected ${readers} reader(s), got ${disclosure.to.length}`,
    );
  }
}
