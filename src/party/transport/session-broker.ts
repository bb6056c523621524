import { type Hello, SignedHello } from '../../../proto/gen/session.ts';
import { deferred } from '../deferred.ts';
import { RefusalError, SessionError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { PeerBook, PeerRecord } from '../peers.ts';
import type { AttemptStore } from './attempts.ts';
import type { ControlClient, ControlMethod, ControlServer } from './control.ts';
import type { Puller } from './data-plane.ts';
import { type Deadline, deadlineOf } from './deadline.ts';
import { ExpectedSessions, keyOf, stale } from './expected-sessions.ts';
import {
  checkAnswers,
  checkTerms,
  type FullTerms,
  makeHello,
  readHello,
  SESSION_VERSION,
  sessionKeys,
} from './hello.ts';
import { LinkSession, type StreamOptions } from './link-session.ts';
import type { Session, SessionOptions, SessionTerms } from './session.ts';
import { isSessionErrorCode } from './status.ts';

/** Offers fresh keys to the peer that opens the same session. Answered once that peer does. */
export const HELLO: ControlMethod<SignedHello, SignedHello> = {
  name: 'session/hello',
  request: SignedHello,
  response: SignedHello,
};

const DEFAULT_TIMEOUT_MS = 30_000;

/** Between two tries to reach a peer that is not up yet: own choice. */
const REDIAL_MS = 250;

/** Answered hellos of which replays are told apart: own choice. */
const MAX_REMEMBERED = 4096;

/** Sessions that did not end in order, of which pullers are told why: own choice. */
const MAX_FAILED = 1024;

/** What this side remembers of the last hello that it answered for a task and peer. */
interface Answered {
  readonly attempt: number;
  readonly nonce: string;
  /** The same hello's answer, for as long as the peer may have missed it. */
  repeat?: { readonly offer: SignedHello; readonly answer: SignedHello };
}

/** Why a session with a peer ended. */
interface Failed {
  readonly peer: string;
  readonly error: SessionError;
}

/**
 * Opens sessions. Of two parties, the one with the smaller fingerprint offers a hello and the other
 * answers; whoever comes first waits for the other. The answering side dials its stream only after
 * the offering side did, so no stream reaches a node that does not know its session yet.
 */
export class SessionBroker {
  readonly #identity: Identity;
  readonly #peers: () => PeerBook;
  readonly #control: ControlClient;
  readonly #attempts: AttemptStore;
  readonly #options: StreamOptions;
  readonly #sessions = new Map<string, LinkSession>();
  readonly #expected = new ExpectedSessions();
  readonly #answered = new Map<string, Answered>();
  readonly #failed = new Map<string, Failed>();
  readonly #stopping = new AbortController();

  constructor(
    identity: Identity,
    peers: () => PeerBook,
    control: ControlClient & ControlServer,
    attempts: AttemptStore,
    options: StreamOptions,
  ) {
    this.#identity = identity;
    this.#peers = peers;
    this.#control = control;
    this.#attempts = attempts;
    this.#options = options;
    control.handle(HELLO, async (from, hello, { signal }) => {
      try {
        return await this.#answer(from, hello, signal);
      } catch (error) {
        if (error instanceof SessionError)
          throw new RefusalError(error.code, REFUSED, { cause: error });
        throw error;
      }
    });
  }

  /** See `Transport.openSession`. */
  async open(
    sessionTerms: SessionTerms,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal, record }: SessionOptions = {},
  ): Promise<Session> {
    const terms = fullTerms(sessionTerms);
    const peer = this.#peers().byName(terms.peer);
    if (!peer) throw new SessionError('UNKNOWN_PEER', `no peer "${terms.peer}" is pinned`);
    await this.#claim(terms);
    const deadline = deadlineOf(timeoutMs, terms.peer, [signal, this.#stopping.signal]);
    let session: LinkSession | undefined;
    try {
      const offers = this.#identity.fingerprint < peer.fingerprint;
      session = await (offers
        ? this.#offer(peer, terms, record, timeoutMs, deadline)
        : this.#expect(terms, record, deadline));
      if (!offers) await deadline.race(session.pulled);
      session.pull();
      await deadline.race(session.ready);
    } catch (error) {
      session?.abort(asSessionError(error, terms.peer));
      throw error;
    } finally {
      deadline.clear();
    }
    this.#endWith(session, signal);
    return session;
  }

  /**
   * Serves a stream of a session's frames. Throws `SessionError` to refuse it: with the reason for
   * which the session ended, or `NO_SESSION` when it ended in order or this process never knew it.
   */
  accept(puller: Puller): void {
    const { name } = puller.peer;
    const id = hex(puller.hello.session);
    const session = this.#sessions.get(id);
    if (session) {
      session.attach(puller);
      return;
    }
    const failed = this.#failed.get(id);
    if (failed?.peer === name) throw failed.error;
    throw new SessionError('NO_SESSION', `${name} pulls a session that does not exist`);
  }

  /** Ends the sessions with peers that are no longer pinned, or pinned otherwise. */
  dropStaleSessions(): void {
    for (const session of this.#sessions.values()) {
      if (this.#peers().byName(session.peer) === session.record) continue;
      session.abort(new SessionError('UNKNOWN_PEER', `${session.peer} is no longer pinned`));
    }
  }

  /** Ends all sessions at once. */
  stop(): void {
    const error = new SessionError('CANCELLED', `${this.#identity.name} stops`);
    this.#stopping.abort(error);
    for (const session of this.#sessions.values()) session.abort(error);
  }

  async #claim({ taskId, peer, attempt }: FullTerms): Promise<void> {
    const claim = await this.#attempts.claim(taskId, peer, attempt);
    if (claim === 'stale') {
      throw new SessionError('STALE_ATTEMPT', `attempt ${attempt} with ${peer} was used before`);
    }
    if (claim === 'finished') {
      throw new SessionError('TASK_FINISHED', `the task with ${peer} is finished`);
    }
  }

  /** Sends a hello until the peer is up, then waits for its answer. */
  async #offer(
    peer: PeerRecord,
    terms: FullTerms,
    record: SessionOptions['record'],
    timeoutMs: number,
    deadline: Deadline,
  ): Promise<LinkSession> {
    const { signed, ephemeral } = makeHello(this.#identity, peer, terms);
    for (;;) {
      try {
        const answer = await deadline.race(
          this.#control.call(peer.name, HELLO, signed, { timeoutMs, signal: deadline.signal }),
        );
        const hello = readHello(answer, peer, this.#identity);
        checkAnswers(hello, signed);
        checkTerms(hello, terms);
        const keys = sessionKeys(signed, answer, ephemeral, hello);
        return this.#register(peer, terms, keys, record);
      } catch (error) {
        const reason = asSessionError(error, peer.name);
        if (reason.code !== 'UNREACHABLE') throw reason;
        await deadline.pause(REDIAL_MS, reason);
      }
    }
  }

  /** Waits for the peer's hello. */
  async #expect(
    terms: FullTerms,
    record: SessionOptions['record'],
    deadline: Deadline,
  ): Promise<LinkSession> {
    const answered = deferred<LinkSession>();
    const expected = { terms, record, settle: answered.resolve, fail: answered.reject };
    this.#expected.add(expected);
    try {
      return await deadline.race(answered.promise);
    } catch (error) {
      // A hello that is being answered at this moment opens a session that nobody takes.
      const orphan = (session: LinkSession): void =>
        session.abort(asSessionError(error, terms.peer));
      answered.promise.then(orphan, () => {});
      throw error;
    } finally {
      this.#expected.remove(expected);
    }
  }

  /** Answers a peer's hello once this side opens the same session. */
  async #answer(from: PeerRecord, signed: SignedHello, signal: AbortSignal): Promise<SignedHello> {
    const hello = readHello(signed, from, this.#identity);
    if (hello.answers.length > 0 || this.#identity.fingerprint < from.fingerprint) {
      throw new SessionError('HELLO_MISMATCH', `${from.name} offers where it should answer`);
    }
    const key = keyOf(from.name, hello.taskId);
    const repeat = this.#answered.get(key)?.repeat;
    if (repeat && sameHello(repeat.offer, signed)) return repeat.answer;
    await this.#checkFresh(key, hello);
    const expected = await this.#expected.take(hello, signal);
    try {
      checkTerms(hello, expected.terms);
      const answer = makeHello(this.#identity, from, expected.terms, signed);
      const keys = sessionKeys(signed, answer.signed, answer.ephemeral, hello);
      const session = this.#register(from, expected.terms, keys, expected.record);
      this.#remember(key, hello, session, { offer: signed, answer: answer.signed });
      expected.settle(session);
      return answer.signed;
    } catch (error) {
      expected.fail(asSessionError(error, from.name));
      throw error;
    }
  }

  /** Throws `REPLAYED_HELLO` or `STALE_ATTEMPT` for a hello that was, or must have been, used before. */
  async #checkFresh(key: string, hello: Hello): Promise<void> {
    const answered = this.#answered.get(key);
    if (answered?.nonce === hex(hello.nonce)) {
      throw new SessionError('REPLAYED_HELLO', `${hello.from} sent a hello twice`);
    }
    const highest = (await this.#attempts.next(hello.taskId)) - 1;
    if (hello.attempt < highest || hello.attempt <= (answered?.attempt ?? 0)) throw stale(hello);
  }

  /**
   * For the code of a refusal, and to answer alike a peer that lost the answer with its connection and
   * asks again: until it pulls, which proves that it has it. What keeps attempts from being used twice
   * is their store.
   */
  #remember(
    key: string,
    { attempt, nonce }: Hello,
    session: LinkSession,
    repeat: NonNullable<Answered['repeat']>,
  ): void {
    const answered: Answered = { attempt, nonce: hex(nonce), repeat };
    this.#answered.delete(key);
    this.#answered.set(key, answered);
    dropOldest(this.#answered, MAX_REMEMBERED);
    const forget = (): void => {
      delete answered.repeat;
    };
    session.pulled.then(forget, forget);
  }

  #register(
    peer: PeerRecord,
    terms: FullTerms,
    keys: ReturnType<typeof sessionKeys>,
    record: SessionOptions['record'],
  ): LinkSession {
    const options = this.#options;
    const session = new LinkSession(this.#identity, peer, terms, keys, options, record);
    const id = hex(keys.id);
    this.#sessions.set(id, session);
    void session.ended.then((error) => {
      this.#sessions.delete(id);
      if (!error) return;
      this.#failed.set(id, { peer: peer.name, error });
      dropOldest(this.#failed, MAX_FAILED);
    });
    return session;
  }

  #endWith(session: LinkSession, signal: AbortSignal | undefined): void {
    if (!signal) return;
    const abort = (): void =>
      session.abort(
        new SessionError('CANCELLED', `the session with ${session.peer} was cancelled`),
      );
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    void session.ended.then(() => signal.removeEventListener('abort', abort));
  }
}

/** What a refused hello tells besides its code. */
const REFUSED = `refused by version ${SESSION_VERSION} of the session protocol`;
const REFUSED_BY = /^refused by version (\d{1,10}) of the session protocol$/;

function fullTerms(terms: SessionTerms): FullTerms {
  const { taskId, certificateDigest, attempt, checkpointDigest = new Uint8Array(32) } = terms;
  for (const [name, bytes] of Object.entries({ taskId, certificateDigest, checkpointDigest })) {
    if (bytes.length !== 32)
      throw new RangeError(`"${name}" expected 32 bytes, got ${bytes.length}`);
  }
  if (!Number.isInteger(attempt) || attempt < 1 || attempt > 0xffff_ffff) {
    throw new RangeError(`"attempt" expected an integer from 1 to 2^32 - 1, got ${attempt}`);
  }
  return { ...terms, checkpointDigest };
}

/** The peer's refusal of a hello as an error of the same code. */
function asSessionError(error: unknown, peer: string): SessionError {
  if (error instanceof SessionError) return error;
  const code =
    error instanceof RefusalError && isSessionErrorCode(error.code) ? error.code : 'PEER_FAILED';
  const theirs = error instanceof RefusalError ? REFUSED_BY.exec(error.message)?.[1] : undefined;
  const reason =
    code === 'VERSION_MISMATCH' && theirs
      ? `${peer} speaks version ${theirs} of the session protocol, this side ${SESSION_VERSION}`
      : `${peer} refuses the session`;
  return new SessionError(code, reason, { cause: error });
}

function sameHello(a: SignedHello, b: SignedHello): boolean {
  return Buffer.compare(a.hello, b.hello) === 0 && Buffer.compare(a.signature, b.signature) === 0;
}

function dropOldest<V>(map: Map<string, V>, most: number): void {
  if (map.size <= most) return;
  const [oldest] = map.keys();
  map.delete(oldest!);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
