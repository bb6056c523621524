/**
 * The tasks of this node: their present state for whoever asks, a row each in the store, and an event
 * for every change. Row and event are one write, and nobody is told before it is on the disk.
 */
import type { Clock } from '../clock.ts';
import type { TaskQuery } from '../http/services.ts';
import { type Store, storeKey, type Write } from '../store.ts';
import {
  type BoardContext,
  hasEnded,
  LiveTask,
  type TaskEntry,
  type TaskNotes,
  type TaskRow,
} from './task-entry.ts';
import { NO_PROGRESS } from './task-progress.ts';
import { TASK_STATES, type TaskEvent, type TaskState, type TaskView } from './task-view.ts';

/** Ids left out after a restart: more than the progress events that the earlier process can have told. */
const RESTART_GAP = 10_000_000;

/** What a new task is, before anything has happened to it. */
export type TaskHead = Pick<
  TaskView,
  | 'taskId'
  | 'kind'
  | 'algorithm'
  | 'initiator'
  | 'parties'
  | 'receivers'
  | 'purpose'
  | 'phase'
  | 'createdAt'
>;

export interface TaskBoard {
  /** A new task, on the disk with `also` before this resolves. Throws when there is one of this id. */
  add(head: TaskHead, notes?: TaskNotes, also?: readonly Write[]): Promise<TaskEntry>;
  /** The task's entry while it has not ended; undefined afterwards. */
  entry(taskId: string): Promise<TaskEntry | undefined>;
  find(taskId: string): Promise<TaskView | null>;
  /** Newest first. */
  list(query: TaskQuery): Promise<readonly TaskView[]>;
  /** How many tasks there are in each state. */
  count(): Promise<Readonly<Record<TaskState, number>>>;
  /** Every task that has not ended. */
  open(): Promise<readonly TaskEntry[]>;
  /** See `TaskService.events`. */
  events(
    taskId: string,
    after: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<TaskEvent> | null>;
  /** Calls `listener` with every event of every task, once it is kept; returns what ends that. */
  subscribe(listener: (event: TaskEvent) => void): () => void;
}

const NO_NOTES: TaskNotes = { warnings: [], reason: 'contract' };

export function taskBoard(store: Store, clock: Clock): TaskBoard {
  const rows = store.table<TaskRow>('tasks');
  const events = store.table<TaskEvent>('events');
  const live = new Map<string, LiveTask>();
  const listeners = new Set<(event: TaskEvent) => void>();
  const exclusive = <T>(taskId: string, run: () => Promise<T>): Promise<T> =>
    store.exclusive(`tasks/${taskId}`, run);

  const context: BoardContext = {
    clock,
    exclusive,
    keep: (row, event, also) =>
      store.write(
        rows.put(row.view.taskId, row),
        events.put(storeKey(row.view.taskId, event.id), event),
        ...also,
      ),
    tell: (event) => {
      for (const listener of listeners) listener(event);
    },
    over: (taskId) => live.delete(taskId),
  };

  /** The task in memory, if it has not ended. */
  async function liveTask(taskId: string): Promise<LiveTask | undefined> {
    return (
      live.get(taskId) ??
      exclusive(taskId, async () => {
        const known = live.get(taskId);
        if (known) return known;
        const row = await rows.get(taskId);
        if (!row || hasEnded(row.view)) return undefined;
        const task = new LiveTask({ ...row, lastEvent: row.lastEvent + RESTART_GAP }, context);
        live.set(taskId, task);
        return task;
      })
    );
  }

  async function find(taskId: string): Promise<TaskView | null> {
    return live.get(taskId)?.view() ?? (await rows.get(taskId))?.view ?? null;
  }

  return {
    async add(head, notes = NO_NOTES, also = []) {
      const view: TaskView = {
        ...head,
        state: 'pending',
        awaitsApproval: false,
        progress: NO_PROGRESS,
        attempt: 0,
        startedAt: null,
        finishedAt: null,
        outcome: null,
        error: null,
      };
      return exclusive(head.taskId, async () => {
        if (await rows.get(head.taskId)) throw new Error(`task ${head.taskId} is there already`);
        const task = new LiveTask({ view, lastEvent: 0, notes }, context);
        await task.begin(also);
        live.set(head.taskId, task);
        return task;
      });
    },

    entry: liveTask,
    find,

    async list({ state, kind, limit, after }) {
      const views = (await rows.list()).map(
        ([taskId, row]) => live.get(taskId)?.view() ?? row.view,
      );
      views.sort(newestFirst);
      const start = after === undefined ? 0 : views.findIndex(({ taskId }) => taskId === after) + 1;
      if (after !== undefined && start === 0) return [];
      return views
        .slice(start)
        .filter((view) => (state ?? view.state) === view.state && (kind ?? view.kind) === view.kind)
        .slice(0, limit);
    },

    async count() {
      const counts = Object.fromEntries(TASK_STATES.map((state) => [state, 0])) as Record<
        TaskState,
        number
      >;
      for (const [, { view }] of await rows.list()) counts[view.state] += 1;
      return counts;
    },

    async open() {
      const open = (await rows.list()).filter(([, { view }]) => !hasEnded(view));
      const entries = await Promise.all(open.map(([taskId]) => liveTask(taskId)));
      return entries.filter((entry) => entry !== undefined);
    },

    async events(taskId, after, signal) {
      const task = await liveTask(taskId);
      const feed = task?.feed(signal);
      // Read after the feed has begun: what happens between is in both, and told once.
      const kept = await events.list(taskId);
      if (kept.length === 0) return null;
      return since(
        after,
        kept.map(([, event]) => event),
        feed,
      );
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The events after an id: those that were kept, then those that come. */
async function* since(
  after: number,
  kept: readonly TaskEvent[],
  feed: AsyncIterable<TaskEvent> | undefined,
): AsyncGenerator<TaskEvent> {
  let last = after;
  for (const event of kept) {
    if (event.id <= last) continue;
    last = event.id;
    yield event;
    if (event.type === 'end') return;
  }
  for await (const event of feed ?? []) {
    if (event.id <= last) continue;
    last = event.id;
    yield event;
    if (event.type === 'end') return;
  }
}

function newestFirst(a: TaskView, b: TaskView): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.taskId < b.taskId ? 1 : -1;
}
