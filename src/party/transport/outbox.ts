import { checkName, chunksOf, encodeHead, type FrameBody, plainBody } from './frame.ts';
import { RunningHash } from './running-hash.ts';
import type { DirectionReceipt } from './session.ts';

/** Queued bytes above which `send` waits: enough to keep the stream busy between two sends. */
const ROOM_BYTES = 4 << 20;

/** Bytes handed to the stream and not yet written: what a small message may have to wait behind. */
const IN_FLIGHT_BYTES = 4 << 20;

/** Where frames go: a stream to the peer. */
export interface FrameSink {
  /** Calls `done` once the frame left this process, or never if the stream breaks. */
  write(head: Uint8Array, payload: Uint8Array, done: () => void): void;
  end(): void;
}

interface Queue {
  readonly label: number;
  readonly bodies: FrameBody[];
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * The sending half of a link: cuts messages into frames and writes them in turns, one chunk a label,
 * so that a long message does not hold up those of other forks.
 */
export class Outbox {
  readonly #hash: RunningHash;
  readonly #onAllSent: () => void;
  readonly #queues = new Map<string, Queue>();
  /** Queues with frames to write, in turn order. */
  readonly #turns: Queue[] = [];
  readonly #waiting: Waiter[] = [];
  #sink: FrameSink | undefined;
  #queued = 0;
  #inFlight = 0;
  #closing = false;
  #ended: Error | undefined;

  /** `onAllSent` is told when the `close` frame has left this process. */
  constructor(hashStart: Uint8Array, onAllSent: () => void) {
    this.#hash = new RunningHash(hashStart);
    this.#onAllSent = onAllSent;
    this.#queues.set('', { label: 0, bodies: [] });
  }

  /** Sends that wait for room. */
  get waiting(): number {
    return this.#waiting.length;
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

  /** Starts writing: an `open` frame, then what is queued. */
  attach(sink: FrameSink, mac: Uint8Array): void {
    this.#sink = sink;
    const body = plainBody('open', 0, mac);
    this.#write(sink, encodeHead(body, this.#hash.frames), mac);
    this.#flush();
  }

  /** After what is queued, a `close` frame and the stream's end. Later sends are refused. */
  close(reason: Error): void {
    this.#refuse(reason);
    this.#closing = true;
    this.#flush();
  }

  /** Drops what is queued and refuses later sends. */
  abort(reason: Error): void {
    this.#refuse(reason);
    this.#turns.length = 0;
    this.#queues.clear();
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

  #flush(): void {
    while (this.#sink && this.#turns.length > 0 && this.#inFlight < IN_FLIGHT_BYTES) {
      const queue = this.#turns.shift()!;
      const body = queue.bodies.shift()!;
      if (queue.bodies.length > 0) this.#turns.push(queue);
      this.#queued -= body.payload.length;
      const head = encodeHead(body, this.#hash.frames);
      this.#hash.add(head, body.payload);
      this.#write(this.#sink, head, body.payload);
    }
    if (this.#queued <= ROOM_BYTES) for (const waiter of this.#waiting.splice(0)) waiter.resolve();
    if (this.#closing && this.#sink && this.#turns.length === 0) {
      const sink = this.#sink;
      this.#sink = undefined;
      const body = plainBody('close', 0, new Uint8Array(0));
      this.#write(sink, encodeHead(body, this.#hash.frames), body.payload, this.#onAllSent);
      sink.end();
    }
  }

  #write(sink: FrameSink, head: Uint8Array, payload: Uint8Array, onWritten?: () => void): void {
    const length = head.length + payload.length;
    this.#inFlight += length;
    sink.write(head, payload, () => {
      this.#inFlight -= length;
      onWritten?.();
      this.#flush();
    });
  }
}
