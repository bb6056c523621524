import type { Channel, ChannelStats, MessageType } from '../../src/protocols/channel.ts';

/**
 * A channel whose outgoing messages of one type pass through `edit`: an honest program behind it becomes a
 * peer that deviates in exactly one field.
 */
export function tamper<T>(
  inner: Channel,
  target: MessageType<T>,
  edit: (message: T) => T,
): Channel {
  return {
    get stats(): Readonly<ChannelStats> {
      return inner.stats;
    },
    send<M>(type: MessageType<M>, message: M): Promise<void> {
      if (type.$type !== target.$type) return inner.send(type, message);
      return inner.send(target, edit(message as unknown as T));
    },
    receive<M>(type: MessageType<M>): Promise<M> {
      return inner.receive(type);
    },
    fork(label: string): Channel {
      return tamper(inner.fork(label), target, edit);
    },
  };
}
