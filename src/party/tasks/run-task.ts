/**
 * An agreed task at this party, from its turn to a result that every party has: turn, meeting, sessions,
 * program, and again when a link or a peer's process was lost. What else goes wrong ends the task.
 */

import { type Clock, pause } from '../clock.ts';
import type { ConsensusAudit } from '../consensus/consensus-trail.ts';
import type { Contract } from '../consensus/contract.ts';
import { type TransportReceipt, transportReceipt } from '../consensus/receipt-statement.ts';
import type { CertificateRecord } from '../consensus/records.ts';
import { SessionError } from '../errors.ts';
import type { NodeLog } from '../log.ts';
import type { AttemptStore } from '../transport/attempts.ts';
import type { Session, SessionOptions, SessionTerms } from '../transport/session.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { isLinkLost, linkCodeOf } from './link-lost.ts';
import { markedProgress } from './marked-progress.ts';
import type { Meetings } from './meeting.ts';
import type { Checkpoint, ProgramResult } from './program.ts';
import type { PreparedResult, ResultStore } from './result-store.ts';
import { type SessionTrail, sessionTrail } from './session-trail.ts';
import { byNewest, type CheckpointId, checkpointDigest, type Standing } from './standing.ts';
import type { TaskControl } from './task-control.ts';
import { entryProgress, type TaskEntry } from './task-entry.ts';
import { TaskError } from './task-error.ts';
import type { Slot, TaskQueue } from './task-queue.ts';
import type { TaskThreadHost } from './thread/task-thread.ts';

/** What a program computes, wherever it runs. */
export interface ProgramJob {
  readonly contract: Contract;
  readonly taskId: string;
  /** This node's name. */
  readonly self: string;
  readonly resume: Checkpoint | null;
}

/** What of its host a program has of the node, apart from its sessions, progress and checkpoints. */
export type ProgramSources = Pick<TaskThreadHost, 'loadDataset' | 'loadModel' | 'ledger'>;

export interface RunDeps {
  /** This node's name. */
  readonly self: string;
  readonly audit: Pick<ConsensusAudit, 'trail' | 'implementation'>;
  readonly attempts: AttemptStore;
  readonly queue: TaskQueue;
  readonly meetings: Meetings;
  readonly checkpoints: CheckpointStore;
  readonly results: ResultStore;
  readonly clock: Clock;
  openSession(terms: SessionTerms, options: SessionOptions): Promise<Session>;
  /** See `runInThread`. */
  run(job: ProgramJob, host: TaskThreadHost, signal: AbortSignal): Promise<ProgramResult>;
  /** Asked anew for every attempt. */
  sources(contract: Contract, taskId: string, attempt: number): Promise<ProgramSources>;
  /** How long a peer may be out of reach. */
  readonly peerTimeoutMs: number;
  readonly log: NodeLog;
}

export interface AgreedRun {
  readonly taskId: string;
  readonly record: CertificateRecord;
  readonly entry: TaskEntry;
  readonly control: TaskControl;
}

/** Attempts that may break, one after another, without a newer checkpoint to resume from: own choice. */
const MOST_BROKEN = 16;

/** Before the next attempt, doubled for each that broke, and at most: own choices. */
const RETRY_MS = 250;
const MOST_RETRY_MS = 10_000;

/** Between two looks at what the sessions have carried: own choice. */
const TRAFFIC_MS = 1000;

/** How long both parties may take to open a session they met for: own choice. */
const OPEN_TIMEOUT_MS = 30_000;

/**
 * Resolves with the result once every party has prepared its own. Throws the reason why there is none;
 * that of the control's signal when it is aborted.
 */
export async function runTask(deps: RunDeps, run: AgreedRun): Promise<PreparedResult> {
  const { attempts, meetings, queue, results } = deps;
  const { taskId, record, control } = run;
  const { contract } = record.certificate;
  const others = contract.parties.map(({ name }) => name).filter((name) => name !== deps.self);
  const id = Buffer.from(taskId, 'hex');
  let broken = 0;
  /** How long the peers were out of reach when the last attempt broke. */
  let awayMs = 0;
  let resumed: CheckpointId | null = null;
  for (;;) {
    control.signal.throwIfAborted();
    const { standing, prepared } = await standingOf(deps, taskId, await attempts.next(id));
    // Only the others can tell a prepared party how it ends, so it waits for them.
    control.prepared(prepared !== null);
    const order = { createdAt: contract.createdAt, taskId };
    const slot = prepared ? null : await queue.acquire(order, control.signal);
    try {
      const signal = slot ? AbortSignal.any([control.signal, slot.preempted]) : control.signal;
      const patienceMs = prepared ? null : Math.max(0, deps.peerTimeoutMs - awayMs);
      const decision = await meetings.meet(standing, others, { signal, patienceMs });
      if (decision.next === 'publish') {
        if (prepared) return prepared;
        throw new TaskError('RESULT_LOST', 'the others have the result, this node does not');
      }
      if (prepared) {
        await results.discard(taskId);
        continue; // for a turn
      }
      const { checkpoint } = decision;
      if (checkpoint && (!resumed || byNewest(checkpoint, resumed) < 0)) {
        resumed = checkpoint;
        broken = 0;
      }
      const ended = await attempt(deps, run, decision, slot);
      if ('prepared' in ended) {
        if (ended.agreed) return ended.prepared;
      } else if (!slot?.preempted.aborted) {
        broken += 1;
        awayMs = ended.awayMs;
        deps.log.warn({ task: taskId, err: ended.lost, broken }, 'attempt broke');
        if (broken >= MOST_BROKEN) throw tooOften(ended.lost);
      }
    } catch (error) {
      if (control.signal.aborted) throw control.signal.reason;
      if (!slot?.preempted.aborted) throw error;
    } finally {
      meetings.leave(taskId);
      slot?.release();
    }
    if (broken > 0) await pause(deps.clock, retryMs(broken), control.signal);
  }
}

