import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NodeClient, type TaskEvent } from '../../src/sdk/node-client.ts';
import { FakeTasks, OUTCOME, taskView } from '../support/fake-tasks.ts';
import { as, fakeServer } from '../support/http-server.ts';
import { until } from '../support/until.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers in turn, the last answer for ever. */
async function withServer(
  answers: readonly Answer[],
  use: (client: NodeClient, lastIds: readonly unknown[]) => Promise<void>,
): Promise<void> {
  const lastIds: unknown[] = [];
  const server = createServer((request, response) => {
    lastIds.push(request.headers['last-event-id']);
    answers[Math.min(lastIds.length, answers.length) - 1]!(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    await use(new NodeClient({ url: `http://127.0.0.1:${port}` }), lastIds);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const event = (id: number, type: string): string =>
  `id: ${id}\nevent: ${type}\ndata: {"time":"t","task_id":"task-1"}\n\n`;

const stream =
  (text: string, end: 'end' | 'break' = 'end'): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`retry: 1\n\n${text}`);
    if (end === 'end') response.end();
    else setImmediate(() => response.destroy());
  };

async function all(events: AsyncIterable<TaskEvent>): Promise<string[]> {
  const found: string[] = [];
  for await (const { id, type } of events) found.push(`${id} ${type}`);
  return found;
}

describe('task events of the client', () => {
  it('come in order up to the end', () =>
    withServer(
      [stream(event(1, 'status') + event(4, 'progress') + event(5, 'end'))],
      async (client, ids) => {
        deepEqual(await all(client.taskEvents('task-1')), ['1 status', '4 progress', '5 end']);
        deepEqual(ids, ['0']);
      },
    ));

  it('go on where they were when the connection breaks or the node stops', () =>
    withServer(
      [
        stream(event(3, 'status')),
        stream(event(4, 'status'), 'break'),
        (request) => request.socket.destroy(),
        stream(''),
        stream(event(5, 'end')),
      ],
      async (client, ids) => {
        const events = await all(client.taskEvents('task-1', { after: 2 }));
        deepEqual(events, ['3 status', '4 status', '5 end']);
        deepEqual(ids, ['2', '3', '4', '4', '4']);
      },
    ));

  it('end with the node’s error, and at last when nobody answers', () =>
    withServer(
      [
        (_, response) => {
          response.writeHead(404);
          response.end(
            '{"status":404,"result":null,"msg":"there is no such task","code":"NOT_FOUND"}',
          );
        },
        stream(''),
      ],
      async (client, ids) => {
        await rejects(all(client.taskEvents('task-9')), { status: 404, code: 'NOT_FOUND' });
        equal(ids.length, 1);
        await rejects(all(client.taskEvents('task-1')), { status: 0 });
        ok(ids.length > 5 && ids.length < 20, String(ids.length));
      },
    ));

  it('are given up with the signal', async () => {
    const leave = new AbortController();
    await withServer([stream(event(1, 'status'), 'break')], async (client) => {
      const events = client.taskEvents('task-1', { signal: leave.signal });
      equal((await events.next()).value!.id, 1);
      leave.abort(new Error('enough'));
      await rejects(all(events), /enough|aborted/);
    });
  });

  it('come from a node over its stops and starts', async () => {
    const tasks = new FakeTasks();
    tasks.tell(taskView());
    const first = fakeServer({ tasks });
    const address = await first.start();
    const token = as('auditor').authorization.slice('Bearer '.length);
    const client = new NodeClient({ url: address, token });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { id, type, task } of client.taskEvents('task-1')) {
        seen.push(`${id} ${type} ${task.state}`);
      }
    })();
    await until('the first event', () => seen.length === 1);
    await first.stop();
    tasks.tell(taskView({ state: 'stopping' }));
    const second = fakeServer({ tasks }, { port: Number(new URL(address).port) });
    await second.start();
    tasks.end(OUTCOME);
    await reading;
    deepEqual(seen, ['1 status running', '2 status stopping', '3 end completed']);
    await second.stop();
  });
});
