import { ProtocolError } from '../../protocols/errors.ts';
import type { LinkMessage, MessageLink } from '../../protocols/link-channel.ts';
import type { Frame } from './frame.ts';
import { Inbox, type InboxLimits } from './inbox.ts';
import { type FrameSink, Outbox } from './outbox.ts';
import type { SessionReceipt } from './session.ts';

/** Bounds of one session's link. */
export interface LinkLimits extends InboxLimits {
  /** Messages waiting to be received above which the link stops reading, if it may. */
  readonly pauseAboveBytes: number;
}

export const DEFAULT_LINK_LIMITS: LinkLimits = {
  maxMessageBytes: 64 << 20,
  pauseAboveBytes: 64 << 20,
  maxBufferedBytes: 512 << 20,
  maxLabels: 1 << 16,
};

/** The running hashes' starts, known to the two peers alone. */
export interface HashStarts {
  readonly sent: Uint8Array;
  readonly received: Uint8Array;
}

/** What a link asks of its streams' owner. */
export interface LinkEvents {
  /** Stop reading the peer's stream, or go on. */
  onReading(reading: boolean): void;
  /** The last frame has left this process. */
  onAllSent(): void;
}

/**
 * Both halves of a session's traffic, without the network: frames in, frames out.
 *
 * Forks share one stream each way, so a full buffer of one fork must not keep another from what it
 * waits for. The link therefore stops reading above `pauseAboveBytes` only while no local call waits,
 * neither for a message nor for room to send: then the program computes and will come back. While a
 * call waits the link reads on, as what it waits for may lie behind what others do not receive yet.
 * So two peers that both send before they receive get through, up to `maxBufferedBytes`; a peer that
 * exceeds it ends the session with `TOO_LARGE`.
 */
export class Link implements MessageLink {
  readonly #limits: LinkLimits;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #events: LinkEvents;
  #reading = true;
  #closed = false;

  constructor(starts: HashStarts, limits: LinkLimits, events: LinkEvents) {
    this.#limits = limits;
    this.#inbox = new Inbox(starts.received, limits);
    this.#outbox = new Outbox(starts.sent, () => events.onAllSent());
    this.#events = events;
  }

  receipt(): SessionReceipt {
    return { sent: this.#outbox.receipt(), received: this.#inbox.receipt() };
  }

  async send(label: string, type: string, bytes: Uint8Array): Promise<void> {
    const { maxMessageBytes } = this.#limits;
    if (bytes.length > maxMessageBytes) {
      throw new RangeError(
        `"message" expected at most ${maxMessageBytes} bytes, got ${bytes.length}`,
      );
    }
    const sent = this.#outbox.send(label, type, bytes);
    this.#updateReading();
    await sent;
  }

  receive(label: string): Promise<LinkMessage> {
    const received = this.#inbox.receive(label);
    this.#updateReading();
    return received;
  }

  /** Starts sending into a stream that the peer opened. */
  attach(sink: FrameSink, mac: Uint8Array): void {
    this.#outbox.attach(sink, mac);
  }

  /** Takes one frame from the stream that this side opened; see `Inbox.accept`. */
  accept(bytes: Uint8Array): Frame {
    const frame = this.#inbox.accept(bytes);
    if (frame.kind === 'close') {
      const reason = closed('the peer closed the session');
      this.#inbox.close(reason);
      this.#outbox.close(reason);
    }
    this.#updateReading();
    return frame;
  }

  /** Ends this side in order: what was sent still arrives; local calls throw `CLOSED`. */
  close(): void {
    const reason = closed('the session is closed');
    this.#closed = true;
    this.#inbox.discard(reason);
    this.#outbox.close(reason);
    this.#updateReading();
  }

  /** Ends both sides at once: every pending and later call throws `CLOSED` with the cause. */
  abort(cause: Error): void {
    const reason = closed(cause.message, { cause });
    this.#closed = true;
    this.#inbox.discard(reason);
    this.#outbox.abort(reason);
  }

  #updateReading(): void {
    const reading =
      this.#closed ||
      this.#inbox.buffered <= this.#limits.pauseAboveBytes ||
      this.#inbox.waiting > 0 ||
      this.#outbox.waiting > 0;
    if (reading === this.#reading) return;
    this.#reading = reading;
    this.#events.onReading(reading);
  }
}

function closed(reason: string, options?: ErrorOptions): ProtocolError {
  return new ProtocolError('CLOSED', reason, options);
}
