/**
 * The tasks of this node from a request, or a peer's certificate, to their end. Whatever happens to a
 * task happens at every party; a process that stops in between goes on where it was, or says why not.
 */
import type { EntryBody } from '../audit/entry.ts';
import { pause } from '../clock.ts';
import type { ConsensusEvents, ConsensusNode } from '../consensus/consensus-node.ts';
import type { Contract } from '../consensus/contract.ts';
import { taskIdOf } from '../consensus/contract-check.ts';
import { ConsensusError } from '../consensus/errors.ts';
import { NotAgreedError, proposeContract } from '../consensus/initiator.ts';
import type { CertificateRecord } from '../consensus/records.ts';
import { abortTask, endExpiredTasks, endStaleTasks } from '../consensus/task-end.ts';
import { ApiError } from '../http/api-error.ts';
import type { TaskHandle, TaskRequest, TaskService } from '../http/services.ts';
import type { NodeLog } from '../log.ts';
import type { Caller } from '../tokens.ts';
import type { ControlServer } from '../transport/control.ts';
import type { DraftedContract } from './contract-draft.ts';
import { errorSource } from './error-code.ts';
import { decideResult, type Finishing, publishResult, showLogs } from './finish-task.ts';
import { type LocalTask, runLocally } from './local-task.ts';
import { type TaskStatus, taskMeetings } from './meeting.ts';
import { recoverTasks } from './recover-tasks.ts';
import type { PreparedResult } from './result-store.ts';
import { type RunDeps, runTask } from './run-task.ts';
import type { TaskBoard } from './task-board.ts';
import { type TaskControl, taskControl } from './task-control.ts';
import { endEntry, type TaskEntry } from './task-entry.ts';
import { TaskError } from './task-error.ts';
import { apiErrorOf, endError, runFailure } from './task-failure.ts';
import { headOf } from './task-head.ts';
import type { TaskOutcome } from './task-view.ts';

export interface TaskEngineDeps extends Omit<RunDeps, 'self' | 'audit' | 'meetings'> {
  readonly consensus: ConsensusNode;
  readonly board: TaskBoard;
  readonly log: NodeLog;
  /** Serves the meetings. */
  readonly server: ControlServer;
  /** The contract that a request means. Throws `ApiError`. */
  draft(request: TaskRequest): Promise<DraftedContract>;
  /** What a request means that needs no other party; null for all others. Throws `ApiError`. */
  draftLocal(request: TaskRequest): Promise<LocalTask | null>;
  /** A person's yes. Throws `ConsensusError`. */
  approve(taskId: string, record: () => Promise<unknown>): Promise<void>;
  /** A task that takes longer from its certificate on ends at every party. */
  readonly timeoutMs: number;
}

/** The task engine; its events are those of consensus. */
export interface TaskEngine
  extends TaskService,
    Pick<ConsensusEvents, 'committed' | 'ended' | 'asked' | 'approved'> {
  /**
   * Takes up what an earlier process left. To be called once peers can be called; until then their
   * questions wait.
   */
  recover(): Promise<void>;
  /** Ends every thread. Agreed tasks go on when the node is started again; nobody is told they failed. */
  stop(): Promise<void>;
}

/** Between two looks at contracts that nobody committed in time: own choice. */
const EXPIRY_MS = 60_000;

/** Before what the disk or the time does not allow is tried again: own choice. */
const LATE_MS = 10_000;

/** How long a stopping node tries to tell that it does not propose any more: own choice. */
const STOP_MS = 5000;

/** Ends that are not this party's error. */
const ENDS: ReadonlySet<TaskError['code']> = new Set(['CANCELLED', 'PEER_FAILED', 'STOPPED']);

interface Running {
  readonly control: TaskControl;
  readonly done: Promise<void>;
}

