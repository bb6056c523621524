/**
 * One task that has not ended: its row, its progress, who listens. Changes are made in order; each is
 * one write of row and event, and nobody is told before it is on the disk.
 */
import type { Clock } from '../clock.ts';
import type { ApiError, ApiErrorCode } from '../http/api-error.ts';
import type { Warning } from '../http/warning.ts';
import type { NodeLog } from '../log.ts';
import type { Write } from '../store.ts';
import type { ProgramProgress } from './program.ts';
import { type EventFeed, eventFeed } from './task-events.ts';
import { type ProgressMeter, progressMeter, type Traffic } from './task-progress.ts';
import type { TaskEvent, TaskOutcome, TaskState, TaskView } from './task-view.ts';

/** Between two progress events of one task: own choice. */
const PROGRESS_INTERVAL_MS = 500;

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
export interface TaskRow {
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

/** What a task needs of its board. */
export interface BoardContext {
  readonly clock: Clock;
  exclusive<T>(taskId: string, run: () => Promise<T>): Promise<T>;
  keep(row: TaskRow, event: TaskEvent, also: readonly Write[]): Promise<void>;
  tell(event: TaskEvent): void;
  over(taskId: string): void;
}

export class LiveTask implements TaskEntry {
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

/** Ends a task without a result. */
export async function endEntry(entry: TaskEntry, { code, message }: ApiError): Promise<void> {
  if (code === 'CANCELLED') await entry.cancelled(message);
  else await entry.fail(code, code === 'REFUSED' ? message + hintOf(entry) : message);
}

/** What in the request may be why: refusals themselves tell nothing of a policy. */
function hintOf({ notes }: TaskEntry): string {
  const margin = notes.warnings.find((warning) => warning.code === 'LOW_MARGIN');
  return margin ? `; note: ${margin.message}` : '';
}

/** A program's progress as its task's. A row that cannot be written does not stop the program. */
export function entryProgress(entry: TaskEntry, log: NodeLog): ProgramProgress {
  return {
    phase: (phase) => {
      entry.change({ phase }).catch((error: unknown) => {
        log.error({ task: entry.taskId, err: error }, 'row not written');
      });
    },
    step: (step, of) => entry.step(step, of),
  };
}

function isEnd(state: TaskState): boolean {
  return MOVES[state].length === 0;
}

export function hasEnded({ state }: TaskView): boolean {
  return isEnd(state);
}
