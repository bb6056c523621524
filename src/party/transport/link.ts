import { ProtocolError } from '../../protocols/errors.ts';
import type { LinkMessage, MessageLink } from '../../protocols/link-channel.ts';
import { SessionError } from '../errors.ts';
import type { Frame } from './frame.ts';
import { Inbox, type InboxLimits } from './inbox.ts';
import { type FrameSink, Outbox } from './outbox.ts';
import type { PhaseMarks, PhasePlace } from './phase-marks.ts';
import type { SessionReceipt } from './session.ts';

/** Bounds of one session's link. */
export interface LinkLimits extends InboxLimits {
  /** Messages waiting to be received above which the link stops reading, if it may. */
  readonly pauseAboveBytes: number;
  /** Frames kept for the peer, and their overhead, above which sending waits for its word. */
  readonly maxUnackedBytes: number;
  /** How long the peer may be away, its stream broken, before the session ends. */
  readonly peerTimeoutMs: number;
}

export const DEFAULT_LINK_LIMITS: LinkLimits = {
  maxMessageBytes: 64 << 20,
  pauseAboveBytes: 64 << 20,
  maxUnackedBytes: 32 << 20,
  peerTimeoutMs: 120_000,
  maxBufferedBytes: 512 << 20,
  maxLabels: 1 << 16,
};

/** Arrived since the last acknowledgement, at which the next one is due: own choice. */
const ACK_BYTES = 1 << 20;
const ACK_FRAMES = 64;

/** The running hashes' starts, known to the two peers alone. */
export interface HashStarts {
  readonly sent: Uint8Array;
  readonly received: Uint8Array;
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
 *
 * Acknowledgements travel among the frames of the other direction. They are given when a frame
 * arrives, not when its message is received, and go ahead of what is queued; and a link that cannot
 * send for lack of one reads on, whatever it holds. So a full inbox never keeps them from getting
 * through, and what the peer may send before one arrives is bounded by what is on its way.
 */
export class Link implements MessageLink {
  readonly #limits: LinkLimits;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #marks: PhaseMarks;
  readonly #onReading: (reading: boolean) => void;
  /** Frames and payload bytes that arrived and were not acknowledged. */
  #owed = { frames: 0, bytes: 0 };
  #reading = true;
  #closed = false;

  /** `onReading` is told to stop reading the peer's stream, or to go on. */
  constructor(
    starts: HashStarts,
    limits: LinkLimits,
    marks: PhaseMarks,
    onReading: (reading: boolean) => void,
  ) {
    this.#limits = limits;
    this.#marks = marks;
    this.#inbox = new Inbox(starts.received, limits, (payload, counted) => {
      const { countersignature, last } = marks.check(payload, counted);
      this.#outbox.countersign(countersignature, last);
      return last;
    });
    this.#outbox = new Outbox(
      starts.sent,
      limits.maxUnackedBytes,
      (place, counted) => marks.make(place, counted),
      () => this.#updateReading(),
    );
    this.#onReading = onReading;
  }

  /** Number of the first frame that this side lacks. */
  get next(): number {
    return this.#inbox.next;
  }

  /** Whether frames arrived that were not acknowledged. */
  get owesAck(): boolean {
    return this.#owed.frames > 0;
  }

  /** Whether the peer's last frame has arrived, and this side's was sent. */
  get closing(): boolean {
    return this.#inbox.closed && this.#outbox.closeWritten;
  }

  /** Whether the peer's last frame has arrived, and the peer has this side's. */
  get done(): boolean {
    return this.#inbox.closed && this.#outbox.acknowledged;
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

  /**
   * Marks where the program is: both ends sign what this side has sent so far. Not while many marks
   * lack the peer's signature: a later one says as much.
   */
  mark(place: PhasePlace): void {
    if (this.#marks.hasRoom) this.#outbox.mark(place);
  }

  /** Throws `MALFORMED` unless the peer may lack frame `next`. */
  checkResume(next: number): void {
    this.#outbox.checkResume(next);
  }

  /** Sends into a stream that the peer opened, from frame `next` on; see `Outbox.attach`. */
  attach(sink: FrameSink, next: number, mac: Uint8Array): void {
    this.#outbox.attach(sink, next, mac);
    // The last one may have been lost with the last stream.
    if (this.next > 0) this.acknowledge();
  }

  /** The stream that the peer opened broke. */
  detach(): void {
    this.#outbox.detach();
  }

  /** Ends the stream that the peer opened, after what was written. */
  end(): void {
    this.#outbox.end();
  }

  /** What `accept` takes next is a new stream's first frame. */
  restart(): void {
    this.#inbox.restart();
  }

  /** Takes one frame from the stream that this side opened; see `Inbox.accept`. */
  accept(bytes: Uint8Array): Frame {
    const frame = this.#inbox.accept(bytes);
    if (frame.kind === 'countersign') this.#marks.countersigned(frame.payload);
    if (frame.kind === 'ack') this.#outbox.acknowledge(frame.sequence);
    else if (frame.kind !== 'open') this.#owe(frame);
    this.#updateReading();
    return frame;
  }

  /** Tells the peer what has arrived. */
  acknowledge(): void {
    this.#owed = { frames: 0, bytes: 0 };
    this.#outbox.sendAck(this.next);
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

  #owe({ kind, payload }: Frame): void {
    this.#owed.frames += 1;
    this.#owed.bytes += payload.length;
    if (kind === 'close' && (this.#marks.open > 0 || !this.#outbox.finished)) {
      throw new SessionError('RECEIPT_MISMATCH', 'the peer closed without signing for all it got');
    }
    if (kind === 'mark' && this.#inbox.finished) {
      const reason = closed('the peer closed the session');
      this.#inbox.close(reason);
      this.acknowledge();
      this.#outbox.close(reason);
    } else if (kind === 'close') this.acknowledge();
    else if (this.#owed.frames >= ACK_FRAMES || this.#owed.bytes >= ACK_BYTES) {
      this.acknowledge();
    }
  }

  #updateReading(): void {
    const reading =
      this.#closed ||
      this.#inbox.buffered <= this.#limits.pauseAboveBytes ||
      this.#inbox.waiting > 0 ||
      this.#outbox.waiting > 0 ||
      this.#outbox.stalled;
    if (reading === this.#reading) return;
    this.#reading = reading;
    this.#onReading(reading);
  }
}

function closed(reason: string, options?: ErrorOptions): ProtocolError {
  return new ProtocolError('CLOSED', reason, options);
}
