import type { LinkMessage } from '../../protocols/link-channel.ts';
import { SessionError } from '../errors.ts';
import { CHUNK_BYTES, decodeFrame, decodeName, type Frame, malformed } from './frame.ts';
import { RunningHash } from './running-hash.ts';
import type { DirectionReceipt } from './session.ts';

/** Bounds on what a peer can make this node hold for one session. */
export interface InboxLimits {
  /** Longest message, in bytes. */
  readonly maxMessageBytes: number;
  /** Most bytes of messages that arrived, or began to, and were not received yet. */
  readonly maxBufferedBytes: number;
  /** Most forks that the peer may open. */
  readonly maxLabels: number;
}

/** Counted for every message on top of its bytes: an empty one takes memory too. */
const MESSAGE_OVERHEAD_BYTES = 256;

/** Checks a mark against what came before it; whether it is the last. Throws `SessionError`. */
export type MarkReader = (payload: Uint8Array, counted: DirectionReceipt) => boolean;

interface Waiter {
  resolve(message: LinkMessage): void;
  reject(error: Error): void;
}

interface Box {
  readonly messages: LinkMessage[];
  readonly waiting: Waiter[];
}

/** A message of which some chunks have arrived. */
interface Partial {
  readonly type: string;
  readonly bytes: Uint8Array;
  filled: number;
}

/**
 * The receiving half of a link: checks, counts and hashes frames, joins messages and hands them to
 * whoever receives on their label.
 */
export class Inbox {
  readonly #limits: InboxLimits;
  readonly #hash: RunningHash;
  readonly #readMark: MarkReader;
  /** Label paths by id. */
  readonly #labels: string[] = [''];
  readonly #known = new Set<string>(['']);
  readonly #partials = new Map<number, Partial>();
  readonly #boxes = new Map<string, Box>();
  /** The current stream has begun. */
  #opened = false;
  /** The peer's last mark has arrived: no message follows. */
  #finished = false;
  /** The peer's last frame has arrived. */
  #closed = false;
  #ended: Error | undefined;
  #discarding = false;
  #buffered = 0;
  #waiting = 0;

  constructor(hashStart: Uint8Array, limits: InboxLimits, readMark: MarkReader) {
    this.#hash = new RunningHash(hashStart);
    this.#limits = limits;
    this.#readMark = readMark;
  }

  /** Bytes held for receivers to come. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Receivers that wait for a message. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Number of the first frame that has not arrived. */
  get next(): number {
    return this.#hash.frames + (this.#closed ? 1 : 0);
  }

  /** Whether the peer's last mark has arrived. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Whether the peer's last frame has arrived. */
  get closed(): boolean {
    return this.#closed;
  }

  receipt(): DirectionReceipt {
    return this.#hash.receipt();
  }

