/**
 * The tasks of this node: their present state for whoever asks, and a row each in the store, so that a
 * restarted node can say what became of them.
 */
import type { ApiErrorCode } from '../http/api-error.ts';
import type { Store, Table, Write } from '../store.ts';
import type { TaskOutcome, TaskPhase, TaskState, TaskView } from './task-view.ts';

/** Share of the whole at which each phase begins. */
const PHASE_STARTS: Readonly<Record<TaskPhase, number>> = {
  validating: 0,
  awaiting_parties: 2,
  queued: 4,
  aligning: 5,
  training: 20,
  evaluating: 93,
  publishing: 96,
  done: 100,
};

/** One task; changes are stored in the order in which they are made. */
export interface TaskEntry {
  view(): TaskView;
  phase(phase: TaskPhase): Promise<void>;
  /** Progress within training: kept in memory only. */
  step(step: number, of: number): void;
  complete(outcome: TaskOutcome): Promise<void>;
  fail(code: ApiErrorCode, message: string): Promise<void>;
}

/** What is known of a task from the start. */
export type TaskSubject = Pick<
  TaskView,
  'taskId' | 'kind' | 'algorithm' | 'initiator' | 'parties' | 'receivers' | 'purpose'
>;

export interface TaskBoard {
  /** A new task, stored before this resolves, and `also` with it. */
  add(subject: TaskSubject, also?: readonly Write[]): Promise<TaskEntry>;
  find(taskId: string): Promise<TaskView | null>;
}

/** @param now - Unix ms. */
export function taskBoard(store: Store, now: () => number): TaskBoard {
  const table: Table<TaskView> = store.table('tasks');
  const live = new Map<string, TaskEntry>();
  const time = (): string => new Date(now()).toISOString();

  return {
    async add(subject, also = []) {
      const { taskId } = subject;
      let view: TaskView = {
        ...subject,
        state: 'pending',
        phase: 'awaiting_parties',
        awaitsApproval: false,
        progress: {
          percentage: PHASE_STARTS.awaiting_parties,
          iteration: null,
          bytesSent: 0,
          bytesReceived: 0,
          bytesPerSecond: 0,
          secondsRemaining: null,
        },
        attempt: 1,
        createdAt: time(),
        startedAt: null,
        finishedAt: null,
        outcome: null,
        error: null,
      };
      const change = async (
        next: Partial<TaskView>,
        ...others: readonly Write[]
      ): Promise<void> => {
        view = { ...view, ...next };
        await store.write(table.put(taskId, view), ...others);
      };
      const at = (percentage: number) => ({ ...view.progress, percentage });
      const ended = async (state: TaskState, next: Partial<TaskView>): Promise<void> => {
        await change({ ...next, state, finishedAt: time() });
        live.delete(taskId);
      };
      await change({}, ...also);
      const entry: TaskEntry = {
        view: () => view,
        phase: (phase) =>
          change({
            phase,
            state: 'running',
            progress: at(PHASE_STARTS[phase]),
            startedAt: view.startedAt ?? time(),
          }),
        step: (step, of) => {
          const span = PHASE_STARTS.evaluating - PHASE_STARTS.training;
          const percentage = Math.round(PHASE_STARTS.training + (span * step) / of);
          const iteration = { number: step, of };
          view = { ...view, progress: { ...view.progress, percentage, iteration } };
        },
        complete: (outcome) => ended('completed', { phase: 'done', progress: at(100), outcome }),
        fail: (code, message) => ended('failed', { error: { code, message } }),
      };
      live.set(taskId, entry);
      return entry;
    },

    async find(taskId) {
      return live.get(taskId)?.view() ?? (await table.get(taskId)) ?? null;
    },
  };
}

/**
 * Marks what a stopped process left unfinished as failed: its sessions are gone. Returns their ids.
 */
export async function failInterrupted(store: Store, now: () => number): Promise<readonly string[]> {
  const table: Table<TaskView> = store.table('tasks');
  const open = (await table.list()).filter(([, { finishedAt }]) => finishedAt === null);
  const finishedAt = new Date(now()).toISOString();
  const error = { code: 'FAILED', message: 'the node was stopped while the task ran' } as const;
  await store.write(
    ...open.map(([taskId, view]) =>
      table.put(taskId, { ...view, state: 'failed' as const, finishedAt, error }),
    ),
  );
  return open.map(([taskId]) => taskId);
}
