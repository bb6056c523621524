import type { Channel, ChannelStats, MessageType } from './channel.ts';
import { ProtocolError } from './errors.ts';

/** One encoded message with the name of its type. */
export interface LinkMessage {
  readonly type: string;
  readonly bytes: Uint8Array;
}

/**
 * What a channel needs of whatever carries it: byte messages, ordered within a label. Every way of
 * carrying messages implements this and takes `linkChannel` for the rest.
 */
export interface MessageLink {
  /** Takes ownership of `bytes`. Resolves when there is room for more; throws `CLOSED`. */
  send(label: string, type: string, bytes: Uint8Array): Promise<void>;
  /** The next message under `label`, which the caller owns; throws `CLOSED`. */
  receive(label: string): Promise<LinkMessage>;
}

/** The root channel of a link. Its label is empty; that of a fork is a path, `/outer/inner`. */
export function linkChannel(link: MessageLink): Channel {
  const stats = {
    bytesSent: 0,
    bytesReceived: 0,
    messagesSent: 0,
    messagesReceived: 0,
    rounds: 0,
  };
  return new LinkChannel(link, '', stats);
}

class LinkChannel implements Channel {
  readonly stats: ChannelStats;
  readonly #link: MessageLink;
  readonly #label: string;
  readonly #forks = new Set<string>();
  #sending = false;

  constructor(link: MessageLink, label: string, stats: ChannelStats) {
    this.#link = link;
    this.#label = label;
    this.stats = stats;
  }

  async send<M>(type: MessageType<M>, message: M): Promise<void> {
    const bytes = type.encode(message).finish();
    const { length } = bytes; // the link owns the bytes from now on and may take them away
    const sent = this.#link.send(this.#label, type.$type, bytes);
    if (!this.#sending) this.stats.rounds += 1;
    this.#sending = true;
    this.stats.messagesSent += 1;
    this.stats.bytesSent += length;
    await sent;
  }

  async receive<M>(type: MessageType<M>): Promise<M> {
    const message = await this.#link.receive(this.#label);
    this.#sending = false;
    this.stats.messagesReceived += 1;
    this.stats.bytesReceived += message.bytes.length;
    if (message.type !== type.$type) {
      throw new ProtocolError('UNEXPECTED_MESSAGE', `expected ${type.$type}, got ${message.type}`);
    }
    try {
      return type.decode(message.bytes);
    } catch (cause) {
      throw new ProtocolError('MALFORMED_MESSAGE', `${type.$type} does not decode`, { cause });
    }
  }

  fork(label: string): Channel {
    if (this.#forks.has(label)) throw new RangeError(`fork "${label}" exists already`);
    this.#forks.add(label);
    // Escaped as in a JSON pointer, so that no label reads as a path of two.
    const step = label.replaceAll('~', '~0').replaceAll('/', '~1');
    return new LinkChannel(this.#link, `${this.#label}/${step}`, this.stats);
  }
}
