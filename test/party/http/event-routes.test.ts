import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { ApiError } from '../../../src/party/http/api-error.ts';
import { eventText, MAX_STREAMS } from '../../../src/party/http/event-routes.ts';
import type { RequestTrail } from '../../../src/party/http/request-trail.ts';
import type { HttpServer } from '../../../src/party/http/server.ts';
import type { TaskEvent } from '../../../src/party/tasks/task-view.ts';
import type { Tokens } from '../../../src/party/tokens.ts';
import { FakeTasks, OUTCOME, taskView } from '../../support/fake-tasks.ts';
import { as, errorOf, fakeServer, TOKENS } from '../../support/http-server.ts';
import { until } from '../../support/until.ts';

const URL = '/api/v1/tasks/task-1/events';

function tasksWith(...percentages: number[]): FakeTasks {
  const tasks = new FakeTasks();
  for (const percentage of percentages) {
    const { progress } = taskView();
    tasks.tell(taskView({ progress: { ...progress, percentage } }));
  }
  return tasks;
}

/** Ids and types of the events in a stream's text. */
function eventsIn(text: string): string[] {
  return [...text.matchAll(/^id: (\d+)\nevent: (\w+)\n/gm)].map(([, id, type]) => `${id} ${type}`);
}

/** A stream that is read only when the test says so. */
async function openStream(
  address: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = httpRequest(`${address}${URL}`, {
      headers: { ...as('auditor'), ...headers },
      agent: false,
    });
    call.once('response', resolve).once('error', reject).end();
  });
}

async function withSocket(
  server: HttpServer,
  use: (address: string) => Promise<void>,
): Promise<void> {
  const address = await server.start();
  try {
    await use(address);
  } finally {
    await server.stop();
  }
}

