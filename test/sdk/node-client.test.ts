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

  it('knows a healthy node', () =>
    withServer([[200, { status: 'ok' }]], async (client, calls) => {
      equal(await client.isHealthy(), true);
      equal(calls[0]!.line, 'GET /healthz');
    }));
});
