import { timingSafeEqual } from 'node:crypto';
import type { Channel } from '../../protocols/channel.ts';
import { linkChannel, type MessageLink } from '../../protocols/link-channel.ts';
import { SessionError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { PeerRecord } from '../peers.ts';
import { type FrameSource, type Puller, pullFrames } from './data-plane.ts';
import type { SessionKeys } from './hello.ts';
import { Link, type LinkLimits } from './link.ts';
import type { Session, SessionReceipt } from './session.ts';

/** How long `close` waits for the peer to have read everything: own choice. */
const CLOSE_TIMEOUT_MS = 120_000;

/** How long a broken stream waits for the other one to tell why: own choice. */
const REASON_TIMEOUT_MS = 500;

/**
 * A session over two streams of frames: one that this side pulls, one that the peer pulls. Ready when
 * both are open; ends when both ended in order, or when either breaks.
 */
export class LinkSession implements Session {
  readonly peer: string;
  /** The peer as it was pinned when the session began. */
  readonly record: PeerRecord;
  readonly attempt: number;
  readonly channel: Channel;
  readonly link: MessageLink;
  /** Settles when both streams are open, or rejects when the session ended before. */
  readonly ready: Promise<void>;
  /** Settles when the peer's stream is open, or rejects when the session ended before. */
  readonly pulled: Promise<void>;
  /** Settles when the session has ended, in order or not. */
  readonly ended: Promise<void>;
  readonly #identity: Identity;
  readonly #keys: SessionKeys;
  readonly #link: Link;
  readonly #opened = deferred();
  readonly #attached = deferred();
  readonly #end = deferred();
  #source: FrameSource | undefined;
  #puller: Puller | undefined;
  #hasEnded = false;
  /** Our last frame has left. */
  #sentAll = false;
  /** The peer's last frame has arrived. */
  #heardAll = false;

  constructor(
    identity: Identity,
    peer: PeerRecord,
    attempt: number,
    keys: SessionKeys,
    limits: LinkLimits,
  ) {
    this.peer = peer.name;
    this.attempt = attempt;
    this.#identity = identity;
    this.record = peer;
    this.#keys = keys;
    const starts = {
      sent: keys.receiptStart(identity.name),
      received: keys.receiptStart(peer.name),
    };
    this.#link = new Link(starts, limits, {
      onReading: (reading) => (reading ? this.#source?.resume() : this.#source?.pause()),
      onAllSent: () => {
        this.#sentAll = true;
        this.#endIfDone();
      },
    });
    this.link = this.#link;
    this.channel = linkChannel(this.link);
    this.pulled = this.#attached.promise;
    this.ready = Promise.all([this.#opened.promise, this.pulled]).then(() => {});
    this.ended = this.#end.promise;
    // Whoever opens the session awaits these; when it gave up before, nobody does.
    this.ready.catch(() => {});
    this.pulled.catch(() => {});
  }

  receipt(): SessionReceipt {
    return this.#link.receipt();
  }

  deriveKey(purpose: string, length: number): Uint8Array {
    return this.#keys.deriveKey(purpose, length);
  }

  async close(reason?: Error): Promise<void> {
    if (reason) {
      this.abort(new SessionError('CLOSED', `this side ended the session: ${reason.message}`));
      return;
    }
    this.#link.close();
    const timer = setTimeout(() => this.abort(late(this.peer)), CLOSE_TIMEOUT_MS);
    await this.ended;
    clearTimeout(timer);
  }

  /** Pulls the peer's frames. */
  pull(): void {
    const { attempt } = this;
    const hello = {
      session: this.#keys.id,
      attempt,
      next: 0n,
      mac: this.#keys.streamMac('pull', this.peer, attempt, 0),
    };
    this.#source = pullFrames(
      this.#identity,
      this.record,
      hello,
      (frame) => this.#accept(frame),
      (error) => this.#onSourceEnd(error),
    );
  }

  /** Lets the peer pull. Throws `SessionError` when it may not. */
  attach(puller: Puller): void {
    const { attempt, next, mac } = puller.hello;
    const own = this.#identity.name;
    if (puller.peer.name !== this.peer || this.#hasEnded) {
      throw new SessionError('NO_SESSION', `${puller.peer.name} pulls a session that is not its`);
    }
    if (attempt !== this.attempt) {
      throw new SessionError('STALE_ATTEMPT', `${this.peer} pulls attempt ${attempt}`);
    }
    if (!macEquals(mac, this.#keys.streamMac('pull', own, attempt, Number(next)))) {
      throw new SessionError('BAD_MAC', `${this.peer} does not prove the session's key`);
    }
    if (this.#puller) throw new SessionError('STREAM_IN_USE', `${this.peer} pulls twice`);
    if (next !== 0n) throw new SessionError('MALFORMED', `${this.peer} resumes at frame ${next}`);
    this.#puller = puller;
    puller.onEnd(() => this.#onPullerEnd());
    this.#link.attach(puller.sink, this.#keys.streamMac('open', own, attempt, 0));
    this.#attached.resolve();
  }

  /** Ends the session at once, here and, by breaking the streams, at the peer. */
  abort(error: SessionError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#link.abort(error);
    this.#opened.reject(error);
    this.#attached.reject(error);
    this.#puller?.fail(error);
    this.#source?.close();
    this.#end.resolve();
  }

  #accept(bytes: Uint8Array): void {
    if (this.#hasEnded) return;
    try {
      const frame = this.#link.accept(bytes);
      if (frame.kind === 'open') {
        const mac = this.#keys.streamMac('open', this.peer, this.attempt, 0);
        if (!macEquals(frame.payload, mac)) {
          throw new SessionError('BAD_MAC', `${this.peer} does not prove the session's key`);
        }
        this.#opened.resolve();
      } else if (frame.kind === 'close') {
        this.#heardAll = true;
        this.#endIfDone();
      }
    } catch (error) {
      this.abort(error as SessionError);
    }
  }

  /** The stream that this side pulls has ended. */
  #onSourceEnd(error: SessionError | undefined): void {
    if (!this.#heardAll) this.abort(error ?? lost(this.peer));
  }

  /** The stream that the peer pulls has ended: in order only after the last frame of one side. */
  #onPullerEnd(): void {
    if (this.#sentAll || this.#heardAll) {
      this.#sentAll = true;
      this.#endIfDone();
    } else {
      setTimeout(() => this.abort(lost(this.peer)), REASON_TIMEOUT_MS).unref();
    }
  }

  #endIfDone(): void {
    if (!this.#heardAll || !this.#sentAll || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#source?.close();
    this.#end.resolve();
  }
}

function lost(peer: string): SessionError {
  return new SessionError('UNREACHABLE', `the connection with ${peer} broke`);
}

function late(peer: string): SessionError {
  return new SessionError('TIMED_OUT', `${peer} did not close the session in time`);
}

function macEquals(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

function deferred(): Deferred {
  let resolve = (): void => {};
  let reject = (_error: Error): void => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