describe('task event routes', () => {
  it('stream the events of a task up to its end', async () => {
    const tasks = tasksWith(10, 50);
    tasks.end(OUTCOME);
    const { app } = fakeServer({ tasks });
    const reply = await app.inject({ url: URL, headers: as('coordinator') });
    equal(reply.statusCode, 200);
    equal(reply.headers['content-type'], 'text/event-stream; charset=utf-8');
    match(reply.headers['cache-control'] as string, /no-cache/);
    equal(reply.headers['x-accel-buffering'], 'no');
    ok(reply.headers['x-request-id']);
    const [retry, ...blocks] = reply.body.split('\n\n');
    equal(retry, 'retry: 1000');
    deepEqual(eventsIn(reply.body), ['1 status', '2 status', '3 end']);
    const data = blocks.filter(Boolean).map((block) => JSON.parse(block.split('\ndata: ')[1]!));
    deepEqual(
      data.map(({ task_id, state, time, progress }) => [task_id, state, time, progress.percentage]),
      [
        ['task-1', 'running', '2026-02-03T12:00:02.000Z', 10],
        ['task-1', 'running', '2026-02-03T12:00:02.000Z', 50],
        ['task-1', 'completed', '2026-02-03T12:00:02.000Z', 40],
      ],
    );
    equal(data[2].model_id, 'model-01');
    equal(tasks.streams, 0);
  });

  it('tell an outcome once it is recorded, and not before', async () => {
    const tasks = tasksWith(10);
    tasks.end(OUTCOME);
    const told: string[] = [];
    let broken = true;
    const trail: RequestTrail = {
      administered: async () => undefined,
      tookModel: async () => undefined,
      toldOutcome: async (caller, taskId, { modelId }) => {
        if (broken) throw new Error('disk full');
        told.push(`${caller.id} ${taskId} ${modelId}`);
      },
    };
    await withSocket(fakeServer({ tasks, trail }), async (address) => {
      const textOf = async (headers: Record<string, string> = {}): Promise<string> => {
        const stream = await openStream(address, headers);
        let text = '';
        stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        stream.once('error', () => undefined); // cut off
        await new Promise((resolve) => stream.once('close', resolve));
        return text;
      };
      deepEqual(eventsIn(await textOf()), ['1 status'], 'what cannot be recorded is not told');
      broken = false;
      deepEqual(eventsIn(await textOf()), ['1 status', '2 end']);
      await textOf(as('coordinator'));
    });
    deepEqual(told, ['token-of-auditor task-1 model-01', 'token-of-coordinator task-1 model-01']);
    equal(tasks.streams, 0);
  });

  it('go on after the event that the reader has; the header counts before the query', async () => {
    const tasks = tasksWith(10, 50, 60);
    tasks.end(OUTCOME);
    const { app } = fakeServer({ tasks });
    const from = async (url: string, id?: string): Promise<string[]> =>
      eventsIn(
        (
          await app.inject({
            url,
            headers: { ...as('auditor'), ...(id !== undefined && { 'last-event-id': id }) },
          })
        ).body,
      );
    deepEqual(await from(`${URL}?after=2`), ['3 status', '4 end']);
    deepEqual(await from(URL, '3'), ['4 end']);
    deepEqual(await from(`${URL}?after=1`, '3'), ['4 end']);
    deepEqual(await from(`${URL}?after=1`, ''), ['2 status', '3 status', '4 end']);
    for (const id of ['x', '-1', '1e3', '9'.repeat(16)]) {
      const headers = { ...as('auditor'), 'last-event-id': id };
      equal(errorOf(await app.inject({ url: URL, headers })).status, 400, id);
    }
    for (const query of ['after=x', 'after=-1', 'after=1&after=2', 'from=3']) {
      const reply = await app.inject({ url: `${URL}?${query}`, headers: as('auditor') });
      equal(errorOf(reply).status, 400, query);
    }
    const none = await app.inject({ url: URL.replace('task-1', 'task-9'), headers: as('auditor') });
    equal(errorOf(none).status, 404);
    equal(tasks.streams, 0);
  });

  it('tell what happens as it happens, and comment while nothing does', () => {
    const tasks = tasksWith(10);
    return withSocket(fakeServer({ tasks }, { heartbeatMs: 5 }), async (address) => {
      const stream = await openStream(address);
      let text = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      await until('the first event', () => eventsIn(text).length === 1);
      await until('two comments', () => text.split(': alive\n\n').length > 2);
      tasks.tell(taskView());
      await until('the second event', () => eventsIn(text).length === 2);
      tasks.end(new ApiError('CANCELLED', 'by orgB'));
      await until('the end', () => stream.complete);
      deepEqual(eventsIn(text), ['1 status', '2 status', '3 end']);
    });
  });

  it('free everything when the reader goes away', () => {
    const tasks = tasksWith(10);
    return withSocket(fakeServer({ tasks }), async (address) => {
      for (let i = 0; i < 2 * MAX_STREAMS; i++) {
        const stream = await openStream(address);
        equal(stream.statusCode, 200, `stream ${i}`);
        await until('the stream to be open', () => tasks.streams === 1);
        stream.destroy();
        await until('the stream to be let go', () => tasks.streams === 0);
      }
    });
  });

  it('are as many at a time as a caller may have', () => {
    const tasks = tasksWith(10);
    return withSocket(fakeServer({ tasks }), async (address) => {
      const streams = [];
      for (let i = 0; i < MAX_STREAMS; i++) streams.push(await openStream(address));
      const refused = await openStream(address);
      deepEqual([refused.statusCode, refused.headers['retry-after']], [429, '10']);
      refused.resume();
      const other = await openStream(address, as('coordinator'));
      equal(other.statusCode, 200);
      streams.pop()!.destroy();
      await until('a place', () => tasks.streams === MAX_STREAMS);
      const next = await openStream(address);
      equal(next.statusCode, 200);
      for (const each of [...streams, other, next]) each.destroy();
      await until('the streams to be let go', () => tasks.streams === 0);
    });
  });

  it('end when the server stops', async () => {
    const tasks = tasksWith(10);
    const server = fakeServer({ tasks });
    const stream = await openStream(await server.start());
    const ended = new Promise((resolve) => stream.once('close', resolve));
    stream.resume();
    await server.stop();
    await ended;
    equal(stream.complete, true);
    equal(tasks.streams, 0);
  });

  it('end when the token is revoked, before anything more is told', () => {
    const tasks = tasksWith(10);
    let revoked = false;
    const verify: Tokens['verify'] = async (token) => (revoked ? null : TOKENS.verify(token));
    const server = fakeServer({ tasks, tokens: { ...TOKENS, verify } });
    return withSocket(server, async (address) => {
      const stream = await openStream(address);
      let text = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      await until('the first event', () => eventsIn(text).length === 1);
      revoked = true;
      tasks.tell(taskView());
      await until('the end', () => stream.complete);
      deepEqual(eventsIn(text), ['1 status']);
      await until('the stream to be let go', () => tasks.streams === 0);
    });
  });

  it('take no more events than the reader reads', async () => {
    let taken = 0;
    const { progress } = taskView();
    const view = taskView({ purpose: 'x'.repeat(10_000), progress });
    const many = async function* (): AsyncGenerator<TaskEvent> {
      for (;;) yield { id: ++taken, type: 'progress', time: '', view };
    };
    const tasks = tasksWith(10);
    tasks.events = async () => many();
    await withSocket(fakeServer({ tasks }), async (address) => {
      const stream = await openStream(address);
      let before = -1;
      // The buffers of the sockets fill up; then nothing more is taken.
      for (let still = 0; still < 200; still = before === taken ? still + 1 : 0) {
        before = taken;
        await new Promise(setImmediate);
      }
      ok(taken < 5000, `${taken} events of 10 kB were taken for a reader that reads none`);
      stream.resume();
      await until('more to be taken', () => taken > before + 500);
      stream.destroy();
    });
  });

  it('let an iterator go that fails or waits', async () => {
    const gone = new AbortController();
    let returned = 0;
    const waiting: AsyncIterable<TaskEvent> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: async () => {
          returned++;
          return { done: true, value: undefined };
        },
      }),
    };
    const text = eventText(waiting, 60_000, gone.signal);
    equal((await text.next()).value, 'retry: 1000\n\n');
    const next = text.next();
    gone.abort();
    equal((await next).done, true);
    equal(returned, 1);

    const failing: AsyncIterable<TaskEvent> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error('the store is closed')),
      }),
    };
    const failed = eventText(failing, 60_000, new AbortController().signal);
    await failed.next();
    await rejects(failed.next(), /the store is closed/);
  });
});
