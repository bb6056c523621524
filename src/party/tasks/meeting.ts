/**
 * Before every attempt at a task its parties meet: each asks every other where it stands, with its own
 * standing in the call, and gets an answer once that party is there, too. So no session is opened to a
 * party that waits for its turn, computes an attempt that this one left, or has the result already.
 *
 * A call is held for a while and then answered with QUEUED: the party is alive and will come. Only one
 * that cannot be reached for long fails the task.
 */
import { Standing as StandingMessage } from '../../../proto/gen/task.ts';
import { type Clock, pause } from '../clock.ts';
import { printable } from '../consensus/wire.ts';
import { RefusalError, SessionError } from '../errors.ts';
import type { ControlClient, ControlMethod, ControlServer } from '../transport/control.ts';
import {
  type Decision,
  decide,
  decodeStanding,
  encodeStanding,
  type Standing,
} from './standing.ts';
import { TaskError } from './task-error.ts';

/** Tells a peer where this party stands. Answered once the peer is between two attempts, too. */
export const MEET: ControlMethod<StandingMessage, StandingMessage> = {
  name: 'task/meet',
  request: StandingMessage,
  response: StandingMessage,
};

/** The refusal of a party at which a person cancelled the task. */
const CANCELLED = 'TASK_CANCELLED';

/** How long a call waits for this party to come: own choice. */
const HOLD_MS = 10_000;

/** What a call may take beyond the time for which the peer holds it: own choice. */
const ANSWER_MS = 10_000;

/** Between two calls to a peer that is not ready or not there: own choice. */
const RETRY_MS = 1000;

/** What a party that asks is told of a task at which this node is not meeting. */
export type TaskStatus =
  /** No task of this id has that party: whether there is another one is not its business. */
  | { readonly state: 'unknown' }
  | { readonly state: 'ended'; readonly reason: string }
  | { readonly state: 'cancelled'; readonly reason: string }
  | { readonly state: 'completed' | 'open'; readonly nextAttempt: number };

export interface MeetingDeps {
  readonly peers: ControlClient;
  readonly clock: Clock;
  status(taskId: string, peer: string): Promise<TaskStatus>;
}

export interface MeetOptions {
  readonly signal: AbortSignal;
  /** How long a peer may be out of reach; null: as long as it takes. */
  readonly patienceMs: number | null;
}

export interface Meetings {
  /**
   * Comes to the meeting and stays: callers get this standing until `begin` or `leave`. Throws
   * `TaskError` `PEER_FAILED` or `CANCELLED` with the reason of a peer at which the task has ended, or
   * `SessionError` `UNREACHABLE`; with the signal's reason when that is aborted.
   */
  meet(own: Standing, others: readonly string[], options: MeetOptions): Promise<Decision>;
  /**
   * The decided attempt begins. A peer that asks about it gets the same standing once more; one that
   * asks about a later attempt has left this one: `onLeft` is called.
   */
  begin(taskId: string, attempt: number, onLeft: () => void): void;
  /** This party is not at the meeting any more: it waits for its turn, or the task has ended. */
  leave(taskId: string): void;
}

/** This party at a meeting, or in the attempt that came of it. */
interface Presence {
  readonly standing: Standing;
  /** Null during the meeting. */
  attempt: number | null;
  onLeft(): void;
}

