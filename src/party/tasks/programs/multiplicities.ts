/**
 * What a receiver needs to know, once the common keys are known, to write the lines of records that it
 * does not have: how many there are.
 */
import { DistinctKeys, Multiplicities } from '../../../../proto/gen/matching.ts';
import type { Channel } from '../../../protocols/channel.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import { uint32Bytes } from '../../../protocols/primitives/words.ts';

/** Counts a message: 64 KiB. Part of the wire format. */
const BATCH_COUNTS = 16_384;
export const COUNT_BYTES = 4;

/** Both receivers' records of each common key, in the joint order: this party's out, the other's in. */
export async function exchangeMultiplicities(
  channel: Channel,
  own: Uint32Array,
  /** Of the other party's table. */
  tableRows: number,
): Promise<Uint32Array<ArrayBuffer>> {
  const [, theirs] = await Promise.all([
    sendCounts(channel, own),
    receiveCounts(channel, own.length, tableRows),
  ]);
  return theirs;
}

/** Tells a receiver how many distinct keys this party has. */
export async function sendDistinctKeys(channel: Channel, keys: number): Promise<void> {
  await channel.send(DistinctKeys, { keys });
}

/** How many distinct keys the other party has: no fewer than are common, no more than its rows. */
export async function receiveDistinctKeys(
  channel: Channel,
  common: number,
  tableRows: number,
): Promise<number> {
  const { keys } = await channel.receive(DistinctKeys);
  if (keys < common || keys > tableRows) {
    throw malformed(`expected ${common} to ${tableRows} distinct keys, got ${keys}`);
  }
  return keys;
}

/** The counts of so many keys in a peer's bytes: each at least 1, `most` in all. */
export function readCounts(
  bytes: Uint8Array,
  keys: number,
  most: number,
): Uint32Array<ArrayBuffer> {
  if (bytes.length !== keys * COUNT_BYTES) {
    throw malformed(`expected ${keys} counts, got ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const counts = new Uint32Array(keys);
  let total = 0;
  for (let k = 0; k < keys; k++) {
    const count = view.getUint32(k * COUNT_BYTES, true);
    total += count;
    if (count === 0 || total > most) throw malformed(`count ${k} is 0, or makes more than ${most}`);
    counts[k] = count;
  }
  return counts;
}

async function sendCounts(channel: Channel, counts: Uint32Array): Promise<void> {
  for (let from = 0; from < counts.length; from += BATCH_COUNTS) {
    const batch = counts.subarray(from, from + BATCH_COUNTS);
    await channel.send(Multiplicities, { counts: uint32Bytes(batch) });
  }
}

async function receiveCounts(
  channel: Channel,
  keys: number,
  tableRows: number,
): Promise<Uint32Array<ArrayBuffer>> {
  const counts = new Uint32Array(keys);
  let left = tableRows;
  for (let from = 0; from < keys; from += BATCH_COUNTS) {
    const { counts: bytes } = await channel.receive(Multiplicities);
    const batch = readCounts(bytes, Math.min(BATCH_COUNTS, keys - from), left);
    counts.set(batch, from);
    left -= batch.reduce((sum, count) => sum + count, 0);
  }
  return counts;
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('MALFORMED_MESSAGE', message);
}
