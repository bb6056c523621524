import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict';
import type { InjectOptions } from 'fastify';
import { ApiError, type ApiErrorCode } from '../../../src/party/http/api-error.ts';
import {
  createHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../../src/party/http/server.ts';
import type { TaskHandle, TaskRequest, TaskService } from '../../../src/party/http/services.ts';
import type { TrainRequest } from '../../../src/party/http/train-request.ts';
import type { TaskOutcome, TaskView } from '../../../src/party/tasks/task-view.ts';
import type { Caller, Role, Tokens } from '../../../src/party/tokens.ts';

const OUTCOME: TaskOutcome = {
  modelId: 'model-01',
  path: 'results/task-1/model.json',
  type: 'json',
  metrics: { accuracy: 0.95, auc: null },
  extra: { algorithm: 'logistic_regression', warnings: [] },
};

const BODY = {
  data_providers: [
    { name: 'orgA', data_path: 'a.csv', data_type: 'csv', label_column: 'y', key_column: 'id' },
    { name: 'orgB', data_path: 'b.csv', data_type: 'csv', label_column: 'y', key_column: 'id' },
  ],
  result_receivers: ['orgA'],
  metrics: ['accuracy', 'auc'],
};

/** `token-of-ROLE` is a token of that role. */
const TOKENS: Tokens = {
  create: async () => Promise.reject(new Error('not used')),
  verify: async (token) =>
    token.startsWith('token-of-') ? { id: token, role: token.slice(9) as Role } : null,
  revoke: async () => false,
  list: async () => [],
};

const notUsed = (): Promise<never> => Promise.reject(new Error('not used'));

/** A service whose task ends when the test says so. */
class FakeTasks implements TaskService {
  readonly submitted: { request: TrainRequest; caller: Caller }[] = [];
  readonly #done: Promise<TaskOutcome>;
  readonly #refusal: Error | null;
  finish: (outcome: TaskOutcome) => void = () => undefined;
  fail: (error: Error) => void = () => undefined;

  constructor(refusal: Error | null = null) {
    this.#refusal = refusal;
    this.#done = new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
  }

  readonly list = notUsed;
  readonly events = notUsed;
  readonly cancel = notUsed;
  readonly approve = notUsed;

  async submit({ kind, request }: TaskRequest, caller: Caller): Promise<TaskHandle> {
    if (this.#refusal) throw this.#refusal;
    if (kind !== 'train') throw new Error(`not used: ${kind}`);
    this.submitted.push({ request, caller });
    return { taskId: 'task-1', done: this.#done, view: () => view() };
  }

  async find(taskId: string): Promise<TaskView | null> {
    return taskId === 'task-1' ? view() : null;
  }
}

function view(change: Partial<TaskView> = {}): TaskView {
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

function serverOf(tasks: TaskService, options: Partial<HttpServerOptions> = {}): HttpServer {
  return createHttpServer(
    { host: '127.0.0.1', port: 0, auth: 'token', ...options },
    {
      tasks,
      tokens: TOKENS,
    },
  );
}

/** Resolves when the service has got its task. */
async function submission(service: FakeTasks): Promise<void> {
  while (service.submitted.length === 0) await new Promise(setImmediate);
}

/** A POST of a coordinator; `change` replaces parts of it. */
function post(body: unknown, change: InjectOptions = {}): InjectOptions {
  return {
    method: 'POST',
    url: '/runModelTrainTask',
    headers: { authorization: 'Bearer token-of-coordinator' },
    payload: body as object,
    ...change,
  };
}

const JSON_HEADERS = {
  authorization: 'Bearer token-of-coordinator',
  'content-type': 'application/json',
};

describe('http server', () => {
  it('replies to a finished task, under both paths', async () => {
    for (const url of ['/runModelTrainTask', '/api/v1/runModelTrainTask']) {
      const service = new FakeTasks();
      service.finish(OUTCOME);
      const reply = await serverOf(service).app.inject(post(BODY, { url }));
      equal(reply.statusCode, 200);
      match(reply.headers['content-type'] as string, /^application\/json; charset=utf-8/);
      deepEqual(reply.json(), {
        status: 200,
        result: {
          model_id: 'model-01',
          path: 'results/task-1/model.json',
          type: 'json',
          extra: '{"task_id":"task-1","algorithm":"logistic_regression","warnings":[]}',
          metrics: { accuracy: 0.95, auc: null },
        },
        msg: 'success',
      });
      equal(service.submitted[0]!.request.providers[1]!.name, 'orgB');
      deepEqual(service.submitted[0]!.caller, { id: 'token-of-coordinator', role: 'coordinator' });
    }
  });

  it('accepts without waiting when asked to', async () => {
    const headers = { authorization: 'Bearer token-of-coordinator' };
    const calls = [
      post({ ...BODY, async: true }),
      post(BODY, { headers: { ...headers, prefer: 'respond-async' } }),
      post(BODY, { headers: { ...headers, prefer: 'wait=10, Respond-Async; x=1' } }),
    ];
    for (const call of calls) {
      const service = new FakeTasks();
      const reply = await serverOf(service).app.inject(call);
      equal(reply.statusCode, 202);
      equal(reply.headers.location, '/api/v1/tasks/task-1');
      deepEqual(reply.json(), { status: 202, result: { task_id: 'task-1' }, msg: 'accepted' });
      service.fail(new Error('later, heard by nobody'));
    }
  });

  it('accepts when the time to wait is up, and when the server stops', async () => {
    const capped = await serverOf(new FakeTasks(), { syncWaitMs: 1 }).app.inject(post(BODY));
    equal(capped.statusCode, 202);

    const service = new FakeTasks();
    const server = serverOf(service);
    const waiting = server.app.inject(post(BODY)).then((reply) => reply);
    await submission(service);
    await server.stop();
    equal((await waiting).statusCode, 202);
  });

  it('does not cancel the task of a client that goes away', async () => {
    const service = new FakeTasks();
    const server = serverOf(service);
    const address = await server.start();
    const leaving = new AbortController();
    const call = fetch(`${address}/runModelTrainTask`, {
      method: 'POST',
      headers: JSON_HEADERS,
      body: JSON.stringify(BODY),
      signal: leaving.signal,
    });
    await submission(service);
    leaving.abort();
    await rejects(call, { name: 'AbortError' });
    const task = await fetch(`${address}/api/v1/tasks/task-1`, { headers: JSON_HEADERS });
    equal((await task.json()).status, 200);
    service.finish(OUTCOME);
    await server.stop();
  });

  it('answers a body it cannot use with 400 and the field', async () => {
    const cases: [payload: string, message: RegExp][] = [
      ['', /the request body is empty/],
      ['{', /not valid JSON/],
      ['{"model_config": {""}}', /not valid JSON/],
      ['{"__proto__": {}}', /not valid JSON/],
      ['[]', /the request body must be object/],
      [JSON.stringify({ ...BODY, metrics: ['x'] }), /metrics\[0\]/],
      [JSON.stringify({ ...BODY, hyper_params: { epochs: '5' } }), /hyper_params\.epochs/],
      [JSON.stringify({ ...BODY, async: 1 }), /async must be boolean/],
    ];
    for (const [payload, message] of cases) {
      const service = new FakeTasks();
      const reply = await serverOf(service).app.inject(
        post(undefined, { payload, headers: JSON_HEADERS }),
      );
      deepEqual([reply.statusCode, reply.json().status, reply.json().result], [400, 400, null]);
      match(reply.json().msg, message, payload);
      equal(service.submitted.length, 0);
    }
    const form = { ...JSON_HEADERS, 'content-type': 'application/x-www-form-urlencoded' };
    const reply = await serverOf(new FakeTasks()).app.inject(
      post(undefined, { payload: 'a=b', headers: form }),
    );
    deepEqual([reply.statusCode, reply.json().status], [400, 400]);
    match(reply.json().msg, /Content-Type: application\/json/);
  });

  it('answers a body that is too large with 413', async () => {
    const payload = JSON.stringify({ ...BODY, purpose: 'x'.repeat(1 << 20) });
    const reply = await serverOf(new FakeTasks()).app.inject(
      post(undefined, { payload, headers: JSON_HEADERS }),
    );
    deepEqual([reply.statusCode, reply.json().status], [413, 413]);
  });

  it('asks for a token before it reads the body', async () => {
    const { app } = serverOf(new FakeTasks());
    for (const authorization of [undefined, 'Basic abc', 'Bearer', 'Bearer wrong']) {
      const headers = { ...JSON_HEADERS, authorization: authorization ?? '' };
      const reply = await app.inject(post(undefined, { payload: '{', headers }));
      deepEqual([reply.statusCode, reply.json().status], [401, 401], authorization);
      equal(reply.headers['www-authenticate'], 'Bearer');
    }
    const get = await app.inject({ url: '/api/v1/tasks/task-1' });
    equal(get.statusCode, 401);
  });

  it('lets each role do what it is for', async () => {
    const expected: Record<Role, readonly [post: number, get: number]> = {
      coordinator: [200, 200],
      auditor: [403, 200],
      admin: [200, 200],
    };
    for (const [role, [postStatus, getStatus]] of Object.entries(expected)) {
      const service = new FakeTasks();
      service.finish(OUTCOME);
      const { app } = serverOf(service);
      const headers = { authorization: `Bearer token-of-${role}` };
      equal((await app.inject(post(BODY, { headers }))).statusCode, postStatus, role);
      equal((await app.inject({ url: '/api/v1/tasks/task-1', headers })).statusCode, getStatus);
    }
  });

  it('serves without tokens on loopback only, and only to loopback names', async () => {
    throws(() => serverOf(new FakeTasks(), { auth: 'off', host: '0.0.0.0' }), RangeError);
    const service = new FakeTasks();
    service.finish(OUTCOME);
    const { app } = serverOf(service, { auth: 'off' });
    for (const [host, status] of [
      ['127.0.0.1:8080', 200],
      ['localhost', 200],
      ['[::1]:8080', 200],
      ['attacker.example:8080', 403],
      ['127.0.0.1.attacker.example', 403],
    ] as const) {
      const reply = await app.inject(post(BODY, { headers: { host } }));
      equal(reply.statusCode, status, host);
    }
  });

  it('does not let tokens travel unencrypted off loopback, unless a proxy is in front', () => {
    const options = { host: '0.0.0.0' };
    throws(() => serverOf(new FakeTasks(), options), /give the interface a certificate/);
    ok(serverOf(new FakeTasks(), { ...options, allowPlaintext: true }));
  });

  it('maps what the service refuses', async () => {
    const expected: Partial<Record<ApiErrorCode, number>> = {
      UNKNOWN_PARTY: 400,
      LABEL_AMBIGUOUS: 400,
      NOT_AVAILABLE: 400,
      FORBIDDEN: 403,
      CONFLICT: 409,
      BUSY: 503,
      REFUSED: 500,
      UNREACHABLE: 500,
    };
    for (const [code, status] of Object.entries(expected)) {
      const service = new FakeTasks(new ApiError(code as ApiErrorCode, 'because'));
      const reply = await serverOf(service).app.inject(post(BODY));
      deepEqual(
        [reply.statusCode, reply.json()],
        [status, { status, result: null, msg: 'because' }],
      );
      equal(reply.headers['retry-after'] !== undefined, status === 503);
    }
  });

  it('replies with the reason when the task fails while the call waits', async () => {
    const service = new FakeTasks();
    const reply = serverOf(service)
      .app.inject(post(BODY))
      .then((each) => each);
    await submission(service);
    service.fail(new ApiError('REFUSED', 'orgB refused: its policy allows no such purpose'));
    deepEqual((await reply).json(), {
      status: 500,
      result: null,
      msg: 'orgB refused: its policy allows no such purpose',
    });
  });

  it('tells nothing of a fault of its own', async () => {
    const fault = Object.assign(new Error('/srv/secret/path'), { statusCode: 400 });
    const reply = await serverOf(new FakeTasks(fault)).app.inject(post(BODY));
    equal(reply.statusCode, 500);
    ok(!reply.body.includes('secret'), reply.body);
    ok(reply.json().msg.includes(reply.headers['x-request-id']), reply.body);
  });

  it("gives every reply a request id, the caller's where it is plain", async () => {
    const { app } = serverOf(new FakeTasks());
    const given = await app.inject({ url: '/healthz', headers: { 'x-request-id': 'abc-1' } });
    equal(given.headers['x-request-id'], 'abc-1');
    const odd = await app.inject({ url: '/nothing', headers: { 'x-request-id': 'a b\t{}' } });
    match(odd.headers['x-request-id'] as string, /^[0-9a-f-]{36}$/);
    deepEqual(odd.json(), { status: 404, result: null, msg: 'there is no such operation' });
  });

  it('shows a task', async () => {
    const states: Record<string, TaskView> = {
      running: view(),
      completed: view({ state: 'completed', phase: 'done', outcome: OUTCOME }),
      failed: view({ state: 'failed', error: { code: 'REFUSED', message: 'orgB refused' } }),
    };
    const service = new FakeTasks();
    service.find = async (taskId) => states[taskId] ?? null;
    const { app } = serverOf(service);
    const headers = { authorization: 'Bearer token-of-auditor' };
    const get = async (id: string): Promise<ReturnType<typeof app.inject>> =>
      app.inject({ url: `/api/v1/tasks/${id}`, headers });
    deepEqual((await get('running')).json(), {
      status: 200,
      result: {
        task_id: 'task-1',
        state: 'running',
        phase: 'training',
        progress: { percentage: 40, iteration: 4, iterations: 10 },
        created_at: '2026-02-03T12:00:00.000Z',
        started_at: '2026-02-03T12:00:01.000Z',
        finished_at: null,
        model_id: null,
        path: null,
        type: null,
        extra: null,
        metrics: null,
        error: null,
      },
      msg: 'success',
    });
    const completed = (await get('completed')).json().result;
    deepEqual([completed.model_id, completed.metrics.accuracy], ['model-01', 0.95]);
    deepEqual((await get('failed')).json().result.error, {
      status: 500,
      code: 'REFUSED',
      message: 'orgB refused',
    });
    equal((await get('task-9')).statusCode, 404);
    equal((await get('..%2f..')).statusCode, 400);
  });

  it('is healthy without a token', async () => {
    const reply = await serverOf(new FakeTasks()).app.inject({ url: '/healthz' });
    deepEqual([reply.statusCode, reply.json()], [200, { status: 'ok' }]);
  });
});