/** Serves `MEET`. */
export function taskMeetings(server: ControlServer, deps: MeetingDeps): Meetings {
  const { clock, peers } = deps;
  const present = new Map<string, Presence>();
  /** By task, the calls that wait: told of every change. By peer: one call each. */
  const held = new Map<string, Map<string, (look: boolean) => void>>();
  const changed = (taskId: string): void => {
    for (const look of held.get(taskId)?.values() ?? []) look(true);
  };

  server.handle(MEET, async ({ name: peer }, message, { signal }) => {
    const theirs = decodeStanding(message, peer);
    return encodeStanding(await answer(peer, theirs, signal));
  });

  async function answer(peer: string, theirs: Standing, signal: AbortSignal): Promise<Standing> {
    const { taskId } = theirs;
    const until = clock.now() + HOLD_MS;
    for (;;) {
      const status = await deps.status(taskId, peer);
      if (status.state === 'unknown') throw new RefusalError('UNKNOWN_TASK', 'no such task');
      if (status.state === 'ended' || status.state === 'cancelled') {
        const code = status.state === 'ended' ? 'TASK_ENDED' : CANCELLED;
        throw new RefusalError(code, status.reason);
      }
      const { nextAttempt } = status;
      if (status.state === 'completed') {
        return { taskId, nextAttempt, state: 'COMPLETED', checkpoints: [] };
      }
      const here = present.get(taskId);
      if (here && (here.attempt === null || theirs.nextAttempt <= here.attempt)) {
        return here.standing;
      }
      here?.onLeft();
      const left = until - clock.now();
      if (left <= 0 || !(await change(taskId, peer, left, signal))) {
        return { taskId, nextAttempt, state: 'QUEUED', checkpoints: [] };
      }
    }
  }

  /** Waits for a change at the task; false when the time or the call is over, or a later one came. */
  async function change(
    taskId: string,
    peer: string,
    ms: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const calls = held.get(taskId) ?? new Map<string, (look: boolean) => void>();
    held.set(taskId, calls);
    const woken = new AbortController();
    let looks = false;
    const wake = (look: boolean): void => {
      looks = look;
      woken.abort();
    };
    calls.get(peer)?.(false);
    calls.set(peer, wake);
    await pause(clock, ms, woken.signal, signal);
    if (calls.get(peer) === wake) calls.delete(peer);
    if (calls.size === 0 && held.get(taskId) === calls) held.delete(taskId);
    return looks;
  }

  /** A peer's standing once it is at the meeting. */
  async function ask(
    peer: string,
    own: Standing,
    { signal, patienceMs }: MeetOptions,
  ): Promise<Standing> {
    let heardAt = clock.now();
    for (;;) {
      signal.throwIfAborted();
      const askedAt = clock.now();
      try {
        const options = { timeoutMs: HOLD_MS + ANSWER_MS, signal };
        const message = await peers.call(peer, MEET, encodeStanding(own), options);
        const theirs = decodeStanding(message, peer);
        if (theirs.taskId !== own.taskId) {
          throw new SessionError('MALFORMED', `${peer} answered about another task`);
        }
        if (theirs.state !== 'QUEUED') return theirs;
        heardAt = clock.now();
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof RefusalError) {
          const reason = printable(error.message);
          if (error.code === CANCELLED) throw new TaskError('CANCELLED', reason, { cause: error });
          throw new TaskError('PEER_FAILED', `${peer}: ${reason}`, { cause: error });
        }
        if (!(error instanceof SessionError)) throw error;
        const away = clock.now() - heardAt;
        if (patienceMs !== null && away >= patienceMs) {
          const seconds = Math.round(away / 1000);
          throw new SessionError(
            'UNREACHABLE',
            `${peer} could not be reached for ${seconds} s (${error.message})`,
            { cause: error },
          );
        }
      }
      await pause(clock, askedAt + RETRY_MS - clock.now(), signal);
    }
  }

  return {
    async meet(own, others, options) {
      present.set(own.taskId, { standing: own, attempt: null, onLeft: () => undefined });
      changed(own.taskId);
      // The first peer that fails the task ends the calls to the others.
      const failed = new AbortController();
      const signal = AbortSignal.any([options.signal, failed.signal]);
      const answers = others.map(async (peer) => {
        try {
          return await ask(peer, own, { ...options, signal });
        } catch (error) {
          failed.abort(error);
          throw error;
        }
      });
      return decide([own, ...(await Promise.all(answers))]);
    },

    begin(taskId, attempt, onLeft) {
      const here = present.get(taskId);
      if (!here) throw new Error('an attempt begins with a meeting');
      here.attempt = attempt;
      here.onLeft = onLeft;
      changed(taskId);
    },

    leave(taskId) {
      present.delete(taskId);
      changed(taskId);
    },
  };
}