/** What is on this party's disk. */
async function standingOf(
  { checkpoints, results }: RunDeps,
  taskId: string,
  nextAttempt: number,
): Promise<{ readonly standing: Standing; readonly prepared: PreparedResult | null }> {
  const found = await results.find(taskId);
  // One of an earlier attempt fits no other party's: a later attempt has been used.
  const prepared = found && found.attempt === nextAttempt - 1 ? found : null;
  const ids = await checkpoints.list(taskId);
  const state = prepared ? 'PREPARED' : 'READY';
  return { standing: { taskId, nextAttempt, state, checkpoints: ids }, prepared };
}

function tooOften(last: Error): SessionError {
  const why = `${MOST_BROKEN} attempts broke without progress, the last one: ${last.message}`;
  return new SessionError('UNREACHABLE', why, { cause: last });
}

/** What an attempt was decided to be. */
interface AttemptTerms {
  readonly attempt: number;
  readonly checkpoint: CheckpointId | null;
}

/** How an attempt ended that another one may follow. */
type AttemptEnd =
  /** `agreed`: the others have prepared their results, too; otherwise the next meeting tells. */
  | { readonly prepared: PreparedResult; readonly agreed: boolean }
  /** A link or a peer's process was lost; peers were out of reach for so long. */
  | { readonly lost: Error; readonly awayMs: number };

/** One attempt. Throws what must end the task. */
async function attempt(
  deps: RunDeps,
  run: AgreedRun,
  terms: AttemptTerms,
  slot: Slot | null,
): Promise<AttemptEnd> {
  const { meetings, results } = deps;
  const { taskId, entry, control } = run;
  const over = new AbortController();
  const signal = AbortSignal.any([control.signal, over.signal]);
  const preempt = (): void => over.abort(new SessionError('CANCELLED', 'an older task goes first'));
  slot?.preempted.addEventListener('abort', preempt);
  meetings.begin(taskId, terms.attempt, () => {
    over.abort(new SessionError('CLOSED', 'another party has left the attempt'));
  });
  const trail = sessionTrail(deps.audit.trail, {
    taskId,
    attempt: terms.attempt,
    certificate: run.record.digest,
    checkpoint: Buffer.from(checkpointDigest(taskId, terms.checkpoint)).toString('hex'),
    implementation: deps.audit.implementation,
  });
  let sessions: readonly Session[] | null = null;
  let stopCounting = (): void => undefined;
  try {
    const resume = await resumeFrom(deps, taskId, terms.checkpoint);
    sessions = await openSessions(deps, run, terms, trail, signal);
    if (slot && !slot.keep()) preempt();
    signal.throwIfAborted();
    await entry.run({ attempt: terms.attempt });
    stopCounting = countTraffic(deps.clock, entry, sessions);
    const result = await compute(deps, run, { ...terms, resume, sessions }, signal);
    // From here on the others may count on this party's result: nothing but they can end the task.
    signal.throwIfAborted();
    control.prepared(true);
    const prepared = await results
      .prepare(taskId, terms.attempt, result)
      .catch((error: unknown) => {
        control.prepared(false);
        throw error;
      });
    const transport = await agreeAndClose(sessions, trail);
    if (!transport) return { prepared, agreed: false };
    return { prepared: await results.counted(prepared, transport), agreed: true };
  } catch (error) {
    const cause: unknown = signal.aborted ? signal.reason : error;
    const reason = cause instanceof Error ? cause : new Error('the attempt failed');
    await Promise.all((sessions ?? []).map((session) => endSession(session, reason, trail)));
    if (control.signal.aborted || !isLinkLost(cause)) throw cause;
    // A session ends as unreachable when its peer was away for as long as it may be.
    const waited = sessions !== null && linkCodeOf(cause) === 'UNREACHABLE';
    return { lost: cause, awayMs: waited ? deps.peerTimeoutMs : 0 };
  } finally {
    slot?.preempted.removeEventListener('abort', preempt);
    stopCounting();
    entry.attemptOver();
  }
}

