import type { Channel, ChannelStats, MessageType } from './channel.ts';
import { ProtocolError } from './errors.ts';

type Frame = { readonly type: string; readonly bytes: Uint8Array };

/** What an observer of one direction sees; used by transcript and view tests. */
export type Tap = (label: string, type: string, bytes: Uint8Array) => void;

export interface MemoryChannelOptions {
  /** Ends both sides: pending and later calls throw `CLOSED`. */
  readonly signal?: AbortSignal;
  /** Sees every message that the first end sends. */
  readonly tapFirst?: Tap;
  /** Sees every message that the second end sends. */
  readonly tapSecond?: Tap;
}

/**
 * Two ends of a channel in memory. Every message is encoded and decoded, so tests see real wire
 * bytes, and nothing is shared between the two sides.
 */
export function memoryChannelPair(options: MemoryChannelOptions = {}): [Channel, Channel] {
  const link = new Link(options.signal);
  return [
    new MemoryChannel(link, 0, '', newStats(), options.tapFirst),
    new MemoryChannel(link, 1, '', newStats(), options.tapSecond),
  ];
}

function newStats(): ChannelStats {
  return { bytesSent: 0, bytesReceived: 0, messagesSent: 0, messagesReceived: 0, rounds: 0 };
}

/** The mailboxes of both directions, one a label, made on first use by either end. */
class Link {
  readonly #boxes = new Map<string, Mailbox>();
  readonly #signal: AbortSignal | undefined;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
    signal?.addEventListener('abort', () => {
      for (const box of this.#boxes.values()) box.close();
    });
  }

  box(from: 0 | 1, label: string): Mailbox {
    const key = `${from}${label}`;
    let box = this.#boxes.get(key);
    if (!box) {
      box = new Mailbox();
      if (this.#signal?.aborted) box.close();
      this.#boxes.set(key, box);
    }
    return box;
  }
}

class Mailbox {
  readonly #frames: Frame[] = [];
  readonly #waiting: { resolve(frame: Frame): void; reject(error: Error): void }[] = [];
  #closed = false;

  put(frame: Frame): void {
    if (this.#closed) throw closed();
    const waiter = this.#waiting.shift();
    if (waiter) waiter.resolve(frame);
    else this.#frames.push(frame);
  }

  take(): Promise<Frame> {
    if (this.#closed) return Promise.reject(closed());
    const frame = this.#frames.shift();
    if (frame) return Promise.resolve(frame);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  close(): void {
    this.#closed = true;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(closed());
  }
}

function closed(): ProtocolError {
  return new ProtocolError('CLOSED', 'the channel was closed');
}

class MemoryChannel implements Channel {
  readonly stats: ChannelStats;
  readonly #link: Link;
  readonly #end: 0 | 1;
  readonly #label: string;
  readonly #tap: Tap | undefined;
  readonly #labels = new Set<string>();
  #sending = false;

  constructor(link: Link, end: 0 | 1, label: string, stats: ChannelStats, tap: Tap | undefined) {
    this.#link = link;
    this.#end = end;
    this.#label = label;
    this.stats = stats;
    this.#tap = tap;
  }

  async send<M>(type: MessageType<M>, message: M): Promise<void> {
    const bytes = type.encode(message).finish();
    this.#link.box(this.#end, this.#label).put({ type: type.$type, bytes: bytes.slice() });
    this.#tap?.(this.#label, type.$type, bytes);
    if (!this.#sending) this.stats.rounds += 1;
    this.#sending = true;
    this.stats.messagesSent += 1;
    this.stats.bytesSent += bytes.length;
  }

  async receive<M>(type: MessageType<M>): Promise<M> {
    const frame = await this.#link.box(this.#end === 0 ? 1 : 0, this.#label).take();
    this.#sending = false;
    this.stats.messagesReceived += 1;
    this.stats.bytesReceived += frame.bytes.length;
    if (frame.type !== type.$type) {
      throw new ProtocolError('UNEXPECTED_MESSAGE', `expected ${type.$type}, got ${frame.type}`);
    }
    try {
      return type.decode(frame.bytes);
    } catch (cause) {
      throw new ProtocolError('MALFORMED_MESSAGE', `${type.$type} does not decode`, { cause });
    }
  }

  fork(label: string): Channel {
    if (this.#labels.has(label)) throw new RangeError(`fork "${label}" exists already`);
    this.#labels.add(label);
    const path = `${this.#label}/${label}`;
    return new MemoryChannel(this.#link, this.#end, path, this.stats, this.#tap);
  }
}