  receive(label: string): Promise<LinkMessage> {
    const box = this.#box(label);
    const message = box.messages.shift();
    if (message) {
      this.#buffered -= message.bytes.length + MESSAGE_OVERHEAD_BYTES;
      this.#discardIfEmpty(label, box);
      return Promise.resolve(message);
    }
    if (this.#ended) return Promise.reject(this.#ended);
    this.#waiting += 1;
    return new Promise((resolve, reject) => box.waiting.push({ resolve, reject }));
  }

  /** The next frame is the first of a new stream. */
  restart(): void {
    this.#opened = false;
  }

  /**
   * Takes one frame off the wire, in order, and returns it. A stream's first must be `open`; its
   * payload, and the number of an `ack`, are for the caller to check. Throws `SessionError`
   * `MALFORMED` or `TOO_LARGE`: then the link is lost.
   */
  accept(bytes: Uint8Array): Frame {
    const frame = decodeFrame(bytes);
    if (this.#opened === (frame.kind === 'open')) throw malformed('an open frame out of place');
    if (frame.kind === 'ack') {
      if (frame.payload.length > 0) throw malformed('an ack frame with a payload');
      return frame;
    }
    if (frame.sequence !== this.next) {
      throw malformed(`frame ${frame.sequence} where ${this.next} was due`);
    }
    if (frame.kind === 'open') {
      this.#opened = true;
      return frame;
    }
    if (this.#closed) throw malformed('a frame after its last');
    if (frame.kind === 'close') {
      this.#acceptClose(frame);
      return frame;
    }
    if (frame.kind !== 'countersign') {
      if (this.#finished) throw malformed('a frame after its last mark');
      if (frame.kind === 'label') this.#acceptLabel(frame);
      else if (frame.kind === 'mark') this.#acceptMark(frame);
      else this.#acceptData(frame);
    }
    this.#hash.add(frame.head, frame.payload);
    return frame;
  }

  /** Messages that arrived stay receivable; waiting for others throws `reason`. */
  close(reason: Error): void {
    this.#ended ??= reason;
    for (const box of this.#boxes.values()) {
      for (const waiter of box.waiting.splice(0)) waiter.reject(this.#ended);
    }
    this.#waiting = 0;
  }

  /** Every pending and later receive throws `reason`. Frames are still checked, and discarded. */
  discard(reason: Error): void {
    this.close(reason);
    this.#discarding = true;
    for (const { messages } of this.#boxes.values()) {
      for (const { bytes } of messages) this.#buffered -= bytes.length + MESSAGE_OVERHEAD_BYTES;
    }
    this.#boxes.clear();
  }

  #acceptLabel({ label, payload }: Frame): void {
    if (label !== this.#labels.length) throw malformed('a label out of order');
    if (label > this.#limits.maxLabels) {
      throw new SessionError('TOO_LARGE', `the peer opened more than ${label - 1} forks`);
    }
    const path = decodeName(payload);
    if (this.#known.has(path)) throw malformed('a label twice');
    this.#known.add(path);
    this.#labels.push(path);
  }

  #acceptData(frame: Frame): void {
    const { label, first, last, type, messageLength, payload } = frame;
    const path = this.#labels[label];
    if (path === undefined) throw malformed('a frame under an unknown label');
    if (first === this.#partials.has(label)) throw malformed('a chunk out of order');
    if (first) this.#reserve(messageLength);
    if (first && last) {
      if (payload.length !== messageLength) throw malformed('a message of another length');
      this.#deliver(path, { type, bytes: payload });
      return;
    }
    if (first) this.#partials.set(label, { type, bytes: new Uint8Array(messageLength), filled: 0 });
    const partial = this.#partials.get(label)!;
    const end = partial.filled + payload.length;
    if (end > partial.bytes.length) throw malformed('more bytes than the message has');
    if (last !== (end === partial.bytes.length)) throw malformed('a message of another length');
    if (!last && payload.length !== CHUNK_BYTES) throw malformed('a chunk too short');
    partial.bytes.set(payload, partial.filled);
    partial.filled = end;
    if (!last) return;
    this.#partials.delete(label);
    this.#deliver(path, partial);
  }

  /** Counts a message against the bounds before anything is allocated for it. */
  #reserve(length: number): void {
    const { maxMessageBytes, maxBufferedBytes } = this.#limits;
    if (length > maxMessageBytes) {
      throw new SessionError('TOO_LARGE', `the peer sent a message of ${length} bytes`);
    }
    this.#buffered += length + MESSAGE_OVERHEAD_BYTES;
    if (this.#buffered > maxBufferedBytes) {
      throw new SessionError('TOO_LARGE', `${this.#buffered} bytes arrived that nobody received`);
    }
  }

  #deliver(path: string, { type, bytes }: LinkMessage): void {
    if (this.#discarding) {
      this.#buffered -= bytes.length + MESSAGE_OVERHEAD_BYTES;
      return;
    }
    const box = this.#box(path);
    const waiter = box.waiting.shift();
    if (!waiter) {
      box.messages.push({ type, bytes });
      return;
    }
    this.#waiting -= 1;
    this.#buffered -= bytes.length + MESSAGE_OVERHEAD_BYTES;
    this.#discardIfEmpty(path, box);
    waiter.resolve({ type, bytes });
  }

  #acceptMark({ payload }: Frame): void {
    if (!this.#readMark(payload, this.#hash.receipt())) return;
    if (this.#partials.size > 0) throw malformed('its last mark within a message');
    this.#finished = true;
  }

  #acceptClose({ payload }: Frame): void {
    if (payload.length > 0) throw malformed('a close frame with a payload');
    if (!this.#finished) throw malformed('a close frame before its last mark');
    this.#closed = true;
  }

  #box(label: string): Box {
    let box = this.#boxes.get(label);
    if (!box) {
      box = { messages: [], waiting: [] };
      this.#boxes.set(label, box);
    }
    return box;
  }

  #discardIfEmpty(label: string, box: Box): void {
    if (box.messages.length === 0 && box.waiting.length === 0) this.#boxes.delete(label);
  }
}
