/** Any number of parties in one process, each pair joined by a memory channel. */
import { setMaxListeners } from 'node:events';
import type { Channel, Parties } from '../../src/protocols/channel.ts';
import { memoryChannelPair } from '../../src/protocols/memory-channel.ts';

/** A message as it crosses a link between two parties. */
export interface PartyFrame {
  readonly from: number;
  readonly to: number;
  readonly label: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

export interface MemoryPartiesOptions {
  /** Ends every link: pending and later calls throw `CLOSED`. */
  readonly signal?: AbortSignal;
  /** Sees every message. */
  readonly observe?: (frame: PartyFrame) => void;
  /** What stands between a party and its end of a channel: for parties that deviate. */
  readonly wrap?: (channel: Channel, me: number, peer: number) => Channel;
}

/** The same run as each of its n parties sees it. */
export function memoryParties(n: number, options: MemoryPartiesOptions = {}): Parties[] {
  const { observe = () => {}, wrap = (channel) => channel } = options;
  const channels = Array.from({ length: n }, () => new Map<number, Channel>());
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const tap =
        (from: number, to: number) =>
        (label: string, type: string, bytes: Uint8Array): void =>
          observe({ from, to, label, type, bytes: new Uint8Array(bytes) });
      const [a, b] = memoryChannelPair({
        ...(options.signal && { signal: options.signal }),
        tapFirst: tap(i, j),
        tapSecond: tap(j, i),
      });
      channels[i]!.set(j, wrap(a, i, j));
      channels[j]!.set(i, wrap(b, j, i));
    }
  }
  return channels.map((own, me) => ({
    me,
    n,
    channel: (peer) => {
      const channel = own.get(peer);
      if (!channel) throw new RangeError(`"peer" expected another party's index, got ${peer}`);
      return channel;
    },
  }));
}

/**
 * Runs every party's part. When one fails, the others' channels are closed, as a node does, and the
 * first failure is thrown once all of them have ended.
 */
export async function runParties<T>(
  n: number,
  part: (parties: Parties) => Promise<T>,
  options: Omit<MemoryPartiesOptions, 'signal'> = {},
): Promise<T[]> {
  const abort = new AbortController();
  setMaxListeners(0, abort.signal); // every link listens to it
  let failure: { readonly error: unknown } | undefined;
  const parts = memoryParties(n, { ...options, signal: abort.signal }).map((parties) =>
    part(parties).catch((error: unknown) => {
      failure ??= { error };
      abort.abort();
      return undefined;
    }),
  );
  const results = await Promise.all(parts);
  if (failure) throw failure.error;
  return results as T[];
}
