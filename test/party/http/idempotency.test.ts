import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import type { InjectOptions } from 'fastify';
import { ApiError } from '../../../src/party/http/api-error.ts';
import {
  idempotencyKeys,
  KEY_LIFETIME_MS,
  type KeyRecord,
} from '../../../src/party/http/idempotency.ts';
import type { HttpServer } from '../../../src/party/http/server.ts';
import { OUTCOME, submission } from '../../support/fake-tasks.ts';
import {
  as,
  errorOf,
  LABELED_PSI,
  PSI,
  post,
  TRAIN,
  withStoredServer,
} from '../../support/http-server.ts';
import { until } from '../../support/until.ts';

type Reply = Awaited<ReturnType<HttpServer['app']['inject']>>;

function keyed(
  body: object,
  {
    key = 'key-1',
    caller = 'coordinator',
    ...change
  }: InjectOptions & { key?: string; caller?: 'coordinator' | 'coordinator-2' | 'admin' } = {},
): InjectOptions {
  return post(body, { headers: { ...as(caller), 'idempotency-key': key }, ...change });
}

/** Sends a call at once; `inject` alone waits for `then`. */
function send(server: HttpServer, call: InjectOptions): Promise<Reply> {
  return server.app.inject(call).then((reply) => reply);
}

describe('idempotency keys', () => {
  it('give the same reply for the same call, also under the other path', () =>
    withStoredServer(async ({ server, tasks }) => {
      tasks.quick = true;
      const first = await send(server, keyed(TRAIN));
      equal(first.statusCode, 200);
      equal(first.headers['idempotent-replayed'], undefined);
      for (const url of ['/runModelTrainTask', '/api/v1/runModelTrainTask']) {
        const again = await send(server, keyed({ ...TRAIN }, { url }));
        equal(again.headers['idempotent-replayed'], 'true');
        equal(again.body, first.body);
      }
      equal(tasks.submitted.length, 1);
    }));

  it('mean the call: another caller, operation or key is another call', () =>
    withStoredServer(async ({ server, tasks }) => {
      const body = { ...TRAIN, async: true };
      const calls = [
        keyed(body),
        keyed(body, { key: 'key-2' }),
        keyed(body, { caller: 'coordinator-2' }),
        keyed(body, { caller: 'admin' }),
        keyed({ ...PSI, async: true }, { url: '/runPSITask' }),
        keyed({ ...LABELED_PSI, async: true }, { url: '/runLabeledPSITask' }),
      ];
      const ids = new Set<string>();
      for (const call of calls) {
        const reply = await send(server, call);
        equal(reply.headers['idempotent-replayed'], undefined);
        ids.add(reply.json().result.task_id);
      }
      equal(ids.size, calls.length);
      equal(tasks.submitted.length, calls.length);
    }));

  it('refuse another body, whatever became of the first', () =>
    withStoredServer(async ({ server, tasks }) => {
      const first = await send(server, keyed({ ...TRAIN, async: true }));
      equal(first.statusCode, 202);
      const other = keyed({ ...TRAIN, async: true, purpose: 'other' });
      for (let i = 0; i < 2; i++) {
        const { status, code, msg } = errorOf(await send(server, other));
        deepEqual([status, code], [422, 'KEY_REUSED']);
        ok(msg.includes('use a new key'));
        tasks.end(OUTCOME);
      }
      equal(tasks.submitted.length, 1);
      // The order of fields and white space are no part of a body.
      const { result_receivers, ...rest } = { ...TRAIN, async: true };
      const same = await send(server, keyed({ ...rest, result_receivers }));
      equal(same.headers['idempotent-replayed'], 'true');
    }));

  it('attach to the task while it runs', () =>
    withStoredServer(async ({ server, tasks }) => {
      const first = send(server, keyed(TRAIN));
      await submission(tasks);
      const second = send(server, keyed(TRAIN));
      await until('the second call to follow the task', () => tasks.streams === 1);
      tasks.end(OUTCOME);
      equal((await second).body, (await first).body);
      equal((await second).headers['idempotent-replayed'], 'true');
      equal(tasks.submitted.length, 1);
      await until('no stream', () => tasks.streams === 0);
    }));

  it('say that a call is being worked on before there is a task', () =>
    withStoredServer(async ({ server, tasks }) => {
      let go: () => void = () => undefined;
      const held = new Promise<void>((resolve) => {
        go = resolve;
      });
      const submit = tasks.submit.bind(tasks);
      let asked = 0;
      tasks.submit = async (...args) => {
        asked++;
        await held;
        return submit(...args);
      };
      const first = send(server, keyed({ ...TRAIN, async: true }));
      await until('the first call to be worked on', () => asked === 1);
      const second = await send(server, keyed({ ...TRAIN, async: true }));
      deepEqual([errorOf(second).status, errorOf(second).code], [409, 'CONFLICT']);
      equal(second.headers['retry-after'], '1');
      equal(errorOf(await send(server, keyed(TRAIN))).status, 422);
      go();
      equal((await first).statusCode, 202);
      equal((await send(server, keyed({ ...TRAIN, async: true }))).statusCode, 202);
      equal(asked, 1);
    }));

  it('hold after a restart, for a task that ended and for one that runs', () =>
    withStoredServer(async ({ server, tasks, restarted }) => {
      const accepted = await send(server, keyed({ ...TRAIN, async: true }));
      const sync = send(server, keyed(TRAIN, { key: 'key-2' }));
      await submission(tasks, 2);
      await server.stop();
      equal((await sync).statusCode, 202, 'the stop answers those who wait');

      const next = restarted();
      const again = await send(next, keyed({ ...TRAIN, async: true }));
      equal(again.body, accepted.body);
      equal(again.headers.location, '/api/v1/tasks/task-1');
      const attached = send(next, keyed(TRAIN, { key: 'key-2' }));
      await until('the call to follow the task', () => tasks.streams === 1);
      tasks.end(OUTCOME, 'task-2');
      const reply = await attached;
      equal(reply.statusCode, 200);
      equal(reply.json().result.model_id, 'model-01');
      const third = await send(restarted(), keyed(TRAIN, { key: 'key-2' }));
      equal(third.body, reply.body);
      equal(tasks.submitted.length, 2);
    }));

  it('are in the same write as the task', () =>
    withStoredServer(async ({ server, tasks, store }) => {
      await send(server, keyed({ ...TRAIN, async: true }));
      const [[, record]] = (await store.table<KeyRecord>('idempotency').list()) as [
        readonly [string, KeyRecord],
      ];
      deepEqual([record.taskId, record.reply], ['task-1', null]);
      equal(tasks.submitted.length, 1);
      ok(/^[0-9a-f]{64}$/.test(record.fingerprint));
    }));

  it('let what failed be tried again, and repeat what was refused', () =>
    withStoredServer(async ({ server, tasks }) => {
      const first = send(server, keyed(TRAIN));
      await submission(tasks);
      tasks.end(new ApiError('UNREACHABLE', 'orgB is away'));
      equal((await first).statusCode, 500);
      const second = send(server, keyed(TRAIN));
      await submission(tasks, 2);
      tasks.end(OUTCOME, 'task-2');
      equal((await second).statusCode, 200);
      equal((await second).headers['idempotent-replayed'], undefined);
      equal((await send(server, keyed(TRAIN))).body, (await second).body);

      tasks.refusal = new ApiError('BUSY', 'later');
      equal((await send(server, keyed(TRAIN, { key: 'busy' }))).statusCode, 503);
      tasks.refusal = new ApiError('UNKNOWN_PARTY', 'orgB is no party');
      equal((await send(server, keyed(TRAIN, { key: 'busy' }))).statusCode, 400);
      tasks.refusal = null;
      const repeated = await send(server, keyed(TRAIN, { key: 'busy' }));
      deepEqual([repeated.statusCode, repeated.json().msg], [400, 'orgB is no party']);
      equal(repeated.headers['idempotent-replayed'], 'true');
      equal(tasks.submitted.length, 2);
    }));

  it('repeat a task’s own refusal', () =>
    withStoredServer(async ({ server, tasks }) => {
      const first = send(server, keyed(TRAIN));
      await submission(tasks);
      tasks.end(new ApiError('DATASET_UNUSABLE', 'orgA: a.csv: no column y'));
      equal((await first).statusCode, 400);
      const again = await send(server, keyed(TRAIN));
      deepEqual([again.statusCode, again.body], [400, (await first).body]);
      equal(again.headers['idempotent-replayed'], 'true');
    }));

  it('do not keep what was no request', () =>
    withStoredServer(async ({ server, tasks }) => {
      tasks.quick = true;
      equal((await send(server, keyed({ ...TRAIN, metrics: ['x'] }))).statusCode, 400);
      equal((await send(server, keyed(TRAIN))).statusCode, 200);
    }));

  it('work for datasets', () => {
    let registered = 0;
    const dataset = { path: 'a.csv', type: 'csv', createdAt: '2026-02-03T12:00:00.000Z' };
    const catalog = {
      register: async (name: string) => {
        if (registered++ > 0) throw new ApiError('CONFLICT', 'there already');
        return { ...dataset, name };
      },
    };
    return withStoredServer(
      async ({ server, restarted }) => {
        const body = { name: 'loans', path: 'a.csv', type: 'csv' };
        const call = (key: string) =>
          keyed(body, { key, caller: 'admin', url: '/api/v1/datasets' });
        const first = await send(server, call('a'));
        equal(first.statusCode, 200);
        for (const each of [server, restarted()]) {
          const again = await send(each, call('a'));
          equal(again.body, first.body);
          equal(again.headers['idempotent-replayed'], 'true');
        }
        equal((await send(server, call('b'))).statusCode, 409);
        equal((await send(server, call('b'))).headers['idempotent-replayed'], 'true');
        equal(registered, 2);
      },
      { catalog: catalog as never },
    );
  });

  it('have 1 to 255 printable characters', () =>
    withStoredServer(async ({ server, tasks }) => {
      tasks.quick = true;
      for (const key of ['', 'a'.repeat(256), 'schlüssel', 'a\tb']) {
        const reply = await send(server, keyed(TRAIN, { key }));
        deepEqual([reply.statusCode, errorOf(reply).code], [400, 'INVALID_REQUEST'], key);
      }
      for (const key of ['a'.repeat(255), '"8e03978e-40d5"', '!~ #']) {
        equal((await send(server, keyed(TRAIN, { key }))).statusCode, 200, key);
      }
    }));

  it('are forgotten after a day, and pruned', () => {
    const clock = { now: 1_000_000 };
    return withStoredServer(
      async ({ server, tasks, store }) => {
        tasks.quick = true;
        const first = await send(server, keyed(TRAIN));
        clock.now += KEY_LIFETIME_MS - 1;
        equal((await send(server, keyed(TRAIN))).body, first.body);
        const keys = idempotencyKeys(store, () => clock.now);
        equal(await keys.prune(), 0);
        clock.now += 1;
        const later = await send(server, keyed(TRAIN));
        notEqual(later.body, first.body);
        await send(server, keyed(TRAIN, { key: 'young' }));
        clock.now += KEY_LIFETIME_MS - 1;
        await send(server, keyed(TRAIN, { key: 'younger' }));
        clock.now += 1;
        equal(await keys.prune(), 2);
        equal((await store.table('idempotency').list()).length, 1);
      },
      { now: () => clock.now },
    );
  });
});
