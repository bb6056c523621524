import { checkName, chunksOf, encodeHead, type FrameBody, malformed, plainBody } from './frame.ts';
import type { PhasePlace } from './phase-marks.ts';
import { RunningHash } from './running-hash.ts';
import type { DirectionReceipt } from './session.ts';

/** Queued bytes above which `send` waits: enough to keep the stream busy between two sends. */
const ROOM_BYTES = 4 << 20;

/** Bytes handed to the stream and not yet written: what a small message may have to wait behind. */
const IN_FLIGHT_BYTES = 4 << 20;

/** Counted for every frame kept for the peer on top of its bytes: an empty one takes memory too. */
const FRAME_OVERHEAD_BYTES = 256;

const NOTHING = new Uint8Array(0);

/** Where frames go: a stream to the peer. */
export interface FrameSink {
  /** Calls `done` once the frame left this process, or never if the stream breaks. */
  write(head: Uint8Array, payload: Uint8Array, done: () => void): void;
  end(): void;
}

/** The payload of the next mark, after what was counted; null asks for the last one. */
export type MarkMaker = (place: PhasePlace | null, counted: DirectionReceipt) => Uint8Array;

interface Queue {
  readonly label: number;
  readonly bodies: FrameBody[];
}

/** A frame as it was, and if need be will be, written. */
interface NumberedFrame {
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * The sending half of a link: cuts messages into frames and writes them in turns, one chunk a label,
 * so that a long message does not hold up those of other forks. Keeps every numbered frame until the
 * peer acknowledged it, to write the same bytes again into the next stream when one breaks.
 */
export class Outbox {
  readonly #hash: RunningHash;
  readonly #maxUnackedBytes: number;
  readonly #onStalled: () => void;
  readonly #queues = new Map<string, Queue>();
  /** Queues with frames to write, in turn order. */
  readonly #turns: Queue[] = [];
  readonly #waiting: Waiter[] = [];
  readonly #makeMark: MarkMaker;
  /** Places to mark, and countersignatures to give, ahead of what is queued. */
  readonly #marks: PhasePlace[] = [];
  readonly #countersignatures: Uint8Array[] = [];
  /** The frames that the peer may lack; the first bears the number `#acked`. */
  readonly #unacked: NumberedFrame[] = [];
  #unackedBytes = 0;
  #acked = 0;
  /** The number in the peer's last ack frame. A new stream's `next` may have run ahead of it. */
  #lastAck = 0;
  /** Number of the frame to write next: below what was numbered while a stream catches up. */
  #cursor = 0;
  /** An acknowledgement of the other direction's frames to write first. */
  #ackDue: number | undefined;
  #sink: FrameSink | undefined;
  #flushing = false;
  #queued = 0;
  #inFlight = 0;
  #closing = false;
  #lastMarkNumbered = false;
  #peerFinished = false;
  #closeNumbered = false;
  #ended: Error | undefined;

  /**
   * Keeps at most about `maxUnackedBytes` for the peer; `onStalled` is told when frames wait because
   * so much is unacknowledged.
   */
  constructor(
    hashStart: Uint8Array,
    maxUnackedBytes: number,
    makeMark: MarkMaker,
    onStalled: () => void,
  ) {
    this.#hash = new RunningHash(hashStart);
    this.#maxUnackedBytes = maxUnackedBytes;
    this.#makeMark = makeMark;
    this.#onStalled = onStalled;
    this.#queues.set('', { label: 0, bodies: [] });
  }

  /** Sends that wait for room. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether frames wait for the peer's acknowledgement of earlier ones. */
  get stalled(): boolean {
    return this.#turns.length > 0 && this.#unackedBytes >= this.#maxUnackedBytes;
  }

  /** Whether the last mark was written at least once. */
  get finished(): boolean {
    return this.#lastMarkNumbered;
  }

  /** Whether the `close` frame was written at least once. */
  get closeWritten(): boolean {
    return this.#closeNumbered;
  }

  /** Whether the peer acknowledged everything, the `close` frame included. */
  get acknowledged(): boolean {
    return this.#closeNumbered && this.#unacked.length === 0;
  }

  receipt(): DirectionReceipt {
    return this.#hash.receipt();
  }