export function taskEngine(deps: TaskEngineDeps): TaskEngine {
  const { consensus, board, clock, log } = deps;
  const { trail } = consensus.audit;
  const self = consensus.signer.name;
  const running = new Map<string, Running>();
  /** Contracts of this node that are on their way to agreement. */
  const proposing = new Map<string, TaskEntry>();
  const stopping = new AbortController();
  let recovered = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    recovered = resolve;
  });
  let cancelExpiry = (): void => undefined;

  const meetings = taskMeetings(deps.server, { peers: consensus.peers, clock, status });
  const runDeps: RunDeps = { ...deps, self, audit: consensus.audit, meetings };

  /** Never waits for the task; errors of the bookkeeping itself go to the log. */
  function background(taskId: string, what: string, work: () => Promise<unknown>): void {
    work().catch((error: unknown) => log.error({ task: taskId, err: error }, what));
  }

  async function status(taskId: string, peer: string): Promise<TaskStatus> {
    await gate;
    const record = await consensus.records.find(taskId);
    const { contract = null, end = null } = record ?? {};
    if (!contract?.parties.some(({ name }) => name === peer)) return { state: 'unknown' };
    if (end?.code === 'cancelled') return { state: 'cancelled', reason: end.reason };
    if (end) return { state: 'ended', reason: reasonOf(end.party, end.reason) };
    const nextAttempt = await deps.attempts.next(Buffer.from(taskId, 'hex'));
    return { state: record?.state === 'finished' ? 'completed' : 'open', nextAttempt };
  }

  /** The asker names this node by itself. */
  function reasonOf(party: string, reason: string): string {
    return party === self ? reason : `${party}: ${reason}`;
  }

  /** Runs an agreed task, unless it runs already. */
  function take(
    taskId: string,
    record: CertificateRecord,
    entry: TaskEntry,
    prepared = false,
  ): void {
    if (stopping.signal.aborted || running.has(taskId)) return;
    const control = taskControl(prepared);
    const cancelTimer = endInTime(record, control);
    const done = work(taskId, record, entry, control).finally(() => {
      cancelTimer();
      running.delete(taskId);
      meetings.leave(taskId);
    });
    running.set(taskId, { control, done });
    background(taskId, 'task not kept', () => done);
  }

  /** Ends a task that takes too long, unless its result is on its way; returns what stops that. */
  function endInTime({ committedAt }: CertificateRecord, control: TaskControl): () => void {
    const seconds = Math.round(deps.timeoutMs / 1000);
    const late = (): void => {
      const reason = new TaskError('TIMED_OUT', `the task took longer than ${seconds} s`);
      if (!control.cancel(reason)) cancel = clock.after(LATE_MS, late);
    };
    const left = Date.parse(committedAt) + deps.timeoutMs - clock.now();
    let cancel = clock.after(Math.max(0, left), late);
    return () => cancel();
  }

  async function work(
    taskId: string,
    record: CertificateRecord,
    entry: TaskEntry,
    control: TaskControl,
  ): Promise<void> {
    const { contract } = record.certificate;
    let prepared: PreparedResult | undefined;
    while (!prepared) {
      try {
        // A party may have ended the task before this run could be told.
        const known = await consensus.records.find(taskId);
        if (known?.end) throw endError(known.end);
        await entry.change({ phase: 'queued', awaitsApproval: false });
        const result = await runTask(runDeps, { taskId, record, entry, control });
        await decideResult(consensus, taskId);
        prepared = result;
      } catch (error) {
        if (stopping.signal.aborted) return;
        // The others may have published: only they can tell that there is no result.
        if (!control.isPrepared() || control.signal.aborted || error instanceof TaskError) {
          await fail(taskId, entry, error);
          if (!stopping.signal.aborted) await showLogs(deps, contract, taskId);
          return;
        }
        log.error({ task: taskId, err: error }, 'result not decided yet');
        await pause(clock, LATE_MS, stopping.signal);
      }
    }
    meetings.leave(taskId);
    await publish({ contract, prepared, entry });
  }

  /** Does what can be done again as often as it takes, or until the node stops. */
  async function insist(taskId: string, notYet: string, step: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await step();
      } catch (error) {
        if (stopping.signal.aborted) return;
        log.error({ task: taskId, err: error }, notYet);
        await pause(clock, LATE_MS, stopping.signal);
      }
    }
  }

  function publish(finishing: Finishing): Promise<void> {
    const { taskId } = finishing.prepared;
    return insist(taskId, 'result not published yet', () => publishResult(deps, finishing));
  }

  /** Goes on with a task whose result was decided before this process. */
  function publishAgain(finishing: Finishing): void {
    const { taskId } = finishing.prepared;
    const control = taskControl(true);
    const done = publish(finishing).finally(() => running.delete(taskId));
    running.set(taskId, { control, done });
  }

  /** Ends the task: one that is neither run nor ended would never end anywhere. */
  function fail(taskId: string, entry: TaskEntry, error: unknown): Promise<void> {
    log.error({ task: taskId, err: error }, 'task failed');
    recordFailure(taskId, entry, error);
    return insist(taskId, 'end not kept yet', () => failOnce(taskId, entry, error));
  }

  /** What a person or another party ended is recorded where that came in. */
  function recordFailure(taskId: string, entry: TaskEntry, error: unknown): void {
    const ended = error instanceof TaskError && ENDS.has(error.code);
    if (ended) return;
    const scope = { task: taskId, attempt: entry.view().attempt || null };
    const body = { ...errorSource(error), party: self };
    background(taskId, 'failure not recorded', () => trail.record('error', scope, body));
  }

  /** Ends the task here, then tells every party. Can be done again. */
  async function failOnce(taskId: string, entry: TaskEntry, error: unknown): Promise<void> {
    const recorded = new AbortController();
    const told = abortTask(consensus, taskId, runFailure(error));
    // The row does not wait for a peer that does not answer.
    const over = consensus.records.until(taskId, ({ end }) => end !== null, recorded.signal);
    await Promise.race([told, over]).finally(() => recorded.abort());
    await deps.attempts.finish(Buffer.from(taskId, 'hex'));
    await deps.results.discard(taskId);
    await deps.checkpoints.remove(taskId);
    await endEntry(entry, apiErrorOf(error, self));
    await told;
  }

  async function propose({ contract }: DraftedContract, entry: TaskEntry): Promise<void> {
    const { taskId } = entry;
    proposing.set(taskId, entry);
    try {
      const agreed = await proposeContract(consensus, contract);
      take(taskId, agreed, entry);
    } catch (error) {
      const party = error instanceof NotAgreedError ? error.party : self;
      await endEntry(entry, apiErrorOf(error, party));
    } finally {
      proposing.delete(taskId);
    }
  }

  async function entryOf(taskId: string, contract: Contract): Promise<TaskEntry> {
    return (await board.entry(taskId)) ?? board.add(headOf(taskId, contract));
  }

  function handleOf(entry: TaskEntry): TaskHandle {
    const done = entry.ended.then(({ outcome, error }): TaskOutcome => {
      if (outcome) return outcome;
      throw new ApiError(error?.code ?? 'FAILED', error?.message ?? 'the task has no result');
    });
    done.catch(() => undefined); // in the task's view, whether or not anybody waits
    return { taskId: entry.taskId, done, view: () => entry.view() };
  }

  async function openEntry(taskId: string): Promise<TaskEntry | null> {
    const entry = await board.entry(taskId);
    if (entry) return entry;
    if (await board.find(taskId)) return null;
    throw new ApiError('NOT_FOUND', 'there is no such task');
  }

  return {
    async submit(request, _caller, also) {
      const local = await deps.draftLocal(request);
      if (local) {
        const { entry, control, done } = await runLocally(deps, local, also);
        running.set(entry.taskId, {
          control,
          done: done.finally(() => running.delete(entry.taskId)),
        });
        return handleOf(entry);
      }
      const drafted = await deps.draft(request);
      const { contract, warnings, reason } = drafted;
      const taskId = taskIdOf(contract);
      const entry = await board.add(headOf(taskId, contract), { warnings, reason }, also?.(taskId));
      log.info(
        { task: taskId, parties: contract.parties.map(({ name }) => name) },
        'task proposed',
      );
      background(taskId, 'task not kept', () => propose(drafted, entry));
      return handleOf(entry);
    },

    find: (taskId) => board.find(taskId),
    list: (query) => board.list(query),
    events: (taskId, after, signal) => board.events(taskId, after, signal),

    async cancel(taskId, caller) {
      const entry = await openEntry(taskId);
      if (!entry) {
        const view = (await board.find(taskId))!;
        if (view.state === 'cancelled') return view;
        throw new ApiError('CONFLICT', `the task has ${view.state} already`);
      }
      const refusal = { code: 'cancelled', reason: `cancelled by ${self}` } as const;
      const run = running.get(taskId);
      if (run && !run.control.cancel(new TaskError('CANCELLED', refusal.reason))) {
        throw new ApiError('CONFLICT', 'the result is being published: it is too late to cancel');
      }
      await entry.stopping();
      const actor = { via: 'http', id: caller.id } as const;
      await trail.record('cancellation', { task: taskId }, { party: self, actor });
      // A run that was told to end does this itself; one that begins meanwhile finds the end.
      if (!run) background(taskId, 'not cancelled', () => abortTask(consensus, taskId, refusal));
      return entry.view();
    },

    async approve(taskId, caller) {
      const entry = await openEntry(taskId);
      const notAsked = new ApiError('CONFLICT', 'the task does not wait for approval');
      if (!entry?.view().awaitsApproval) throw notAsked;
      try {
        await deps.approve(taskId, () =>
          trail.record('administration', { task: taskId }, approvalBy(caller)),
        );
      } catch (error) {
        const isOver = error instanceof ConsensusError && error.code === 'wrong_state';
        throw isOver ? notAsked : apiErrorOf(error, self);
      }
      return entry.view();
    },

    asked(taskId, contract) {
      background(taskId, 'task not kept', async () => {
        await (await entryOf(taskId, contract)).change({ awaitsApproval: true });
      });
    },

    approved(taskId) {
      background(taskId, 'task not kept', async () => {
        await (await board.entry(taskId))?.change({ awaitsApproval: false });
      });
    },

    committed(taskId, record) {
      background(taskId, 'task not kept', async () => {
        take(taskId, record, await entryOf(taskId, record.certificate.contract));
      });
    },

    ended(taskId, end) {
      const run = running.get(taskId);
      if (run) return run.control.end(endError(end));
      meetings.leave(taskId);
      // A proposal knows best why it failed; but what it waits for may take long to stop.
      if (proposing.has(taskId) && end.code !== 'cancelled') return;
      background(taskId, 'task not kept', async () => {
        const entry = await board.entry(taskId);
        if (entry) await endEntry(entry, apiErrorOf(endError(end), self));
      });
    },

    async recover() {
      await recoverTasks(deps, {
        take,
        publishAgain,
        head: headOf,
        end: (entry, error) => endEntry(entry, apiErrorOf(error, self)),
      });
      recovered();
      background('', 'stale tasks not ended', () => endStaleTasks(consensus));
      const expire = (): void => {
        background('', 'expired tasks not ended', () => endExpiredTasks(consensus));
        cancelExpiry = clock.after(EXPIRY_MS, expire);
      };
      cancelExpiry = clock.after(EXPIRY_MS, expire);
    },

    async stop() {
      stopping.abort();
      cancelExpiry();
      const runs = [...running.values()];
      for (const { control } of runs) control.end(new TaskError('STOPPED', 'the node stops'));
      const refusal = { code: 'aborted', reason: 'the node of the initiator was stopped' } as const;
      const told = [...proposing.keys()].map((taskId) => abortTask(consensus, taskId, refusal));
      await Promise.race([Promise.allSettled(told), pause(clock, STOP_MS)]);
      await Promise.allSettled(runs.map(({ done }) => done));
    },
  };
}

function approvalBy({ id }: Caller): EntryBody<'administration'> {
  const actor = { via: 'http', id } as const;
  return { action: 'task_approved', actor, subject: null, role: null, digest: null };
}
