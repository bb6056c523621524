import { SessionError } from '../../src/party/errors.ts';
import type { AttemptStore } from '../../src/party/transport/attempts.ts';
import type { Session, SessionOptions, SessionTerms } from '../../src/party/transport/session.ts';
import { linkChannel, type MessageLink } from '../../src/protocols/link-channel.ts';
import { memoryLinkPair } from '../../src/protocols/memory-channel.ts';
import type { FakeClock } from './fake-clock.ts';

/** Sessions between engines of one test process: opened when both sides ask, with the same terms. */
export interface MemorySessions {
  open(
    from: string,
    attempts: AttemptStore,
    terms: SessionTerms,
    options: SessionOptions,
  ): Promise<Session>;
  /** Breaks what a party has open, and forgets what it was opening. */
  breakOff(name: string): void;
  /** Sessions that were opened and have not ended. */
  active(): number;
}

interface Offer {
  readonly from: string;
  readonly terms: SessionTerms;
  readonly settle: (session: Session) => void;
  readonly fail: (error: SessionError) => void;
}

/** Two ends, and what has become of them. */
interface Pair {
  readonly names: readonly string[];
  readonly broken: AbortController;
}

export function memorySessions(clock: FakeClock): MemorySessions {
  const offers = new Map<string, Offer>();
  const pairs = new Set<Pair>();

  function end(pair: Pair, own: number, attempt: number, link: MessageLink): Session {
    const [self, peer] = [pair.names[own]!, pair.names[1 - own]!];
    const over = (): SessionError => pair.broken.signal.reason as SessionError;
    const traffic = { hash: new Uint8Array(32), frames: 1, bytes: 100 };
    return {
      peer,
      fingerprint: '00'.repeat(32),
      attempt,
      id: '00'.repeat(32),
      transcript: '00'.repeat(32),
      mark: () => {},
      link,
      channel: linkChannel(link),
      receipt: () => ({ sent: traffic, received: traffic }),
      deriveKey: (_purpose, length) => new Uint8Array(length),
      close: async (reason) => {
        if (reason) {
          pair.broken.abort(new SessionError('CLOSED', `${self} ended the session`));
          pairs.delete(pair);
          return;
        }
        if (pair.broken.signal.aborted) throw over();
        pairs.delete(pair); // whichever side closes it first
      },
    };
  }

  function join(first: Offer, second: Offer): void {
    const same = (key: 'checkpointDigest' | 'certificateDigest'): boolean =>
      Buffer.compare(
        first.terms[key] ?? Buffer.alloc(32),
        second.terms[key] ?? Buffer.alloc(32),
      ) === 0;
    if (!same('checkpointDigest') || !same('certificateDigest')) {
      for (const { fail } of [first, second]) fail(new SessionError('HELLO_MISMATCH', 'terms'));
      return;
    }
    const broken = new AbortController();
    const pair: Pair = { names: [first.from, second.from], broken };
    pairs.add(pair);
    const links = memoryLinkPair({ signal: broken.signal });
    for (const [own, { settle, terms }] of [first, second].entries()) {
      settle(end(pair, own, terms.attempt, links[own]!));
    }
  }

  return {
    async open(from, attempts, terms, { timeoutMs = 30_000, signal }) {
      const claim = await attempts.claim(terms.taskId, terms.peer, terms.attempt);
      if (claim === 'stale') throw new SessionError('STALE_ATTEMPT', `attempt ${terms.attempt}`);
      if (claim === 'finished') throw new SessionError('TASK_FINISHED', 'finished');
      const task = Buffer.from(terms.taskId).toString('hex');
      const key = [task, terms.attempt, ...[from, terms.peer].sort()].join('/');
      const session = await new Promise<Session>((resolve, reject) => {
        const offer: Offer = { from, terms, settle: resolve, fail: reject };
        const other = offers.get(key);
        if (other && other.from !== from) {
          offers.delete(key);
          join(other, offer);
          return;
        }
        offers.set(key, offer);
        const drop = (error: SessionError) => (): void => {
          if (offers.get(key) === offer) offers.delete(key);
          reject(error);
        };
        clock.after(timeoutMs, drop(new SessionError('TIMED_OUT', `${terms.peer} did not come`)));
        signal?.addEventListener('abort', drop(new SessionError('CANCELLED', 'cancelled')));
      });
      signal?.addEventListener('abort', () => {
        void session.close(new Error('cancelled'));
      });
      if (signal?.aborted) void session.close(new Error('cancelled'));
      return session;
    },

    breakOff(name) {
      for (const [key, { from }] of offers) if (from === name) offers.delete(key);
      for (const pair of pairs) {
        if (!pair.names.includes(name)) continue;
        pair.broken.abort(new SessionError('UNREACHABLE', `${name} is gone`));
        pairs.delete(pair);
      }
    },

    active: () => pairs.size,
  };
}
