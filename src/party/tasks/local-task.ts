/** A task that needs no other party: no contract, no vote, no session. It does not outlive its process. */
import type { Write } from '../store.ts';
import { errorSource } from './error-code.ts';
import type { ProgramProgress, ProgramResult } from './program.ts';
import type { TaskHead } from './task-board.ts';
import { type TaskControl, taskControl } from './task-control.ts';
import type { TaskEngineDeps } from './task-engine.ts';
import { endEntry, entryProgress, type TaskEntry, type TaskNotes } from './task-entry.ts';
import { TaskError } from './task-error.ts';
import { apiErrorOf } from './task-failure.ts';

export interface LocalTask {
  readonly head: Pick<TaskHead, 'kind' | 'algorithm' | 'purpose'>;
  readonly notes: TaskNotes;
  /** The model that is applied. */
  readonly modelId: string | null;
  /** `taskId` is this node's own choice: there is no contract. */
  run(taskId: string, progress: ProgramProgress, signal: AbortSignal): Promise<ProgramResult>;
}

export interface LocalRun {
  readonly entry: TaskEntry;
  readonly control: TaskControl;
  /** Never rejects. */
  readonly done: Promise<void>;
}

type LocalDeps = Pick<
  TaskEngineDeps,
  'board' | 'clock' | 'consensus' | 'log' | 'queue' | 'results'
>;

/** Starts the task; resolves once it is stored. */
export async function runLocally(
  deps: LocalDeps,
  task: LocalTask,
  also?: (taskId: string) => readonly Write[],
): Promise<LocalRun> {
  const { board, clock, consensus, log } = deps;
  const taskId = Buffer.from(consensus.rng(32)).toString('hex');
  const self = consensus.signer.name;
  const head: TaskHead = {
    ...task.head,
    taskId,
    initiator: self,
    parties: [self],
    receivers: [self],
    phase: 'queued',
    createdAt: new Date(clock.now()).toISOString(),
  };
  const entry = await board.add(head, task.notes, also?.(taskId));
  const control = taskControl();
  const done = compute(deps, task, entry, control)
    .catch(async (error: unknown) => {
      if (error instanceof TaskError && error.code === 'STOPPED') return;
      log.error({ task: taskId, err: error }, 'task failed');
      if (!(error instanceof TaskError && error.code === 'CANCELLED')) {
        const failure = { ...errorSource(error), party: self };
        const { trail } = consensus.audit;
        await trail.record('error', { task: taskId }, failure).catch((cause: unknown) => {
          log.error({ task: taskId, err: cause }, 'failure not recorded');
        });
      }
      await endEntry(entry, apiErrorOf(error, self));
    })
    // The row says so after a restart: nothing of the task outlives its process.
    .catch((error: unknown) => log.error({ task: taskId, err: error }, 'task not kept'));
  return { entry, control, done };
}

async function compute(
  { queue, results, log }: LocalDeps,
  task: LocalTask,
  entry: TaskEntry,
  control: TaskControl,
): Promise<void> {
  const { notes, modelId, head } = task;
  const { taskId } = entry;
  const { signal } = control;
  const slot = await queue.acquire({ createdAt: entry.view().createdAt, taskId }, signal);
  slot.keep();
  try {
    await entry.run({ attempt: 1 });
    const result = await task.run(taskId, entryProgress(entry, log), signal);
    signal.throwIfAborted();
    control.prepared(true);
    const prepared = await results.prepare(taskId, 0, result);
    const { path } = await results.publish(prepared, 'predictions');
    const shown = path ?? `results/${taskId}/predictions.csv`;
    const outcome = {
      modelId,
      path: shown,
      type: shown.endsWith('.json') ? 'json' : 'csv',
      metrics: result.metrics ?? {},
      extra: {
        algorithm: head.algorithm,
        algorithm_from: notes.reason,
        receivers: [...entry.view().receivers],
        warnings: notes.warnings.map(({ code, message }) => ({ code, message })),
        ...result.extra,
      },
    } as const;
    await entry.complete(outcome, [results.published(taskId)]);
    log.info({ task: taskId }, 'task completed');
  } catch (error) {
    await results.discard(taskId).catch((cause: unknown) => {
      log.error({ task: taskId, err: cause }, 'result not removed'); // a restart does
    });
    throw error;
  } finally {
    slot.release();
  }
}
