import { equal } from 'node:assert/strict';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { type NodeMetrics, nodeMetrics } from '../../src/party/http/metrics.ts';
import type { RequestTrail } from '../../src/party/http/request-trail.ts';
import {
  createHttpServer,
  type HttpServer,
  type HttpServerDeps,
  type HttpServerOptions,
} from '../../src/party/http/server.ts';
import type { AuditService, CatalogService, ModelService } from '../../src/party/http/services.ts';
import type { ModelManifest } from '../../src/party/models/model-registry.ts';
import { Store } from '../../src/party/store.ts';
import type { Role, Tokens } from '../../src/party/tokens.ts';
import { FakeTasks } from './fake-tasks.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

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
