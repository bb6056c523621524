import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NodeClient, NodeRequestError, type TrainTaskRequest } from '../../src/sdk/node-client.ts';

const REQUEST: TrainTaskRequest = {
  data_providers: [{ name: 'orgA', data_path: 'a.csv', data_type: 'csv' }],
  result_receivers: ['orgA'],
};

const VIEW = {
  task_id: 'task-1',
  state: 'running',
  phase: 'training',
  finished_at: null,
  progress: { percentage: 40, iteration: 4, iterations: 10 },
  model_id: null,
  path: null,
  type: null,
  extra: null,
  metrics: null,
  error: null,
};
const RESULT = {
  model_id: 'model-1',
  path: 'results/x/model.json',
  type: 'json',
  extra: '{}',
  metrics: { auc: 0.5 },
};

interface Call {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A server that gives prepared answers, in order, and keeps what it was asked. */
async function withServer(
  answers: readonly (readonly [status: number, body: unknown])[],
  use: (client: NodeClient, calls: readonly Call[]) => Promise<void>,
): Promise<void> {
  const calls: Call[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const [status, answer] = answers[calls.length] ?? [500, { result: null, msg: 'unexpected' }];
      calls.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await use(new NodeClient({ url: `http://127.0.0.1:${port}`, token: 'secret' }), calls);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

const success = (result: object) => [200, { status: 200, result, msg: 'success' }] as const;
const accepted = [202, { status: 202, result: { task_id: 'task-1' }, msg: 'accepted' }] as const;

function failure(status: number, message: string): (error: unknown) => boolean {
  return (error) => {
    ok(error instanceof NodeRequestError, String(error));
    deepEqual([error.status, error.message], [status, message]);
    return true;
  };
}

describe('node client', () => {
  it('submits with the token and gives the task’s id', () =>
    withServer([accepted], async (client, calls) => {
      equal(await client.submitTrainTask(REQUEST), 'task-1');
      const [{ line, headers, body }] = calls as [Call];
      equal(line, 'POST /runModelTrainTask');
      equal(headers.authorization, 'Bearer secret');
      deepEqual(JSON.parse(body), { ...REQUEST, async: true });
    }));

  it('watches a task to its end', () =>
    withServer(
      [
        success({ ...VIEW, state: 'pending' }),
        success(VIEW),
        success({ ...VIEW, ...RESULT, state: 'completed', finished_at: 'now' }),
      ],
      async (client, calls) => {
        const states: string[] = [];
        const view = await client.waitForTask('task-1', {
          onView: ({ state }) => states.push(state),
          intervalMs: 1,
        });
        deepEqual(states, ['pending', 'running', 'completed']);
        equal(view.model_id, 'model-1');
        equal(calls[0]!.line, 'GET /api/v1/tasks/task-1');
      },
    ));

  it('trains and waits, without one call that lasts', () =>
    withServer(
      [
        accepted,
        success(VIEW),
        success({ ...VIEW, ...RESULT, state: 'completed', finished_at: 'now' }),
      ],
      async (client, calls) => {
        deepEqual(await client.runModelTrainTask(REQUEST), RESULT);
        equal(calls.length, 3);
      },
    ));

  it('intersects and waits, by rows, by size and with columns', async () => {
    const requester = { name: 'a', data_path: 'a.csv', data_type: 'csv', key_column: ['x', 'y'] };
    const provider = { ...requester, name: 'b', data_path: 'b.csv' };
    const size = { path: null, type: null, extra: '{"intersection_size":7}' };
    const file = { path: 'results/task-1/labelled_intersection.csv', type: 'csv', extra: '{}' };
    const done = (result: object) =>
      success({ ...VIEW, ...result, state: 'completed', finished_at: 'now' });
    await withServer([accepted, done(size), accepted, done(file)], async (client, calls) => {
      deepEqual(await client.runPsiTask({ requester, provider, output: 'size' }), size);
      const labelled = { requester, provider: { ...provider, selected_columns: ['age'] } };
      deepEqual(await client.runLabeledPsiTask(labelled), file);
      const [, , { line, body }] = calls as [Call, Call, Call];
      deepEqual([calls[0]!.line, line], ['POST /runPSITask', 'POST /runLabeledPSITask']);
      deepEqual(JSON.parse(body), { ...labelled, async: true });
    });
  });

  it('throws what the node says of a failed task or a refused request', () =>
    withServer(
      [
        success({
          ...VIEW,
          state: 'failed',
          finished_at: 'now',
          error: { status: 500, code: 'FAILED', message: 'orgB: gone' },
        }),
        [400, { status: 400, result: null, msg: 'orgX is no party' }],
      ],
      async (client) => {
        await rejects(client.waitForTask('task-1'), failure(500, 'orgB: gone'));
        await rejects(client.submitTrainTask(REQUEST), failure(400, 'orgX is no party'));
      },
    ));

  it('names the address when something else answers, or nothing', () =>
    withServer([[502, '<html>Bad gateway']], async (client) => {
      await rejects(client.task('task-1'), (error) => {
        ok(error instanceof NodeRequestError);
        equal(error.status, 502);
        ok(/^http:\/\/127\.0\.0\.1:\d+ does not answer as a node$/.test(error.message));
        return true;
      });
      const nobody = new NodeClient({ url: 'http://127.0.0.1:1' });
      await rejects(nobody.task('x'), failure(0, 'no node answers at http://127.0.0.1:1'));
      equal(await nobody.isHealthy(), false);
    }));

  it('sends creates with a key, the same one again when the answer was lost', async () => {
    const keys: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      keys.push(request.headers['idempotency-key'] as string | undefined);
      request.resume();
      if (keys.length === 1) {
        request.socket.destroy(); // after the request has arrived
        return;
      }
      response.end(JSON.stringify(accepted[1]));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = new NodeClient({ url: `http://127.0.0.1:${port}` });
    try {
      equal(await client.submitPsiTask({}), 'task-1');
      await client.submitPredictTask({});
      await client.submitTrainTask({}, { idempotencyKey: 'mine' });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    equal(keys.length, 4);
    ok(/^[0-9a-f-]{36}$/.test(keys[0]!));
    equal(keys[1], keys[0]);
    ok(keys[2] !== keys[0]);
    equal(keys[3], 'mine');
  });

  it('follows a task to its end, whatever that is', () =>
    withServer(
      [success(VIEW), success({ ...VIEW, state: 'failed', finished_at: 'now' })],
      async (client) => {
        const view = await client.followTask('task-1', { intervalMs: 1 });
        equal(view.state, 'failed');
      },
    ));

  it('stops following when it is told to', async () => {
    const leave = new AbortController();
    await withServer([success(VIEW)], async (client, calls) => {
      const followed = client.followTask('task-1', {
        intervalMs: 60_000,
        signal: leave.signal,
        onView: () => leave.abort(new Error('enough')),
      });
      await rejects(followed, /enough/);
      equal(calls.length, 1);
    });
  });

  it('lists tasks over pages, newest first, up to a limit', () =>
    withServer(
      [
        success({ tasks: [VIEW, VIEW], next: 'b c' }),
        success({ tasks: [VIEW, VIEW], next: 'd' }),
        success({ tasks: [], next: null }),
      ],
      async (client, calls) => {
        equal((await client.listTasks({ state: 'running', kind: 'psi', limit: 4 })).length, 4);
        equal((await client.listTasks()).length, 0);
        deepEqual(
          calls.map(({ line }) => line),
          [
            'GET /api/v1/tasks?state=running&kind=psi&limit=4',
            'GET /api/v1/tasks?state=running&kind=psi&limit=2&after=b+c',
            'GET /api/v1/tasks?limit=50',
          ],
        );
      },
    ));

  it('asks for everything else under its path', () =>
    withServer(
      [
        success(VIEW),
        success(VIEW),
        success({ models: [] }),
        success({ model_id: 'm' }),
        [200, { format: 'entente/model/v1' }],
        success({ data_providers: ['orgA'] }),
        success({ data_path: ['a.csv'] }),
        success({ data_type: 'csv', rows_num: 2, columns: [] }),
        success({ datasets: [] }),
        success({ name: 'n' }),
        success({ name: 'n' }),
        success({ peers: [] }),
        success({ peers: [] }),
        success({ tokens: [] }),
        success({ token: 't' }),
        success({ id: 'token-1' }),
      ],
      async (client, calls) => {
        await client.cancelTask('a/b');
        await client.approveTask('t');
        deepEqual(await client.models(), []);
        equal((await client.model('m')).model_id, 'm');
        deepEqual(await client.modelDocument('m'), { format: 'entente/model/v1' });
        deepEqual(await client.dataProviders(), ['orgA']);
        deepEqual(await client.dataPaths('Org Ü'), ['a.csv']);
        deepEqual(await client.metadata('o', 'p/q.csv'), { type: 'csv', rows: 2, columns: [] });
        deepEqual(await client.datasets(), []);
        await client.registerDataset('n', 'p', 'csv');
        await client.removeDataset('n');
        deepEqual(await client.peers(), []);
        await client.reloadPeers();
        deepEqual(await client.tokens(), []);
        equal((await client.createToken('auditor', 'x')).token, 't');
        await client.revokeToken('token-1');
        deepEqual(
          calls.map(({ line }) => line),
          [
            'POST /api/v1/tasks/a%2Fb/cancel',
            'POST /api/v1/tasks/t/approve',
            'GET /api/v1/models',
            'GET /api/v1/models/m',
            'GET /api/v1/models/m/document',
            'GET /getDataProviders',
            'GET /getDataPath?data_provider=Org+%C3%9C',
            'GET /getMetaData?data_provider=o&data_path=p%2Fq.csv',
            'GET /api/v1/datasets',
            'POST /api/v1/datasets',
            'DELETE /api/v1/datasets/n',
            'GET /api/v1/peers',
            'POST /api/v1/peers/reload',
            'GET /api/v1/tokens',
            'POST /api/v1/tokens',
            'DELETE /api/v1/tokens/token-1',
          ],
        );
        // A new token must not be kept for a key.
        equal(calls[14]!.headers['idempotency-key'], undefined);
        ok(calls[9]!.headers['idempotency-key']);
      },
    ));

  it('knows a healthy node', () =>
    withServer([[200, { status: 'ok' }]], async (client, calls) => {
      equal(await client.isHealthy(), true);
      equal(calls[0]!.line, 'GET /healthz');
    }));
});
