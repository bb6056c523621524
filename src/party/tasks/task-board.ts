/**
 * The tasks of this node: their present state for whoever asks, a row each in the store, and an event
 * for every change. Row and event are one write, and nobody is told before it is on the disk.
 */
import type { Clock } from '../clock.ts';
import type { ApiErrorCode } from '../http/api-error.ts';
import type { Warning } from '../http/warning.ts';
import { type Store, storeKey, type Write } from '../store.ts';
import { type EventFeed, eventFeed } from './task-events.ts';
import { NO_PROGRESS, type ProgressMeter, progressMeter, type Traffic } from './task-progress.ts';
import type { TaskEvent, TaskKind, TaskOutcome, TaskState, TaskView } from './task-view.ts';

/** Between two progress events of one task: own choice. */
const PROGRESS_INTERVAL_MS = 500;

/** Ids left out after a restart: more than the progress events that the earlier process can have told. */
const RESTART_GAP = 10_000_000;

/** Where a task may go from each state. */
const MOVES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  pending: ['running', 'stopping', 'completed', 'failed', 'cancelled'],
  running: ['stopping', 'completed', 'failed'],
  stopping: ['cancelled', 'completed', 'failed'],
  completed: [],
  failed: [],
  cancelled: [],
};

/** A task as it is kept. */
interface TaskRow {
  readonly view: TaskView;
  /** Of the last event that was kept. */
  readonly lastEvent: number;
  readonly notes: TaskNotes;
}

/** What this node alone knows of a task that it proposed, for the outcome's `extra`. */
export interface TaskNotes {
  readonly warnings: readonly Warning[];
  /** What decided the algorithm. */
  readonly reason: string;
}

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

/** What may change without a change of state. */
export type TaskChanges = Partial<Pick<TaskView, 'phase' | 'attempt' | 'awaitsApproval'>>;

/** One task that has not ended, or had not when this was asked for. Changes are made in order. */
export interface TaskEntry {
  readonly taskId: string;
  readonly notes: TaskNotes;
  view(): TaskView;
  /** Each change tells whether it was made: a task that has ended, or cannot go there, stays as it is. */
  change(changes: TaskChanges): Promise<boolean>;
  run(changes: TaskChanges): Promise<boolean>;
  stopping(): Promise<boolean>;
  /** @param also - Written with it, or not at all. */
  complete(outcome: TaskOutcome, also?: readonly Write[]): Promise<boolean>;
  fail(code: ApiErrorCode, message: string): Promise<boolean>;
  cancelled(message: string): Promise<boolean>;
  /** Progress within a phase; see `ProgressMeter`. Told, not kept. */
  step(step: number, of: number): void;
  traffic(bytes: Traffic): void;
  attemptOver(): void;
  /** Settles with the view once the task has ended. */
  readonly ended: Promise<TaskView>;
}

export interface TaskListQuery {
  readonly state?: TaskState;
  readonly kind?: TaskKind;
  readonly limit: number;
  readonly after?: string;
}

export interface TaskBoard {
  /** A new task, on the disk with `also` before this resolves. Throws when there is one of this id. */
  add(head: TaskHead, notes?: TaskNotes, also?: readonly Write[]): Promise<TaskEntry>;
  /** The task's entry while it has not ended; undefined afterwards. */
  entry(taskId: string): Promise<TaskEntry | undefined>;
  find(taskId: string): Promise<TaskView | null>;
  /** Newest first. */
  list(query: TaskListQuery): Promise<readonly TaskView[]>;
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
      const counts = Object.fromEntries(Object.keys(MOVES).map((state) => [state, 0])) as Record<
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

/** What a task needs of its board. */
interface BoardContext {
  readonly clock: Clock;
  exclusive<T>(taskId: string, run: () => Promise<T>): Promise<T>;
  keep(row: TaskRow, event: TaskEvent, also: readonly Write[]): Promise<void>;
  tell(event: TaskEvent): void;
  over(taskId: string): void;
}

class LiveTask implements TaskEntry {
  readonly taskId: string;
  readonly ended: Promise<TaskView>;
  readonly #context: BoardContext;
  readonly #meter: ProgressMeter;
  readonly #feeds = new Set<EventFeed>();
  #row: TaskRow;
  #settle: (view: TaskView) => void = () => undefined;
  #lastEvent: number;
  #lastProgressMs = 0;
  #progressDue: (() => void) | null = null;

