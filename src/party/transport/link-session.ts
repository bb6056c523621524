import { timingSafeEqual } from 'node:crypto';
import type { Channel } from '../../protocols/channel.ts';
import { linkChannel, type MessageLink } from '../../protocols/link-channel.ts';
import { deferred } from '../deferred.ts';
import { SessionError } from '../errors.ts';
import { type Identity, verifySignature } from '../identity.ts';
import type { PeerRecord } from '../peers.ts';
import { type Puller, pullFrames, type StreamEnd } from './data-plane.ts';
import type { Frame } from './frame.ts';
import type { FullTerms, SessionKeys } from './hello.ts';
import { IncomingStream } from './incoming-stream.ts';
import { Link, type LinkLimits } from './link.ts';
import { PhaseMarks, type PhasePlace } from './phase-marks.ts';
import type { Session, SessionOptions, SessionReceipt } from './session.ts';
import type { Keepalive } from './tls.ts';

/** How long `close` waits for the peer to have read everything: own choice. */
const CLOSE_TIMEOUT_MS = 120_000;

/** How long a few frames wait for more before they are acknowledged: own choice. */
const ACK_DELAY_MS = 500;

/**
 * How long a session that is over waits for the peer to know it too, when the line breaks at the very
 * end: own choice. A peer that comes later learns it from `NO_SESSION`.
 */
const LINGER_MS = 2_000;

/** What a session's streams keep to. */
export interface StreamOptions {
  readonly limits: LinkLimits;
  readonly keepalive: Keepalive;
}

/** What a session is about. */
export type SessionPlace = Pick<FullTerms, 'taskId' | 'attempt'>;

type Direction = 'incoming' | 'outgoing';

/**
 * A session over two streams of frames: one that this side pulls, one that the peer pulls. Ready when
 * both are open. A stream that breaks is pulled again and goes on where it was, so a session ends only
 * when both sides have closed it and know so of each other, when a side ends it with a reason or
 * breaks the protocol, or when the peer stays away too long or has forgotten it.
 */
export class LinkSession implements Session {
  readonly peer: string;
  /** The peer as it was pinned when the session began. */
  readonly record: PeerRecord;
  readonly attempt: number;
  readonly id: string;
  readonly transcript: string;
  readonly channel: Channel;
  readonly link: MessageLink;
  /** Settles when both streams are open, or rejects when the session ended before. */
  readonly ready: Promise<void>;
  /** Settles when the peer's stream is open, or rejects when the session ended before. */
  readonly pulled: Promise<void>;
  /** Settles when the session has ended: with nothing if in order, else with the reason. */
  readonly ended: Promise<SessionError | undefined>;
  readonly #identity: Identity;
  readonly #keys: SessionKeys;
  readonly #options: StreamOptions;
  readonly #link: Link;
  readonly #incoming: IncomingStream;
  readonly #opened = deferred<void>();
  readonly #attached = deferred<void>();
  readonly #end = deferred<SessionError | undefined>();
  #puller: Puller | undefined;
  /** Number of the newest stream that the peer pulled. */
  #newestPull = 0;
  /** The number in the peer's last ack frame. */
  #heardAck = 0;
  /** For each direction whose stream is broken, what ends the session. */
  readonly #away = new Map<Direction, NodeJS.Timeout>();
  #ackTimer: NodeJS.Timeout | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  #hasEnded = false;
  #failure: SessionError | undefined;
  /** Settles when the phase receipts so far are kept. */
  #recorded: Promise<unknown> = Promise.resolve();

