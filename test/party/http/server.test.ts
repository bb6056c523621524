import { deepEqual, equal, match, ok, throws } from 'node:assert/strict';
import type { InjectOptions } from 'fastify';
import { ApiError, type ApiErrorCode } from '../../../src/party/http/api-error.ts';
import { OPERATION_IDS, operationOf, pathsOf } from '../../../src/party/http/operations.ts';
import type { HttpServer, HttpServerOptions } from '../../../src/party/http/server.ts';
import type { Role } from '../../../src/party/tokens.ts';
import { FakeTasks, OUTCOME, taskView } from '../../support/fake-tasks.ts';
import {
  as,
  errorOf,
  fakeServer,
  JSON_HEADERS,
  LABELED_PSI,
  PREDICT,
  PSI,
  post,
  TRAIN,
} from '../../support/http-server.ts';

/** An engine whose tasks end at once, or that refuses them. */
function quickTasks(refusal: Error | null = null): FakeTasks {
  const tasks = new FakeTasks();
  tasks.refusal = refusal;
  tasks.quick = true;
  tasks.tell(taskView());
  return tasks;
}

function serverOf(tasks: FakeTasks, options: Partial<HttpServerOptions> = {}): HttpServer {
  return fakeServer({ tasks }, options);
}

/** A call of each operation that a caller who may do it can make. */
const CALLS: Readonly<Record<string, InjectOptions>> = {
  runModelTrainTask: { payload: TRAIN },
  runModelPredictTask: { payload: PREDICT },
  runPSITask: { payload: PSI },
  runLabeledPSITask: { payload: LABELED_PSI },
  getDataPath: { query: { data_provider: 'orgB' } },
  getMetaData: { query: { data_provider: 'orgB', data_path: 'b.csv' } },
  registerDataset: { payload: { name: 'loans', path: 'loans.csv', type: 'csv' } },
  createToken: { payload: { role: 'auditor' } },
  getAuditProof: { query: { index: '0', size: '3' } },
  cosignCheckpoint: { payload: { note: 'note' } },
};
const IDS: Readonly<Record<string, string>> = {
  ':id': 'task-1',
  ':name': 'loans',
};

function urlOf(path: string): string {
  return path
    .replace('/models/:id', '/models/model-01')
    .replace('/tokens/:id', '/tokens/token-01')
    .replace(/:\w+/g, (name) => IDS[name]!);
}

const ROLES: readonly Role[] = ['coordinator', 'auditor', 'admin'];

