import type { Hello } from '../../../proto/gen/session.ts';
import { SessionError } from '../errors.ts';
import type { FullTerms } from './hello.ts';
import type { LinkSession } from './link-session.ts';
import type { SessionOptions } from './session.ts';

/** Hellos of one peer that may wait for this side: own choice. */
const MAX_WAITING_HELLOS = 64;

/** A local `open` that waits for the peer's hello. */
export interface Expected {
  readonly terms: FullTerms;
  readonly record: SessionOptions['record'];
  settle(session: LinkSession): void;
  fail(error: SessionError): void;
}

/** Where local `open`s and the hellos that they are for find each other, whichever comes first. */
export class ExpectedSessions {
  readonly #expected = new Map<string, Expected>();
  /** By peer, the hellos that came before this side opens their session: told when it opens one. */
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Throws `STREAM_IN_USE` when there is one for the task and peer already. */
  add(expected: Expected): void {
    const { peer, taskId } = expected.terms;
    const key = keyOf(peer, taskId);
    if (this.#expected.has(key)) {
      throw new SessionError('STREAM_IN_USE', `a session with ${peer} is being opened`);
    }
    this.#expected.set(key, expected);
    for (const look of this.#waiting.get(peer) ?? []) look();
  }

  /** Forgets it, unless it was taken or another one stands in its place. */
  remove(expected: Expected): void {
    const key = keyOf(expected.terms.peer, expected.terms.taskId);
    if (this.#expected.get(key) === expected) this.#expected.delete(key);
  }

  /**
   * Takes the local `open` that a hello is for; waits until there is one, or until the peer gives up.
   * Throws `STALE_ATTEMPT` when it is of a later attempt. One of an earlier attempt fails: the peer
   * has left it behind.
   */
  async take(hello: Hello, signal: AbortSignal): Promise<Expected> {
    const { from, taskId, attempt } = hello;
    const key = keyOf(from, taskId);
    const waiting = this.#waiting.get(from) ?? new Set();
    this.#waiting.set(from, waiting);
    if (waiting.size >= MAX_WAITING_HELLOS) {
      throw new SessionError('TOO_LARGE', `${waiting.size} hellos of ${from} wait already`);
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        waiting.delete(look);
        signal.removeEventListener('abort', giveUp);
      };
      const giveUp = (): void => {
        settle();
        reject(new SessionError('TIMED_OUT', `${from} gave up waiting for this side`));
      };
      const look = (): void => {
        const expected = this.#expected.get(key);
        if (!expected) return;
        if (expected.terms.attempt < attempt) {
          this.#expected.delete(key);
          expected.fail(new SessionError('STALE_ATTEMPT', `${from} is at attempt ${attempt}`));
          return;
        }
        settle();
        if (expected.terms.attempt > attempt) {
          reject(stale(hello));
        } else {
          this.#expected.delete(key);
          resolve(expected);
        }
      };
      waiting.add(look);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      else look();
    });
  }
}

/** Names what two parties do for one task. */
export function keyOf(peer: string, taskId: Uint8Array): string {
  return `${peer}/${Buffer.from(taskId).toString('hex')}`;
}

/** A hello of an attempt that this side has left behind. */
export function stale({ from, attempt }: Hello): SessionError {
  return new SessionError('STALE_ATTEMPT', `${from} offers attempt ${attempt}`);
}