  constructor(row: TaskRow, context: BoardContext) {
    const { view, lastEvent } = row;
    this.taskId = view.taskId;
    this.#row = row;
    this.#context = context;
    this.#lastEvent = lastEvent;
    this.#meter = progressMeter(() => context.clock.now(), view.progress, view.phase);
    if (lastEvent === 0) this.#meter.phase(view.phase);
    this.ended = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get notes(): TaskNotes {
    return this.#row.notes;
  }

  view(): TaskView {
    const { view } = this.#row;
    return hasEnded(view) ? view : { ...view, progress: this.#meter.view() };
  }

  /** The first event, with the row. */
  begin(also: readonly Write[]): Promise<void> {
    return this.#keep(this.view(), also);
  }

  change(changes: TaskChanges): Promise<boolean> {
    return this.#move(null, changes);
  }

  run(changes: TaskChanges): Promise<boolean> {
    return this.#move('running', changes);
  }

  stopping(): Promise<boolean> {
    return this.#move('stopping', {});
  }

  complete(outcome: TaskOutcome, also: readonly Write[] = []): Promise<boolean> {
    return this.#move('completed', { phase: 'done', outcome }, also);
  }

  fail(code: ApiErrorCode, message: string): Promise<boolean> {
    return this.#move('failed', { error: { code, message } });
  }

  async cancelled(message: string): Promise<boolean> {
    const error = { code: 'CANCELLED', message } as const;
    if (this.#row.view.state === 'running') await this.stopping();
    return this.#move('cancelled', { error });
  }

  step(step: number, of: number): void {
    this.#meter.step(step, of);
    this.#progressed();
  }

  traffic(bytes: Traffic): void {
    this.#meter.traffic(bytes);
    this.#progressed();
  }

  attemptOver(): void {
    this.#meter.attemptOver();
  }

  /** What happens to the task from now on. */
  feed(signal: AbortSignal): EventFeed {
    const feed = eventFeed(signal, () => this.#feeds.delete(feed));
    this.#feeds.add(feed);
    if (hasEnded(this.#row.view)) feed.end();
    return feed;
  }

  /** Goes to a state (null: stays), unless the table of moves has no such way. */
  #move(
    to: TaskState | null,
    changes: Partial<TaskView>,
    also: readonly Write[] = [],
  ): Promise<boolean> {
    return this.#context.exclusive(this.taskId, async () => {
      const { view } = this.#row;
      const stays = to === null || to === view.state;
      if (stays ? hasEnded(view) : !MOVES[view.state].includes(to)) return false;
      const state = to ?? view.state;
      const time = this.#time();
      const over = to !== null && isEnd(to);
      const waits = !over && state === 'pending' && view.awaitsApproval;
      const meter = this.#meter;
      if (changes.phase && changes.phase !== view.phase) meter.phase(changes.phase);
      const next: TaskView = {
        ...view,
        awaitsApproval: waits,
        ...changes,
        state,
        progress: over
          ? { ...meter.view(), bytesPerSecond: 0, secondsRemaining: null }
          : meter.view(),
        startedAt: view.startedAt ?? (state === 'running' ? time : null),
        finishedAt: over ? time : null,
      };
      await this.#keep(next, also);
      return true;
    });
  }

  /** Writes row and event, then tells of it. The caller holds the task, or nobody else has it yet. */
  async #keep(view: TaskView, also: readonly Write[]): Promise<void> {
    this.#clearProgress();
    const over = hasEnded(view);
    const id = ++this.#lastEvent;
    const event: TaskEvent = { id, type: over ? 'end' : 'status', time: this.#time(), view };
    const row = { ...this.#row, view, lastEvent: id };
    await this.#context.keep(row, event, also);
    this.#row = row;
    this.#tell(event);
    if (!over) return;
    this.#context.over(this.taskId);
    for (const feed of this.#feeds) feed.end();
    this.#settle(view);
  }

  /** Tells of progress, at most every so often; the last of a burst is told, too. */
  #progressed(): void {
    const { clock } = this.#context;
    if (this.#progressDue || hasEnded(this.#row.view)) return;
    const wait = this.#lastProgressMs + PROGRESS_INTERVAL_MS - clock.now();
    const tell = (): void => {
      this.#progressDue = null;
      this.#tellProgress();
    };
    if (wait <= 0) tell();
    else this.#progressDue = clock.after(wait, tell);
  }

  #tellProgress(): void {
    this.#lastProgressMs = this.#context.clock.now();
    const id = ++this.#lastEvent;
    this.#tell({ id, type: 'progress', time: this.#time(), view: this.view() });
  }

  #clearProgress(): void {
    this.#progressDue?.();
    this.#progressDue = null;
  }

  #tell(event: TaskEvent): void {
    for (const feed of this.#feeds) feed.push(event);
    this.#context.tell(event);
  }

  #time(): string {
    return new Date(this.#context.clock.now()).toISOString();
  }
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

function isEnd(state: TaskState): boolean {
  return MOVES[state].length === 0;
}

function hasEnded({ state }: TaskView): boolean {
  return isEnd(state);
}

function newestFirst(a: TaskView, b: TaskView): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? 1 : -1;
  return a.taskId < b.taskId ? 1 : -1;
}
