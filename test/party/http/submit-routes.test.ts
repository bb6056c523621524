import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import type { InjectOptions } from 'fastify';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { FakeTasks, OUTCOME, submission } from '../../support/fake-tasks.ts';
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
  withStoredServer,
} from '../../support/http-server.ts';
import { until } from '../../support/until.ts';

const FILE_OUTCOME = {
  modelId: null,
  path: 'results/task-1/intersection.csv',
  type: 'csv',
  metrics: {},
  extra: { rows: 3 },
} as const;

describe('submit routes', () => {
  it('reply to a finished training, under both paths', async () => {
    for (const url of ['/runModelTrainTask', '/api/v1/runModelTrainTask']) {
      const tasks = new FakeTasks();
      tasks.quick = true;
      const reply = await fakeServer({ tasks }).app.inject(post(TRAIN, { url }));
      equal(reply.statusCode, 200);
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
      const [{ kind, caller, request }] = tasks.submitted as [(typeof tasks.submitted)[0]];
      equal(kind, 'train');
      deepEqual(caller, { id: 'token-of-coordinator', role: 'coordinator' });
      ok('metrics' in request && request.metrics.length === 2);
    }
  });

  it('reply to a finished prediction and a finished intersection with their files', async () => {
    const cases = [
      ['runModelPredictTask', PREDICT, { ...FILE_OUTCOME, modelId: 'model-01' }, 'predict'],
      ['runPSITask', PSI, FILE_OUTCOME, 'psi'],
      ['runPSITask', PSI, { ...FILE_OUTCOME, path: null, type: null }, 'psi'],
      ['runLabeledPSITask', LABELED_PSI, FILE_OUTCOME, 'psi'],
    ] as const;
    for (const [name, body, outcome, kind] of cases) {
      for (const url of [`/${name}`, `/api/v1/${name}`]) {
        const tasks = new FakeTasks();
        const waiting = fakeServer({ tasks })
          .app.inject(post(body, { url }))
          .then((it) => it);
        await submission(tasks);
        tasks.end(outcome);
        const reply = await waiting;
        equal(tasks.submitted[0]!.kind, kind);
        deepEqual(reply.json(), {
          status: 200,
          result: {
            ...(outcome.modelId && { model_id: outcome.modelId }),
            path: outcome.path,
            type: outcome.type,
            extra: '{"task_id":"task-1","rows":3}',
          },
          msg: 'success',
        });
      }
    }
    const labelled = new FakeTasks();
    const keys = ['last_name', 'born'];
    const [requester, provider] = [PSI.requester, LABELED_PSI.provider];
    const body = {
      requester: { ...requester, key_column: keys },
      provider: { ...provider, key_column: keys },
      async: true,
    };
    await fakeServer({ tasks: labelled }).app.inject(post(body, { url: '/runLabeledPSITask' }));
    const [{ request }] = labelled.submitted as [(typeof labelled.submitted)[0]];
    ok('join' in request);
    deepEqual(
      request.providers.map(({ keyColumns, payload }) => [keyColumns, payload]),
      [
        [keys, []],
        [keys, ['segment']],
      ],
    );
    const he = await fakeServer().app.inject(
      post({ ...PSI, algo_type: 'HE' }, { url: '/runPSITask' }),
    );
    deepEqual([errorOf(he).status, errorOf(he).code], [400, 'NOT_AVAILABLE']);
  });

  it('accept without waiting when asked to', async () => {
    const headers = as('coordinator');
    const calls: InjectOptions[] = [
      post({ ...TRAIN, async: true }),
      post(TRAIN, { headers: { ...headers, prefer: 'respond-async' } }),
      post(TRAIN, { headers: { ...headers, prefer: 'wait=10, Respond-Async; x=1' } }),
      post({ ...PSI, async: true }, { url: '/runPSITask' }),
      post({ ...LABELED_PSI, async: true }, { url: '/runLabeledPSITask' }),
      post({ ...PREDICT, async: true }, { url: '/runModelPredictTask' }),
    ];
    for (const call of calls) {
      const tasks = new FakeTasks();
      const reply = await fakeServer({ tasks }).app.inject(call);
      equal(reply.statusCode, 202);
      equal(reply.headers.location, '/api/v1/tasks/task-1');
      deepEqual(reply.json(), { status: 202, result: { task_id: 'task-1' }, msg: 'accepted' });
      tasks.end(new ApiError('FAILED', 'later, heard by nobody'));
    }
  });

  it('accept when the time to wait is up, and when the server stops', async () => {
    const capped = await fakeServer({}, { syncWaitMs: 1 }).app.inject(post(TRAIN));
    equal(capped.statusCode, 202);

    const tasks = new FakeTasks();
    const server = fakeServer({ tasks });
    const waiting = server.app.inject(post(TRAIN)).then((reply) => reply);
    await submission(tasks);
    await server.stop();
    equal((await waiting).statusCode, 202);
  });

  it('do not cancel the task of a client that goes away', async () => {
    const tasks = new FakeTasks();
    const server = fakeServer({ tasks });
    const address = await server.start();
    const leaving = new AbortController();
    const call = fetch(`${address}/runModelTrainTask`, {
      method: 'POST',
      headers: JSON_HEADERS,
      body: JSON.stringify(TRAIN),
      signal: leaving.signal,
    });
    await submission(tasks);
    leaving.abort();
    await rejects(call, { name: 'AbortError' });
    const task = await fetch(`${address}/api/v1/tasks/task-1`, { headers: JSON_HEADERS });
    equal(((await task.json()) as { result: { state: string } }).result.state, 'running');
    tasks.end(OUTCOME);
    const ended = await fetch(`${address}/api/v1/tasks/task-1`, { headers: JSON_HEADERS });
    equal(((await ended.json()) as { result: { state: string } }).result.state, 'completed');
    await server.stop();
  });

  it('reply with the reason when the task fails while the call waits', async () => {
    const tasks = new FakeTasks();
    const waiting = fakeServer({ tasks })
      .app.inject(post(TRAIN))
      .then((reply) => reply);
    await submission(tasks);
    tasks.end(new ApiError('REFUSED', 'orgB refused: its policy allows no such purpose'));
    deepEqual((await waiting).json(), {
      status: 500,
      result: null,
      msg: 'orgB refused: its policy allows no such purpose',
      code: 'REFUSED',
    });
  });

  it('give the same job for hyper_params as text and as object, and for either column field', async () => {
    const tasks = new FakeTasks();
    tasks.quick = true;
    const { app } = fakeServer({ tasks });
    const hyper = { epochs: 10, batch_size: 256, learning_rate: 0.1, loss: 'mse' };
    const [first, second] = TRAIN.data_providers as [object, object];
    const body = (discrete: object, more: object) => ({
      ...TRAIN,
      data_providers: [
        { ...first, select_columns: ['CREDIT', 'GENDER'], ...discrete },
        { ...second, select_columns: ['CREDIT', 'GENDER'], discrete_cols: ['GENDER'] },
      ],
      model_config: {},
      ...more,
    });
    const bodies = [
      body({ discrete_columns: ['GENDER'] }, { hyper_params: hyper }),
      body({ discrete_cols: ['GENDER'] }, { hyper_params: JSON.stringify(hyper) }),
      body(
        { discrete_cols: ['GENDER'], discrete_columns: ['GENDER'] },
        { hyper_params: hyper, model_config: '' },
      ),
    ];
    for (const each of bodies) equal((await app.inject(post(each))).statusCode, 200);
    const [one, ...others] = tasks.submitted.map(({ request }) => request);
    for (const other of others) deepEqual(other, one);

    const differ = body({ discrete_cols: ['GENDER'], discrete_columns: ['CREDIT'] }, {});
    match(errorOf(await app.inject(post(differ))).msg, /are the same field and differ$/);
    const literal = JSON.stringify(bodies[0]).replace('"model_config":{}', '"model_config":{""}');
    const reply = await app.inject(post(undefined, { payload: literal, headers: JSON_HEADERS }));
    match(errorOf(reply).msg, /not valid JSON/);
    equal(tasks.submitted.length, bodies.length);
  });

  it('refuse unknown fields in strict mode, for every kind', async () => {
    const { app } = fakeServer();
    for (const [url, body] of [
      ['/runModelTrainTask', TRAIN],
      ['/runModelPredictTask', PREDICT],
      ['/runPSITask', PSI],
      ['/runLabeledPSITask', LABELED_PSI],
    ] as const) {
      const reply = await app.inject(post({ ...body, colour: 'red', strict: true }, { url }));
      equal(errorOf(reply).msg, 'colour: not known, and strict is set');
      const lax = await app.inject(post({ ...body, colour: 'red', async: true }, { url }));
      equal(lax.statusCode, 202);
    }
  });

  it('stop following a task with the connection, so that nothing is kept', () =>
    withStoredServer(async ({ server, tasks }) => {
      const address = await server.start();
      const call = (body: object, signal?: AbortSignal) =>
        fetch(`${address}/runModelTrainTask`, {
          method: 'POST',
          headers: { ...JSON_HEADERS, 'idempotency-key': 'one', connection: 'close' },
          body: JSON.stringify(body),
          ...(signal && { signal }),
        });
      const leaving = [new AbortController(), new AbortController()] as const;
      const first = call(TRAIN, leaving[0].signal);
      await submission(tasks);
      const second = call(TRAIN, leaving[1].signal);
      await until('the second call to follow the task', () => tasks.streams === 1);
      for (const each of leaving) each.abort();
      for (const each of [first, second]) await rejects(each, { name: 'AbortError' });
      await until('nobody to follow the task', () => tasks.streams === 0);
      tasks.end(OUTCOME);
      equal((await call(TRAIN)).status, 200);
      await server.stop();
    }));
});
