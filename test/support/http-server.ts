import { equal } from 'node:assert/strict';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import type { ApiError } from '../../src/party/http/api-error.ts';
import { type NodeMetrics, nodeMetrics } from '../../src/party/http/metrics.ts';
import type { RequestTrail } from '../../src/party/http/request-trail.ts';
import {
  createHttpServer,
  type HttpServer,
  type HttpServerDeps,
  type HttpServerOptions,
} from '../../src/party/http/server.ts';
import type {
  AuditService,
  CatalogService,
  ModelService,
  TaskHandle,
  TaskQuery,
  TaskRequest,
  TaskService,
} from '../../src/party/http/services.ts';
import type { ModelManifest } from '../../src/party/models/model-registry.ts';
import { Store, type Write } from '../../src/party/store.ts';
import type { TaskEvent, TaskOutcome, TaskView } from '../../src/party/tasks/task-view.ts';
import type { Caller, Role, Tokens } from '../../src/party/tokens.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';
import { until } from './until.ts';

export const OUTCOME: TaskOutcome = {
  modelId: 'model-01',
  path: 'results/task-1/model.json',
  type: 'json',
  metrics: { accuracy: 0.95, auc: null },
  extra: { algorithm: 'logistic_regression', warnings: [] },
};

export const TRAIN = {
  data_providers: [
    { name: 'orgA', data_path: 'a.csv', data_type: 'csv', label_column: 'y', key_column: 'id' },
    { name: 'orgB', data_path: 'b.csv', data_type: 'csv', label_column: 'y', key_column: 'id' },
  ],
  result_receivers: ['orgA'],
  metrics: ['accuracy', 'auc'],
};

export const PREDICT = {
  data_providers: [
    { name: 'orgA', data_path: 'a.csv', data_type: 'csv', key_column: 'id' },
    { name: 'orgB', data_path: 'b.csv', data_type: 'csv', key_column: 'id' },
  ],
  result_receivers: ['orgA'],
  model_id: 'model-01',
};

export const PSI = {
  algo_type: 'DH',
  requester: { name: 'orgA', data_path: 'a.csv', data_type: 'csv', key_column: 'id' },
  provider: { name: 'orgB', data_path: 'b.csv', data_type: 'csv', key_column: 'id' },
  result_recv_type: 2,
};

