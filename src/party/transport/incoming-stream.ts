import { SessionError } from '../errors.ts';
import type { FrameSource, StreamEnd } from './data-plane.ts';

/** Between a break and the next dial; doubled while dialling gets nowhere, up to the longest. */
const REDIAL_MS = 50;
const LONGEST_REDIAL_MS = 2_000;

/** How long a dialled stream may take to open before it is given up and dialled anew: own choice. */
const OPEN_TIMEOUT_MS = 5_000;

/** What an incoming stream asks of its session. */
export interface IncomingEvents {
  /** Dials the stream with this number. */
  dial(
    stream: number,
    onFrame: (bytes: Uint8Array) => void,
    onEnd: (end: StreamEnd) => void,
  ): FrameSource;
  onFrame(bytes: Uint8Array): void;
  /** Whether to dial again. */
  onEnd(end: StreamEnd): boolean;
}

/**
 * The stream that this side pulls, over all the connections that it takes: dials again when one
 * breaks. Of the connections before the current one nothing is heard any more.
 */
export class IncomingStream {
  readonly #events: IncomingEvents;
  #source: FrameSource | undefined;
  #dials = 0;
  #opened = false;
  #paused = false;
  #closed = false;
  #delayMs = REDIAL_MS;
  /** Until the next dial, or until a dialled stream must be open. */
  #timer: NodeJS.Timeout | undefined;

  constructor(events: IncomingEvents) {
    this.#events = events;
  }

  /** Number of the current stream. */
  get stream(): number {
    return this.#dials;
  }

  start(): void {
    if (!this.#closed) this.#dial();
  }

  /** The current stream has proved to be the peer's. */
  opened(): void {
    this.#opened = true;
    clearTimeout(this.#timer);
    if (this.#paused) this.#source?.pause();
  }

  /** The current stream carried a frame: the line is fine, the next break is another one. */
  progressed(): void {
    this.#delayMs = REDIAL_MS;
  }

  /** Takes effect once the stream is open: whether it opens must be seen. */
  pause(): void {
    this.#paused = true;
    if (this.#opened) this.#source?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#source?.resume();
  }

  close(): void {
    this.#closed = true;
    this.#leave();
  }

  #dial(): void {
    this.#dials += 1;
    const stream = this.#dials;
    const current = (): boolean => stream === this.#dials && this.#source !== undefined;
    this.#source = this.#events.dial(
      stream,
      (bytes) => {
        if (current()) this.#events.onFrame(bytes);
      },
      (end) => {
        if (current()) this.#onEnd(end);
      },
    );
    const error = new SessionError('UNREACHABLE', 'a dialled stream did not open in time');
    const giveUp = (): void => this.#onEnd({ kind: 'broken', error });
    this.#timer = setTimeout(giveUp, OPEN_TIMEOUT_MS).unref();
  }

  #onEnd(end: StreamEnd): void {
    this.#leave();
    if (!this.#events.onEnd(end) || this.#closed) return;
    this.#timer = setTimeout(() => this.#dial(), this.#delayMs).unref();
    this.#delayMs = Math.min(2 * this.#delayMs, LONGEST_REDIAL_MS);
  }

  #leave(): void {
    clearTimeout(this.#timer);
    this.#opened = false;
    const source = this.#source;
    this.#source = undefined;
    source?.close();
  }
}
