import type { Channel } from './channel.ts';
import { ProtocolError } from './errors.ts';
import { type LinkMessage, linkChannel, type MessageLink } from './link-channel.ts';

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
  const [first, second] = memoryLinkPair(options);
  return [linkChannel(first), linkChannel(second)];
}

/** The links under two such ends. */
export function memoryLinkPair(options: MemoryChannelOptions = {}): [MessageLink, MessageLink] {
  const forth = new Mailboxes(options.signal, options.tapFirst);
  const back = new Mailboxes(options.signal, options.tapSecond);
  return [memoryLink(forth, back), memoryLink(back, forth)];
}

function memoryLink(outgoing: Mailboxes, incoming: Mailboxes): MessageLink {
  return {
    send: async (label, type, bytes) => outgoing.put(label, type, bytes),
    receive: (label) => incoming.take(label),
  };
}

/** The messages of one direction, one mailbox a label, made on first use by either end. */
class Mailboxes {
  readonly #boxes = new Map<string, Mailbox>();
  readonly #signal: AbortSignal | undefined;
  readonly #tap: Tap | undefined;

  constructor(signal: AbortSignal | undefined, tap: Tap | undefined) {
    this.#signal = signal;
    this.#tap = tap;
    signal?.addEventListener('abort', () => {
      for (const box of this.#boxes.values()) box.close();
    });
  }

  put(label: string, type: string, bytes: Uint8Array): void {
    this.#box(label).put({ type, bytes: new Uint8Array(bytes) });
    this.#tap?.(label, type, bytes);
  }

  take(label: string): Promise<LinkMessage> {
    return this.#box(label).take();
  }

  #box(label: string): Mailbox {
    let box = this.#boxes.get(label);
    if (!box) {
      box = new Mailbox();
      if (this.#signal?.aborted) box.close();
      this.#boxes.set(label, box);
    }
    return box;
  }
}

class Mailbox {
  readonly #messages: LinkMessage[] = [];
  readonly #waiting: { resolve(message: LinkMessage): void; reject(error: Error): void }[] = [];
  #closed = false;

  put(message: LinkMessage): void {
    if (this.#closed) throw closed();
    const waiter = this.#waiting.shift();
    if (waiter) waiter.resolve(message);
    else this.#messages.push(message);
  }

  take(): Promise<LinkMessage> {
    if (this.#closed) return Promise.reject(closed());
    const message = this.#messages.shift();
    if (message) return Promise.resolve(message);
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
