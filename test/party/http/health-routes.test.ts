import { deepEqual, equal } from 'node:assert/strict';
import { join } from 'node:path';
import type { ReadinessCheck } from '../../../src/party/http/services.ts';
import { storeCheck } from '../../../src/party/http/store-check.ts';
import { Store } from '../../../src/party/store.ts';
import { FakeTasks, submission } from '../../support/fake-tasks.ts';
import { as, fakeServer, post, TRAIN } from '../../support/http-server.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

describe('health routes', () => {
  it('say that the process answers, to anybody', async () => {
    const { app } = fakeServer();
    for (const url of ['/healthz', '/livez']) {
      const reply = await app.inject({ url });
      deepEqual([reply.statusCode, reply.json()], [200, { status: 'ok' }]);
    }
  });

  it('say whether the node is ready; why not to holders of a token alone', async () => {
    const clock = { now: 5000 };
    let checks: ReadinessCheck[] = [{ name: 'store', ready: true }];
    let runs = 0;
    const readiness = async () => {
      runs++;
      return checks;
    };
    const { app } = fakeServer({ readiness, now: () => clock.now });
    const ask = async (headers = {}) => {
      const reply = await app.inject({ url: '/readyz', headers });
      return [reply.statusCode, reply.json()];
    };
    deepEqual(await ask(), [200, { status: 'ready' }]);
    deepEqual(await ask(as('coordinator')), [200, { status: 'ready', checks }]);
    deepEqual(await ask({ authorization: 'Bearer guess' }), [200, { status: 'ready' }]);
    equal(runs, 1, 'the checks do not run for every call');

    checks = [
      { name: 'store', ready: false },
      { name: 'grpc', ready: true },
    ];
    clock.now += 1000;
    deepEqual(await ask(), [503, { status: 'not_ready' }]);
    deepEqual(await ask(as('auditor')), [503, { status: 'not_ready', checks }]);
    equal(runs, 2);
  });

  it('are not ready when the checks fail', async () => {
    const readiness = () => Promise.reject(new Error('/srv/secret'));
    const { app } = fakeServer({ readiness });
    const reply = await app.inject({ url: '/readyz', headers: as('admin') });
    const checks = [{ name: 'checks', ready: false }];
    deepEqual([reply.statusCode, reply.json()], [503, { status: 'not_ready', checks }]);
    equal(reply.headers['retry-after'], '5');
  });

  it('are not ready once the node stops', async () => {
    const tasks = new FakeTasks();
    const server = fakeServer({ tasks });
    const waiting = server.app.inject(post(TRAIN)).then((reply) => reply);
    await submission(tasks);
    const before = await server.app.inject({ url: '/readyz' });
    const stopped = server.stop();
    const during = await server.app.inject({ url: '/readyz' }).catch(() => null);
    await stopped;
    equal((await waiting).statusCode, 202);
    equal(before.statusCode, 200);
    equal(during?.statusCode ?? 503, 503);
  });

  it('find out whether the store takes writes', () =>
    withTemporaryDirectory(async (directory) => {
      const store = await Store.open(join(directory, 'store'));
      deepEqual(await storeCheck(store), { name: 'store', ready: true });
      deepEqual(await store.table('idempotency').list(), [], 'nothing is left behind');
      await store.close();
      deepEqual(await storeCheck(store), { name: 'store', ready: false });
    }));
});