  /** Resolves when there is room for another message. */
  send(label: string, type: string, bytes: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    checkName(type);
    if (type === '') throw new RangeError('"type" expected a name');
    const queue = this.#queues.get(label) ?? this.#newQueue(label);
    for (const chunk of chunksOf(queue.label, type, bytes)) this.#enqueue(queue, chunk);
    this.#flush();
    if (this.#queued <= ROOM_BYTES) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Throws `MALFORMED` unless a stream can begin at frame `next`: written once, not acknowledged. */
  checkResume(next: number): void {
    if (next < this.#acked || next > this.#cursor) {
      throw malformed(`${next} as its next frame, not one of ${this.#acked} to ${this.#cursor}`);
    }
  }

  /**
   * Writes into a new stream, and into no other any more: an `open` frame, then everything from frame
   * `next` on, which `checkResume` accepted. The peer has the frames before it.
   */
  attach(sink: FrameSink, next: number, mac: Uint8Array): void {
    this.#release(next);
    this.#cursor = next;
    this.#inFlight = 0;
    this.#sink = sink;
    this.#write(sink, { head: encodeHead(plainBody('open', 0, mac), next), payload: mac });
    this.#flush();
  }

  /** The stream broke. Frames wait for the next one. */
  detach(): void {
    this.#sink = undefined;
  }

  /** Takes the number in an ack frame of the peer. Throws `MALFORMED` when it cannot be. */
  acknowledge(next: number): void {
    if (next < this.#lastAck || next > this.#cursor) {
      throw malformed(`an ack of ${next}, not one of ${this.#lastAck} to ${this.#cursor}`);
    }
    this.#lastAck = next;
    this.#release(next);
    this.#flush();
  }

  /** Tells the peer which of its frames is lacking next, ahead of all that is queued. */
  sendAck(next: number): void {
    this.#ackDue = next;
    this.#flush();
  }

  /**
   * A mark ahead of what is queued: it states what was numbered before it. One of the same phase that
   * waits for its turn gives way to it.
   */
  mark(place: PhasePlace): void {
    if (this.#ended) return;
    if (this.#marks.at(-1)?.phase === place.phase) this.#marks.pop();
    this.#marks.push(place);
    this.#flush();
  }

  /** Signs the oldest mark of the peer that has no countersignature; `last` when it sends no more. */
  countersign(signature: Uint8Array, last: boolean): void {
    this.#countersignatures.push(signature);
    this.#peerFinished ||= last;
    this.#flush();
  }

  /**
   * After what is queued, the last mark and, once the peer's is countersigned, a `close` frame. Later
   * sends are refused.
   */
  close(reason: Error): void {
    this.#refuse(reason);
    this.#closing = true;
    this.#flush();
  }

  /** Ends the stream after what was written; the next one again, if there is one. */
  end(): void {
    this.#sink?.end();
    this.#sink = undefined;
  }

  /** Drops everything and refuses later sends. */
  abort(reason: Error): void {
    this.#refuse(reason);
    this.#turns.length = 0;
    this.#queues.clear();
    this.#marks.length = 0;
    this.#countersignatures.length = 0;
    this.#unacked.length = 0;
    this.#sink = undefined;
  }

  #refuse(reason: Error): void {
    this.#ended ??= reason;
    for (const waiter of this.#waiting.splice(0)) waiter.reject(this.#ended);
  }

  #newQueue(label: string): Queue {
    checkName(label);
    const queue: Queue = { label: this.#queues.size, bodies: [] };
    this.#queues.set(label, queue);
    this.#enqueue(queue, plainBody('label', queue.label, Buffer.from(label, 'latin1')));
    return queue;
  }

  #enqueue(queue: Queue, body: FrameBody): void {
    if (queue.bodies.length === 0) this.#turns.push(queue);
    queue.bodies.push(body);
    this.#queued += body.payload.length;
  }

  /** Forgets the frames before `next`. */
  #release(next: number): void {
    if (next <= this.#acked) return;
    for (const frame of this.#unacked.splice(0, next - this.#acked)) {
      this.#unackedBytes -= sizeOf(frame);
    }
    this.#acked = next;
  }

  #flush(): void {
    // A sink that writes at once comes back here: the loop below goes on by itself.
    if (this.#flushing) return;
    this.#flushing = true;
    while (this.#sink && this.#inFlight < IN_FLIGHT_BYTES) {
      if (this.#ackDue !== undefined) {
        const head = encodeHead(plainBody('ack', 0, NOTHING), this.#ackDue);
        this.#ackDue = undefined;
        this.#write(this.#sink, { head, payload: NOTHING });
        continue;
      }
      const frame = this.#unacked[this.#cursor - this.#acked] ?? this.#number();
      if (!frame) break;
      this.#cursor += 1;
      this.#write(this.#sink, frame);
    }
    this.#flushing = false;
    if (this.#queued <= ROOM_BYTES) for (const waiter of this.#waiting.splice(0)) waiter.resolve();
    if (this.stalled) this.#onStalled();
  }

  /** Gives the next frame its number, and keeps it. */
  #number(): NumberedFrame | undefined {
    const body = this.#nextBody();
    if (!body) return undefined;
    const { kind, payload } = body;
    const head = encodeHead(body, this.#acked + this.#unacked.length);
    if (kind !== 'close') this.#hash.add(head, payload);
    return this.#keep({ head, payload });
  }

  #nextBody(): FrameBody | undefined {
    if (this.#closeNumbered) return undefined;
    // The end alone is written however much is unacknowledged: there is little of it.
    const full = this.#unackedBytes >= this.#maxUnackedBytes;
    if (full && !(this.#closing && this.#turns.length === 0)) return undefined;
    const signature = this.#countersignatures.shift();
    if (signature) return plainBody('countersign', 0, signature);
    const place = this.#marks.shift();
    if (place) return this.#markBody(place);
    const queue = this.#turns.shift();
    if (queue) {
      const body = queue.bodies.shift()!;
      if (queue.bodies.length > 0) this.#turns.push(queue);
      this.#queued -= body.payload.length;
      return body;
    }
    if (!this.#closing) return undefined;
    if (!this.#lastMarkNumbered) {
      this.#lastMarkNumbered = true;
      return this.#markBody(null);
    }
    if (!this.#peerFinished) return undefined;
    this.#closeNumbered = true;
    return plainBody('close', 0, NOTHING);
  }

  #markBody(place: PhasePlace | null): FrameBody {
    return plainBody('mark', 0, this.#makeMark(place, this.#hash.receipt()));
  }

  #keep(frame: NumberedFrame): NumberedFrame {
    this.#unacked.push(frame);
    this.#unackedBytes += sizeOf(frame);
    return frame;
  }

  #write(sink: FrameSink, { head, payload }: NumberedFrame): void {
    const length = head.length + payload.length;
    this.#inFlight += length;
    sink.write(head, payload, () => {
      // An earlier stream's late word: nothing of it counts as in flight.
      if (sink !== this.#sink) return;
      this.#inFlight -= length;
      this.#flush();
    });
  }
}

function sizeOf({ head, payload }: NumberedFrame): number {
  return head.length + payload.length + FRAME_OVERHEAD_BYTES;
}
