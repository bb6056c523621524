import type { ApiError } from '../../src/party/http/api-error.ts';
import type {
  TaskHandle,
  TaskQuery,
  TaskRequest,
  TaskService,
} from '../../src/party/http/services.ts';
import type { Store, Write } from '../../src/party/store.ts';
import type { TaskEvent, TaskOutcome, TaskView } from '../../src/party/tasks/task-view.ts';
import type { Caller } from '../../src/party/tokens.ts';
import { until } from './until.ts';

export const OUTCOME: TaskOutcome = {
  modelId: 'model-01',
  path: 'results/task-1/model.json',
  type: 'json',
  metrics: { accuracy: 0.95, auc: null },
  extra: { algorithm: 'logistic_regression', warnings: [] },
};

export function taskView(change: Partial<TaskView> = {}): TaskView {
  return {
    taskId: 'task-1',
    kind: 'train',
    algorithm: 'logistic_regression',
    initiator: 'orgA',
    parties: ['orgA', 'orgB'],
    receivers: ['orgA'],
    purpose: 'credit risk',
    state: 'running',
    phase: 'training',
    awaitsApproval: false,
    progress: {
      percentage: 40,
      iteration: { number: 4, of: 10 },
      bytesSent: 1000,
      bytesReceived: 2000,
      bytesPerSecond: 300,
      secondsRemaining: 6,
    },
    attempt: 1,
    createdAt: '2026-02-03T12:00:00.000Z',
    startedAt: '2026-02-03T12:00:01.000Z',
    finishedAt: null,
    outcome: null,
    error: null,
    ...change,
  };
}

/** A view of a task that has ended. */
export function endedView(
  outcome: TaskOutcome | ApiError,
  change: Partial<TaskView> = {},
): TaskView {
  const finishedAt = '2026-02-03T12:01:00.000Z';
  if (outcome instanceof Error) {
    const { code, message } = outcome;
    return taskView({ state: 'failed', finishedAt, error: { code, message }, ...change });
  }
  return taskView({ state: 'completed', phase: 'done', finishedAt, outcome, ...change });
}

/** An engine whose tasks end when the test says so. Ids count from `task-1`. */
export class FakeTasks implements TaskService {
  readonly submitted: (TaskRequest & { readonly caller: Caller })[] = [];
  readonly views = new Map<string, TaskView>();
  /** Streams that are open now. */
  streams = 0;
  /** Thrown by `submit`. */
  refusal: Error | null = null;
  /** Tasks end as soon as they are made. */
  quick = false;
  /** Where `also` is written; not at all without one. */
  readonly store: Store | undefined;
  #made = 0;
  readonly #listeners = new Set<() => void>();
  readonly #events = new Map<string, TaskEvent[]>();
  readonly #settle = new Map<string, (outcome: TaskOutcome | Error) => void>();

  constructor(store?: Store) {
    this.store = store;
  }

  async submit(
    request: TaskRequest,
    caller: Caller,
    also: (taskId: string) => readonly Write[] = () => [],
  ): Promise<TaskHandle> {
    if (this.refusal) throw this.refusal;
    const taskId = `task-${++this.#made}`;
    await this.store?.write(...also(taskId));
    const { kind } = request;
    const done = new Promise<TaskOutcome>((resolve, reject) => {
      this.#settle.set(taskId, (outcome) => {
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
    });
    this.tell(taskView({ taskId, kind }));
    this.submitted.push({ ...request, caller });
    if (this.quick) this.end(OUTCOME, taskId);
    return { taskId, done, view: () => this.views.get(taskId)! };
  }

  /** Ends a task, for those who wait and in its view. */
  end(outcome: TaskOutcome | ApiError, taskId = 'task-1'): void {
    const { kind = 'train' } = this.views.get(taskId) ?? {};
    this.tell(endedView(outcome, { taskId, kind }), 'end');
    this.#settle.get(taskId)?.(outcome);
  }

  /** Changes a task's view and tells of it. */
  tell(view: TaskView, type: TaskEvent['type'] = 'status'): void {
    this.views.set(view.taskId, view);
    const events = this.#events.get(view.taskId) ?? [];
    events.push({ id: events.length + 1, type, time: '2026-02-03T12:00:02.000Z', view });
    this.#events.set(view.taskId, events);
    for (const listener of this.#listeners) listener();
  }

  async find(taskId: string): Promise<TaskView | null> {
    return this.views.get(taskId) ?? null;
  }

  async list({ state, kind, limit, after }: TaskQuery): Promise<readonly TaskView[]> {
    const all = [...this.views.values()].reverse().filter((view) => {
      return (!state || view.state === state) && (!kind || view.kind === kind);
    });
    const from = after === undefined ? 0 : all.findIndex(({ taskId }) => taskId === after) + 1;
    return all.slice(from, from + limit);
  }

  async events(
    taskId: string,
    after: number,
    signal: AbortSignal,
  ): Promise<AsyncIterable<TaskEvent> | null> {
    if (!this.views.has(taskId)) return null;
    return this.#stream(taskId, after, signal);
  }

  async *#stream(taskId: string, after: number, signal: AbortSignal): AsyncGenerator<TaskEvent> {
    this.streams++;
    try {
      for (let next = after; !signal.aborted; ) {
        const event = (this.#events.get(taskId) ?? [])[next];
        if (!event) {
          await this.#change(signal);
          continue;
        }
        next++;
        yield event;
        if (event.type === 'end') return;
      }
    } finally {
      this.streams--;
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const changed = (): void => {
        this.#listeners.delete(changed);
        signal.removeEventListener('abort', changed);
        resolve();
      };
      this.#listeners.add(changed);
      signal.addEventListener('abort', changed);
    });
  }

  async cancel(taskId: string): Promise<TaskView> {
    const view = { ...this.views.get(taskId)!, state: 'stopping' as const };
    this.tell(view);
    return view;
  }

  async approve(taskId: string): Promise<TaskView> {
    const view = { ...this.views.get(taskId)!, awaitsApproval: false };
    this.tell(view);
    return view;
  }
}

/** Resolves when the engine has got so many tasks. */
export function submission(tasks: FakeTasks, count = 1): Promise<void> {
  return until('the engine to get a task', () => tasks.submitted.length >= count);
}