  constructor(
    identity: Identity,
    peer: PeerRecord,
    { taskId, attempt }: SessionPlace,
    keys: SessionKeys,
    options: StreamOptions,
    record: SessionOptions['record'] = async () => {},
  ) {
    this.peer = peer.name;
    this.record = peer;
    this.attempt = attempt;
    this.id = hex(keys.id);
    this.transcript = hex(keys.transcript);
    this.#identity = identity;
    this.#keys = keys;
    this.#options = options;
    const starts = {
      sent: keys.receiptStart(identity.name),
      received: keys.receiptStart(peer.name),
    };
    const marks = new PhaseMarks({
      taskId: hex(taskId),
      attempt,
      session: this.id,
      self: identity.name,
      peer: peer.name,
      sign: (domain, message) => identity.sign(domain, message),
      verify: (domain, message, signature) =>
        verifySignature(peer.certificatePem, domain, message, signature),
      record: (receipt) => this.#keep(record(receipt)),
      now: () => performance.now(),
    });
    this.#link = new Link(starts, options.limits, marks, (reading) =>
      reading ? this.#incoming.resume() : this.#incoming.pause(),
    );
    this.#incoming = new IncomingStream({
      dial: (stream, onFrame, onEnd) => {
        this.#link.restart();
        const { next } = this.#link;
        const mac = keys.streamMac('pull', peer.name, { attempt, next, stream });
        const hello = { session: keys.id, attempt, next: BigInt(next), mac, stream };
        return pullFrames(identity, peer, hello, onFrame, onEnd, options.keepalive);
      },
      onFrame: (bytes) => this.#accept(bytes),
      onEnd: (end) => this.#onIncomingEnd(end),
    });
    this.link = this.#link;
    this.channel = linkChannel(this.link);
    this.pulled = this.#attached.promise;
    this.ready = Promise.all([this.#opened.promise, this.pulled]).then(() => {});
    this.ended = this.#end.promise;
    // Whoever opens the session awaits it; when it gave up before, nobody does.
    this.ready.catch(() => {});
  }

  get fingerprint(): string {
    return this.record.fingerprint;
  }

  receipt(): SessionReceipt {
    return this.#link.receipt();
  }

  mark(place: PhasePlace): void {
    if (!this.#hasEnded) this.#link.mark(place);
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
    const failure = await this.ended;
    clearTimeout(timer);
    if (failure) throw failure;
    await this.#recorded;
  }

  /** Pulls the peer's frames. */
  pull(): void {
    this.#incoming.start();
  }

  /**
   * Lets the peer pull, by this stream and no older one: that of a connection which died unnoticed
   * may look alive. Throws `SessionError` when the peer may not.
   */
  attach(puller: Puller): void {
    const { attempt, stream, mac } = puller.hello;
    const own = this.#identity.name;
    if (puller.peer.name !== this.peer) {
      throw new SessionError('NO_SESSION', `${puller.peer.name} pulls a session that is not its`);
    }
    if (this.#hasEnded) {
      throw this.#failure ?? new SessionError('NO_SESSION', `${this.peer} pulls after the end`);
    }
    if (attempt !== this.attempt) {
      throw new SessionError('STALE_ATTEMPT', `${this.peer} pulls attempt ${attempt}`);
    }
    const start = { attempt, next: Number(puller.hello.next), stream };
    if (!macEquals(mac, this.#keys.streamMac('pull', own, start))) {
      throw new SessionError('BAD_MAC', `${this.peer} does not prove the session's key`);
    }
    if (stream <= this.#newestPull) {
      throw new SessionError('REPLAYED_HELLO', `${this.peer} pulls stream ${stream} again`);
    }
    this.#link.checkResume(start.next);
    this.#newestPull = stream;
    this.#puller?.drop();
    this.#puller = puller;
    puller.onBreak(() => this.#onOutgoingBreak(puller));
    this.#isBack('outgoing');
    this.#link.attach(puller.sink, start.next, this.#keys.streamMac('open', own, start));
    this.#attached.resolve();
    if (this.#lingerTimer) this.#link.end();
    else this.#endIfDone();
  }

  /** Ends the session at once, here and, by a word on its stream, at the peer. */
  abort(error: SessionError): void {
    if (this.#hasEnded) return;
    if (this.#lingerTimer) {
      this.#finish(); // it is over already, in order
      return;
    }
    this.#failure = error;
    this.#link.abort(error);
    this.#opened.reject(error);
    this.#attached.reject(error);
    this.#puller?.fail(error);
    this.#finish();
  }

  #keep(recording: Promise<unknown>): void {
    this.#recorded = Promise.all([this.#recorded, recording]);
    this.#recorded.catch((cause: unknown) =>
      this.abort(new SessionError('NOT_RECORDED', 'a phase receipt was not recorded', { cause })),
    );
  }

  #accept(bytes: Uint8Array): void {
    if (this.#hasEnded) return;
    const { attempt } = this;
    const { next } = this.#link;
    let frame: Frame;
    try {
      frame = this.#link.accept(bytes);
      if (frame.kind === 'open') {
        const start = { attempt, next, stream: this.#incoming.stream };
        if (!macEquals(frame.payload, this.#keys.streamMac('open', this.peer, start))) {
          throw new SessionError('BAD_MAC', `${this.peer} does not prove the session's key`);
        }
        this.#incoming.opened();
        this.#isBack('incoming');
        this.#opened.resolve();
        return;
      }
    } catch (error) {
      this.abort(error as SessionError);
      return;
    }
    if (frame.kind !== 'ack' || frame.sequence > this.#heardAck) this.#incoming.progressed();
    if (frame.kind === 'ack') this.#heardAck = frame.sequence;
    if (this.#link.owesAck) this.#ackTimer ??= this.#acknowledgeSoon();
    this.#endIfDone();
  }

  #acknowledgeSoon(): NodeJS.Timeout {
    const acknowledge = (): void => {
      this.#ackTimer = undefined;
      if (this.#link.owesAck) this.#link.acknowledge();
    };
    return setTimeout(acknowledge, ACK_DELAY_MS).unref();
  }

  /** The stream that this side pulls has ended; whether to pull again. */
  #onIncomingEnd(end: StreamEnd): boolean {
    if (this.#hasEnded) return false;
    if (this.#link.done) {
      if (end.kind !== 'broken') this.#finish();
      return false;
    }
    if (end.kind === 'refused') {
      // A peer that has said its last and knows the session no more has heard all of ours as well.
      if (end.error.code === 'NO_SESSION' && this.#link.closing) this.#finish();
      else
        this.abort(end.error.code === 'NO_SESSION' ? forgotten(this.peer, end.error) : end.error);
      return false;
    }
    this.#isAway('incoming');
    return true;
  }

  /** The stream that the peer pulls broke. */
  #onOutgoingBreak(puller: Puller): void {
    if (this.#hasEnded || puller !== this.#puller) return;
    this.#puller = undefined;
    this.#link.detach();
    this.#isAway('outgoing');
  }

  #isAway(direction: Direction): void {
    if (this.#away.has(direction) || this.#lingerTimer) return;
    const { peerTimeoutMs } = this.#options.limits;
    const giveUp = (): void => this.abort(gone(this.peer, peerTimeoutMs));
    this.#away.set(direction, setTimeout(giveUp, peerTimeoutMs).unref());
  }

  #isBack(direction: Direction): void {
    clearTimeout(this.#away.get(direction));
    this.#away.delete(direction);
  }

  /** Once both sides have said and heard everything, waits for the peer to be as far. */
  #endIfDone(): void {
    if (!this.#link.done || this.#lingerTimer || this.#hasEnded) return;
    for (const direction of this.#away.keys()) this.#isBack(direction);
    this.#link.end();
    this.#lingerTimer = setTimeout(() => this.#finish(), LINGER_MS).unref();
  }

  #finish(): void {
    this.#hasEnded = true;
    clearTimeout(this.#ackTimer);
    clearTimeout(this.#lingerTimer);
    for (const timer of this.#away.values()) clearTimeout(timer);
    this.#incoming.close();
    this.#end.resolve(this.#failure);
  }
}

function gone(peer: string, timeoutMs: number): SessionError {
  const reason = `the connection with ${peer} broke and was not back in ${timeoutMs / 1000} s`;
  return new SessionError('UNREACHABLE', reason);
}

function forgotten(peer: string, cause: SessionError): SessionError {
  const reason = `${peer} was started anew and knows the session no more`;
  return new SessionError('NO_SESSION', reason, { cause });
}

function late(peer: string): SessionError {
  return new SessionError('TIMED_OUT', `${peer} did not close the session in time`);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function macEquals(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