describe('http server', () => {
  it('lets each role do what the table says, and nobody anything without a token', async () => {
    let calls = 0;
    for (const id of OPERATION_IDS) {
      const { method, access, stream, ...operation } = operationOf(id);
      for (const path of pathsOf({ method, access, ...operation })) {
        const tasks = quickTasks();
        if (stream) tasks.end(OUTCOME);
        const { app } = serverOf(tasks);
        const call = (headers: Record<string, string>) =>
          app.inject({ method, url: urlOf(path), ...CALLS[id], headers });
        for (const role of ROLES) {
          const reply = await call(as(role));
          const allowed = access === 'anyone' || access.includes(role);
          equal(reply.statusCode, allowed ? 200 : 403, `${role} ${method} ${path}: ${reply.body}`);
          calls++;
          if (allowed) continue;
          const { code, msg } = errorOf(reply);
          equal(code, 'FORBIDDEN');
          match(msg, /^a token of role .*admin is needed$/);
        }
        const { statusCode, headers } = await call({});
        equal(statusCode, access === 'anyone' ? 200 : 401, path);
        if (access !== 'anyone') equal(headers['www-authenticate'], 'Bearer');
        if (access === 'anyone') continue;
        // Refused by role before the body is read.
        const other = ROLES.find((role) => !access.includes(role));
        if (other && method === 'POST') {
          const headers = { ...as(other), 'content-type': 'application/json' };
          const odd = await app.inject({ method, url: urlOf(path), payload: '{', headers });
          equal(odd.statusCode, 403, path);
        }
      }
    }
    ok(calls > 80, String(calls));
  });

  it('keeps the roles that it was given', () => {
    const of = (...roles: Role[]) =>
      OPERATION_IDS.filter((id) => {
        const { access } = operationOf(id);
        return (
          access !== 'anyone' &&
          ROLES.every((role) => access.includes(role) === roles.includes(role))
        );
      });
    deepEqual(of('coordinator', 'admin'), [
      'runModelTrainTask',
      'runModelPredictTask',
      'runPSITask',
      'runLabeledPSITask',
      'cancelTask',
    ]);
    deepEqual(of('admin'), [
      'approveTask',
      'registerDataset',
      'unregisterDataset',
      'reloadPeers',
      'createToken',
      'listTokens',
      'revokeToken',
    ]);
    deepEqual(of('auditor', 'admin'), [
      'listPeers',
      'getAuditCheckpoint',
      'listAuditEntries',
      'getAuditProof',
      'getTaskEvidence',
      'getLogEvidence',
      'cosignCheckpoint',
      'getMetrics',
    ]);
    deepEqual(of('coordinator'), []);
    deepEqual(
      OPERATION_IDS.filter((id) => operationOf(id).access === 'anyone'),
      ['getHealth', 'getLiveness', 'getReadiness', 'getOpenApi'],
    );
  });

  it('asks for a token before it reads the body', async () => {
    const { app } = serverOf(quickTasks());
    for (const authorization of [undefined, 'Basic abc', 'Bearer', 'Bearer wrong']) {
      const headers = { ...JSON_HEADERS, authorization: authorization ?? '' };
      const reply = await app.inject(post(undefined, { payload: '{', headers }));
      equal(errorOf(reply).code, 'UNAUTHENTICATED', authorization);
      equal(reply.headers['www-authenticate'], 'Bearer');
    }
  });

  it('answers a body it cannot use with 400 and the field', async () => {
    const cases: [payload: string, message: RegExp][] = [
      ['', /^the request body is empty$/],
      ['{', /not valid JSON/],
      ['{"model_config": {""}}', /not valid JSON/],
      ['{"__proto__": {}}', /not valid JSON/],
      ['[]', /^the request body must be object$/],
      ['{"a":1e999}', /^the request body has a number that is too large$/],
      ['{"purpose":"\\ud800"}', /^the request body has text that is not Unicode$/],
      ['['.repeat(50_000) + ']'.repeat(50_000), /^the request body is nested too deeply$/],
      [JSON.stringify({ ...TRAIN, metrics: ['x'] }), /^metrics\[0\]/],
      [JSON.stringify({ ...TRAIN, hyper_params: { epochs: '5' } }), /^hyper_params\.epochs/],
      [JSON.stringify({ ...TRAIN, async: 1 }), /^async must be boolean$/],
    ];
    const tasks = quickTasks();
    const { app } = serverOf(tasks);
    for (const [payload, message] of cases) {
      const reply = await app.inject(post(undefined, { payload, headers: JSON_HEADERS }));
      const { status, code, msg } = errorOf(reply);
      deepEqual([status, code], [400, 'INVALID_REQUEST'], payload.slice(0, 80));
      match(msg, message);
    }
    const form = { ...JSON_HEADERS, 'content-type': 'application/x-www-form-urlencoded' };
    const reply = await app.inject(post(undefined, { payload: 'a=b', headers: form }));
    match(errorOf(reply).msg, /Content-Type: application\/json/);
    match(
      errorOf(await app.inject({ method: 'POST', url: '/runPSITask', headers: as('admin') })).msg,
      /^the request body must be object$/,
    );
    equal(tasks.submitted.length, 0);
  });

  it('answers a body that is too large with 413', async () => {
    const payload = JSON.stringify({ ...TRAIN, purpose: 'x'.repeat(1 << 20) });
    const { app } = serverOf(quickTasks());
    const reply = await app.inject(post(undefined, { payload, headers: JSON_HEADERS }));
    deepEqual([errorOf(reply).status, errorOf(reply).code], [413, 'TOO_LARGE']);
  });

  it('serves without tokens on loopback only, and only to loopback names', async () => {
    throws(() => serverOf(new FakeTasks(), { auth: 'off', host: '0.0.0.0' }), RangeError);
    const { app } = serverOf(quickTasks(), { auth: 'off' });
    for (const [host, status] of [
      ['127.0.0.1:8080', 200],
      ['localhost', 200],
      ['[::1]:8080', 200],
      ['attacker.example:8080', 403],
      ['127.0.0.1.attacker.example', 403],
    ] as const) {
      const reply = await app.inject(post(TRAIN, { headers: { host } }));
      equal(reply.statusCode, status, host);
    }
    for (const [origin, status] of [
      ['http://localhost:3000', 200],
      ['http://[::1]', 200],
      ['https://attacker.example', 403],
      ['null', 403],
    ] as const) {
      const reply = await app.inject(post(TRAIN, { headers: { host: 'localhost', origin } }));
      equal(reply.statusCode, status, origin);
    }
  });

  it('does not let tokens travel unencrypted off loopback, unless a proxy is in front', () => {
    const options = { host: '0.0.0.0' };
    throws(() => serverOf(new FakeTasks(), options), /give the interface a certificate/);
    ok(serverOf(new FakeTasks(), { ...options, allowPlaintext: true }));
  });

  it('maps what the services refuse', async () => {
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
      const tasks = quickTasks(new ApiError(code as ApiErrorCode, 'because'));
      const reply = await serverOf(tasks).app.inject(post(TRAIN));
      deepEqual(reply.json(), { status, result: null, msg: 'because', code });
      equal(reply.statusCode, status);
      equal(reply.headers['retry-after'] !== undefined, status === 503);
    }
  });

  it('tells nothing of a fault of its own', async () => {
    const fault = Object.assign(new Error('/srv/secret/path'), { statusCode: 400 });
    const reply = await serverOf(quickTasks(fault)).app.inject(post(TRAIN));
    equal(errorOf(reply).status, 500);
    ok(!reply.body.includes('secret'), reply.body);
    ok(errorOf(reply).msg.includes(reply.headers['x-request-id'] as string), reply.body);
  });

  it("gives every reply a request id, the caller's where it is plain", async () => {
    const { app } = serverOf(new FakeTasks());
    const given = await app.inject({ url: '/healthz', headers: { 'x-request-id': 'abc-1' } });
    equal(given.headers['x-request-id'], 'abc-1');
    const odd = await app.inject({ url: '/nothing', headers: { 'x-request-id': 'a b\t{}' } });
    match(odd.headers['x-request-id'] as string, /^[0-9a-f-]{36}$/);
  });

  it('says what does not exist, and what does with another method', async () => {
    const { app } = serverOf(new FakeTasks());
    const missing = await app.inject({ url: '/nothing' });
    deepEqual(missing.json(), {
      status: 404,
      result: null,
      msg: 'there is no such operation',
      code: 'NOT_FOUND',
    });
    for (const [method, url, allow] of [
      ['GET', '/runPSITask', 'POST'],
      ['PUT', '/api/v1/tasks/task-1', 'GET, HEAD'],
      ['PATCH', '/api/v1/tokens', 'POST, GET, HEAD'],
      ['HEAD', '/api/v1/tasks/task-1/events', 'GET'],
      ['OPTIONS', '/getMetaData', 'GET, HEAD'],
      ['DELETE', '/healthz', 'GET, HEAD'],
    ] as const) {
      const reply = await app.inject({ method, url, payload: method === 'PUT' ? '{' : '' });
      equal(reply.statusCode, 405, `${method} ${url}`);
      deepEqual(reply.headers.allow!.toString().split(', ').sort(), allow.split(', ').sort());
      if (method !== 'HEAD') equal(errorOf(reply).code, 'METHOD_NOT_ALLOWED');
    }
    equal((await app.inject({ method: 'HEAD', url: '/healthz' })).statusCode, 200);
  });

  it('answers paths that are none', async () => {
    const { app } = serverOf(new FakeTasks());
    const headers = as('admin');
    for (const [url, status] of [
      ['/api/v1/tasks/%zz', 400],
      ['/api/v1/tasks/..%2f..', 400],
      [`/api/v1/tasks/${'a'.repeat(129)}`, 400],
      [`/api/v1/tasks/${'a'.repeat(300)}`, 400],
      ['/api/v1/tasks/%00', 400],
      ['/api/v1/tasks/none', 404],
      ['//api/v1/tasks', 404],
    ] as const) {
      const reply = await app.inject({ url, headers });
      equal(reply.statusCode, status, `${url}: ${reply.body}`);
      ok(reply.headers['x-request-id']);
      errorOf(reply);
    }
  });

  it('lets nothing be kept or guessed by what is in between', async () => {
    const { headers } = await serverOf(quickTasks()).app.inject(post(TRAIN));
    equal(headers['cache-control'], 'no-store');
    equal(headers['x-content-type-options'], 'nosniff');
    match(headers['content-type'] as string, /^application\/json; charset=utf-8$/);
  });
});
