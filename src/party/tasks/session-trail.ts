/** The sessions of one attempt in the audit log: opened, what both signed, and how they ended. */
import type { Trail } from '../audit/trail.ts';
import { transportReceipt } from '../consensus/receipt-statement.ts';
import { deferred } from '../deferred.ts';
import type { Session, SessionOptions } from '../transport/session.ts';
import { errorCode } from './error-code.ts';

/** What the sessions of an attempt are bound to, hex. */
export interface SessionScope {
  readonly taskId: string;
  readonly attempt: number;
  readonly certificate: string;
  readonly checkpoint: string;
  /** Digest of the code that this node runs. */
  readonly implementation: string;
}

export interface SessionTrail {
  /**
   * Opens a session by `open`, which is to be given the recorder of phase receipts, and records that. A
   * peer may mark before: its receipts wait.
   */
  opened(open: (record: Recorder) => Promise<Session>): Promise<Session>;
  /** Records how a session ended, once; null for in order. */
  closed(session: Session, error: unknown): Promise<void>;
}

type Recorder = NonNullable<SessionOptions['record']>;

export function sessionTrail(
  trail: Trail,
  { taskId, attempt, certificate, checkpoint, implementation }: SessionScope,
): SessionTrail {
  const scope = { task: taskId, attempt };
  const over = new Set<Session>();
  return {
    async opened(open) {
      const recorded = deferred<void>();
      try {
        const session = await open(async (receipt) => {
          await recorded.promise;
          await trail.record('phase_receipt', scope, receipt);
        });
        const { peer, fingerprint, id, transcript } = session;
        await trail.record('session_opened', scope, {
          peer,
          fingerprint,
          session: id,
          transcript,
          certificate,
          checkpoint,
          implementation,
        });
        recorded.resolve();
        return session;
      } catch (error) {
        recorded.reject(new Error('the session was not recorded', { cause: error }));
        throw error;
      }
    },

    async closed(session, error) {
      if (over.has(session)) return;
      over.add(session);
      const { peer, id } = session;
      const { sent, received } = transportReceipt(peer, session.receipt());
      const code = error === null ? null : errorCode(error);
      await trail.record('session_closed', scope, { peer, session: id, code, sent, received });
    },
  };
}
