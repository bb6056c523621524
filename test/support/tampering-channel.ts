import type { Channel, MessageType } from '../../src/protocols/channel.ts';

/** Replaces the k-th message of a type (over all forks), k from 0. */
export type Change<M> = (message: M, k: number) => M;

/** A channel whose sent messages of one type are changed: an honest party behind it cheats. */
export function tamperingChannel<T>(
  inner: Channel,
  type: MessageType<T>,
  change: Change<T>,
): Channel {
  let k = 0;
  const wrap = (ch: Channel): Channel => ({
    stats: ch.stats,
    send<M>(sent: MessageType<M>, message: M): Promise<void> {
      if (sent.$type !== type.$type) return ch.send(sent, message);
      return ch.send(type, change(message as unknown as T, k++));
    },
    receive: (expected) => ch.receive(expected),
    fork: (label) => wrap(ch.fork(label)),
  });
  return wrap(inner);
}
