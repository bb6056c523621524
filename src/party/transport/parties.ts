import type { Channel, Parties, PartyIndex } from '../../protocols/channel.ts';
import type { Session } from './session.ts';

/**
 * The parties of a run, in the contract's order, as `me` sees them. Takes one session with each other
 * party.
 */
export function connectParties(
  names: readonly string[],
  me: string,
  sessions: readonly Session[],
): Parties {
  const channels = new Map<PartyIndex, Channel>();
  for (const { peer, channel } of sessions) {
    const index = names.indexOf(peer);
    if (index < 0 || peer === me || channels.has(index)) {
      throw new RangeError(`"sessions" expected one with each other party, got ${peer}`);
    }
    channels.set(index, channel);
  }
  const myIndex = names.indexOf(me);
  if (myIndex < 0) throw new RangeError(`"me" expected one of the parties, got ${me}`);
  if (channels.size !== names.length - 1 || new Set(names).size !== names.length) {
    throw new RangeError(`"sessions" expected one with each other party of ${names.join(', ')}`);
  }
  return {
    me: myIndex,
    n: names.length,
    channel: (peer) => {
      const channel = channels.get(peer);
      if (!channel) throw new RangeError(`"peer" expected another party's index, got ${peer}`);
      return channel;
    },
  };
}