async function resumeFrom(
  { checkpoints }: RunDeps,
  taskId: string,
  id: CheckpointId | null,
): Promise<Checkpoint | null> {
  if (!id) return null;
  const bytes = await checkpoints.load(taskId, id);
  // It was whole when this party named it.
  if (!bytes) throw new SessionError('CLOSED', 'the checkpoint to resume from was damaged');
  return { step: id.step, bytes };
}

/** A session with every other data holder; all of them or none. */
async function openSessions(
  deps: RunDeps,
  { taskId, record }: AgreedRun,
  { attempt, checkpoint }: AttemptTerms,
  trail: SessionTrail,
  signal: AbortSignal,
): Promise<readonly Session[]> {
  const peers = record.certificate.contract.parties
    .filter(({ name, dataset }) => dataset !== null && name !== deps.self)
    .map(({ name }) => name);
  const failed = new AbortController();
  const options = {
    timeoutMs: Math.min(OPEN_TIMEOUT_MS, deps.peerTimeoutMs),
    signal: AbortSignal.any([signal, failed.signal]),
  };
  const opened = await Promise.allSettled(
    peers.map(async (peer) => {
      try {
        const terms = {
          peer,
          taskId: Buffer.from(taskId, 'hex'),
          certificateDigest: Buffer.from(record.digest, 'hex'),
          attempt,
          checkpointDigest: checkpointDigest(taskId, checkpoint),
        };
        return await trail.opened((keep) => deps.openSession(terms, { ...options, record: keep }));
      } catch (error) {
        failed.abort(error); // also ends those that are open
        throw error;
      }
    }),
  );
  if (failed.signal.aborted) {
    const reason: unknown = failed.signal.reason;
    for (const each of opened)
      if (each.status === 'fulfilled') await trail.closed(each.value, reason);
    throw reason;
  }
  return opened.map((each) => (each as PromiseFulfilledResult<Session>).value);
}

/** Runs the program. */
async function compute(
  deps: RunDeps,
  { taskId, record, entry }: AgreedRun,
  terms: AttemptTerms & {
    readonly resume: Checkpoint | null;
    readonly sessions: readonly Session[];
  },
  signal: AbortSignal,
): Promise<ProgramResult> {
  const { attempt, resume, sessions } = terms;
  const { contract } = record.certificate;
  const host: TaskThreadHost = {
    ...(await deps.sources(contract, taskId, attempt)),
    link: (peer) => {
      const session = sessions.find((each) => each.peer === peer);
      if (!session) throw new RangeError(`"peer" expected another data holder, got ${peer}`);
      return {
        link: session.link,
        deriveKey: (purpose, length) => session.deriveKey(purpose, length),
      };
    },
    saveCheckpoint: ({ step, bytes }) => deps.checkpoints.save(taskId, { attempt, step }, bytes),
    progress: markedProgress(entryProgress(entry, deps.log), sessions, deps.clock),
  };
  return deps.run({ contract, taskId, self: deps.self, resume }, host, signal);
}

/** Label and type of a party's word that its result is prepared. No program's: forks' labels are paths. */
const PREPARED = { label: 'prepared', type: 'entente.task.v1.Prepared' } as const;

/**
 * Tells every other party that this one's result is prepared and waits for the same word of each, then
 * closes the sessions in order. What went over them; null when one broke before: then the next meeting
 * tells. That a session closed in order says nothing of a result: it ends when either side closes it.
 */
async function agreeAndClose(
  sessions: readonly Session[],
  trail: SessionTrail,
): Promise<readonly TransportReceipt[] | null> {
  const closed = await Promise.allSettled(
    sessions.map(async (session) => {
      await session.link.send(PREPARED.label, PREPARED.type, new Uint8Array(0));
      const { type, bytes } = await session.link.receive(PREPARED.label);
      if (type !== PREPARED.type || bytes.length > 0) {
        throw new SessionError('MALFORMED', `${session.peer} sent another word than its last`);
      }
      await session.close();
      await trail.closed(session, null);
    }),
  );
  for (const [i, each] of closed.entries()) {
    if (each.status === 'rejected') await endSession(sessions[i]!, each.reason, trail);
  }
  if (closed.some(({ status }) => status === 'rejected')) return null;
  return sessions.map((session) => transportReceipt(session.peer, session.receipt()));
}

/** Ends a session with a reason, if it has not ended, and records it with that. */
async function endSession(session: Session, reason: Error, trail: SessionTrail): Promise<void> {
  void session.close(reason).catch(() => undefined);
  await trail.closed(session, reason);
}

function countTraffic(clock: Clock, entry: TaskEntry, sessions: readonly Session[]): () => void {
  let cancel = (): void => undefined;
  const count = (): void => {
    const total = { sent: 0, received: 0 };
    for (const session of sessions) {
      const { sent, received } = session.receipt();
      total.sent += sent.bytes;
      total.received += received.bytes;
    }
    entry.traffic(total);
  };
  const again = (): void => {
    count();
    cancel = clock.after(TRAFFIC_MS, again);
  };
  again();
  return () => {
    cancel();
    count();
  };
}

function retryMs(broken: number): number {
  return Math.min(RETRY_MS * 2 ** (broken - 1), MOST_RETRY_MS);
}