export const LABELED_PSI = {
  ...PSI,
  algo_type: 'RR22',
  provider: { ...PSI.provider, selected_columns: ['segment'] },
  result_recv_type: 1,
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

export const MANIFEST: ModelManifest = {
  modelId: 'model-01',
  kind: 'model',
  taskId: 'task-1',
  algorithm: 'logistic_regression',
  path: 'results/task-1/model.json',
  type: 'json',
  digest: 'ab'.repeat(32),
  sizeBytes: 512,
  createdAt: '2026-02-03T12:01:00.000Z',
  metrics: { auc: 0.75 },
};

export const DOCUMENT = { format: 'entente/model/v1', model_id: 'model-01', intercept: 0.5 };

export const MODELS: ModelService = {
  list: async () => [MANIFEST, { ...MANIFEST, modelId: 'model-02', kind: 'part' }],
  get: async (modelId, kind = 'model') =>
    (await MODELS.list()).find((each) => each.modelId === modelId && each.kind === kind) ?? null,
  load: async () => DOCUMENT as never,
  text: async () => JSON.stringify(DOCUMENT),
};

const DATASET = {
  name: 'loans',
  path: 'loans.csv',
  type: 'csv',
  createdAt: '2026-02-03T12:00:00.000Z',
};

export const CATALOG: CatalogService = {
  providers: () => ['orgA', 'orgB'],
  paths: async () => ['a.csv', 'dataset:loans'],
  metadata: async () => ({
    type: 'csv',
    rows: 7,
    columns: [
      { name: 'id', type: 'text' },
      { name: 'f1', type: 'number' },
    ],
  }),
  register: async (name, path, type) => ({ ...DATASET, name, path, type }),
  unregister: async () => undefined,
  registered: async () => [DATASET],
};

const HASH = 'ab'.repeat(32);

export const AUDIT: AuditService = {
  checkpoint: async () => ({
    origin: 'entente.internal/audit/orgA',
    size: 3,
    root: HASH,
    note: 'a note\n',
    logKey: { name: 'orgA', publicKey: HASH, signature: 'cd'.repeat(64) },
  }),
  entries: async (from, limit, task) =>
    [0, 1, 2]
      .filter((index) => index >= from && index < from + limit && (!task || index > 0))
      .map((index) => ({ index, entry: Buffer.from(`{"number":${index}}`) })),
  inclusion: async (index, size) => [HASH, `${index}/${size}`],
  consistency: async (first, second) => [HASH, `${first}-${second}`],
  taskBundle: async (task, { id }, { openings, unclosed }) =>
    lines(`${task} ${id} ${openings} ${unclosed}`),
  logBundle: async ({ id }) => lines(`all ${id}`),
  cosign: async () => ({ size: 3, witnesses: ['regulator'] }),
};

async function* lines(first: string): AsyncGenerator<string> {
  yield `${first}\n`;
  yield 'second\n';
}

/** `token-of-ROLE` is a token of that role, with or without a suffix `-N`. */
export const TOKENS: Tokens = {
  create: async ({ role, label = '' }) => ({
    token: 'entente_new',
    record: { id: 'token-01', role, label, hash: 'hash', createdAt: '2026-02-03T12:00:00.000Z' },
  }),
  verify: async (token) => {
    const [, role] = /^token-of-([a-z]+)(?:-\d+)?$/.exec(token) ?? [];
    return role === undefined ? null : { id: token, role: role as Role };
  },
  revoke: async (id) => id === 'token-01',
  list: async () => [
    {
      id: 'token-01',
      role: 'admin',
      label: '',
      hash: 'hash',
      createdAt: '2026-02-03T12:00:00.000Z',
    },
  ],
};

export function fakeMetrics(): NodeMetrics {
  return nodeMetrics(
    {
      tasks: async () => ({ running: 2, completed: 5 }),
      peerBytes: () => [{ peer: 'orgB', sent: 10, received: 20 }],
    },
    { version: '1.2.3', implementation: 'ab'.repeat(32) },
  );
}

/** A store that keeps nothing: for tests without keys. */
const NO_STORE = {
  table: () => ({
    get: async () => undefined,
    list: async () => [],
    last: async () => undefined,
    put: (key: string, value: unknown) => ({ kind: 'idempotency', key, value }),
    delete: (key: string) => ({ kind: 'idempotency', key, value: undefined }),
  }),
  write: async () => undefined,
} as unknown as Store;

/** Records nothing. */
const NO_TRAIL: RequestTrail = {
  administered: async () => undefined,
  tookModel: async () => undefined,
  toldOutcome: async () => undefined,
};

/** A server on fakes. */
export function fakeServer(
  deps: Partial<HttpServerDeps> = {},
  options: Partial<HttpServerOptions> = {},
): HttpServer {
  return createHttpServer(
    { host: '127.0.0.1', port: 0, auth: 'token', callsPerMinute: 0, ...options },
    {
      tasks: new FakeTasks(),
      catalog: CATALOG,
      models: MODELS,
      peers: {
        list: () => [{ name: 'orgB', fingerprint: 'cd'.repeat(32), address: 'b.example:7400' }],
        reload: async () => undefined,
      },
      audit: AUDIT,
      tokens: TOKENS,
      trail: NO_TRAIL,
      store: NO_STORE,
      readiness: async () => [{ name: 'store', ready: true }],
      metrics: fakeMetrics(),
      ...deps,
    },
  );
}

/** A server on a store of its own and an engine that writes there. */
export async function withStoredServer(
  use: (setting: {
    readonly server: HttpServer;
    readonly tasks: FakeTasks;
    readonly store: Store;
    /** Another server on the same store and engine: what a restarted node would be. */
    readonly restarted: () => HttpServer;
  }) => Promise<void>,
  deps: Partial<HttpServerDeps> = {},
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const store = await Store.open(join(directory, 'store'));
    const tasks = new FakeTasks(store);
    const serve = (): HttpServer => fakeServer({ tasks, store, ...deps });
    try {
      await use({ server: serve(), tasks, store, restarted: serve });
    } finally {
      await store.close();
    }
  });
}

/** A POST of a coordinator; `change` replaces parts of it. */
export function post(body: unknown, change: InjectOptions = {}): InjectOptions {
  return {
    method: 'POST',
    url: '/runModelTrainTask',
    headers: as('coordinator'),
    payload: body as object,
    ...change,
  };
}

/** The headers of a caller. */
export function as(role: Role | `${Role}-${number}`): { readonly authorization: string } {
  return { authorization: `Bearer token-of-${role}` };
}

/** Headers of a coordinator who sends JSON as text. */
export const JSON_HEADERS = { ...as('coordinator'), 'content-type': 'application/json' };

/** Resolves when the engine has got so many tasks. */
export function submission(tasks: FakeTasks, count = 1): Promise<void> {
  return until('the engine to get a task', () => tasks.submitted.length >= count);
}

/** The JSON of an error reply, whose status is that of the response. */
export function errorOf(reply: { statusCode: number; json(): unknown }): {
  readonly status: number;
  readonly msg: string;
  readonly code: string;
} {
  const body = reply.json() as { status: number; result: unknown; msg: string; code: string };
  equal(body.status, reply.statusCode);
  equal(body.result, null);
  return body;
}
