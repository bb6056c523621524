import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { FakeTasks, taskView } from '../../support/fake-tasks.ts';
import { as, errorOf, fakeServer } from '../../support/http-server.ts';

const url = '/api/v1/tasks';

describe('rate limit', () => {
  it('counts the calls of a token, and says how many are left', async () => {
    const { app } = fakeServer({}, { callsPerMinute: 3 });
    const remaining: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      const { statusCode, headers } = await app.inject({ url, headers: as('auditor') });
      equal(statusCode, 200);
      equal(headers['x-ratelimit-limit'], '3');
      remaining.push(Number(headers['x-ratelimit-remaining']));
      const reset = Number(headers['x-ratelimit-reset']);
      ok(reset > 0 && reset <= 60, String(reset));
    }
    deepEqual(remaining, [2, 1, 0]);
    const refused = await app.inject({ url, headers: as('auditor') });
    deepEqual([errorOf(refused).status, errorOf(refused).code], [429, 'RATE_LIMITED']);
    match(errorOf(refused).msg, /http\.callsPerMinute/);
    equal(refused.headers['x-ratelimit-remaining'], '0');
    equal(refused.headers['retry-after'], refused.headers['x-ratelimit-reset']);
    // Another token has its own.
    equal((await app.inject({ url, headers: as('auditor-2') })).statusCode, 200);
  });

  it('opens again after a minute', async () => {
    const { app } = fakeServer({}, { callsPerMinute: 1 });
    const { now } = Date;
    const start = now();
    let passed = 0;
    Date.now = () => start + passed;
    try {
      const call = async () => (await app.inject({ url, headers: as('auditor') })).statusCode;
      deepEqual([await call(), await call()], [200, 429]);
      passed = 59_999;
      equal(await call(), 429);
      passed = 60_000;
      equal(await call(), 200);
    } finally {
      Date.now = now;
    }
  });

  it('counts calls without a valid token by address, and not for the holder of one there', async () => {
    const { app } = fakeServer({}, { callsPerMinute: 2 });
    const guess = (remoteAddress: string) =>
      app.inject({ url, headers: { authorization: 'Bearer guess' }, remoteAddress });
    const codes: number[] = [];
    for (let i = 0; i < 3; i++) codes.push((await guess('10.0.0.1')).statusCode);
    deepEqual(codes, [401, 401, 429]);
    equal((await guess('10.0.0.2')).statusCode, 401);
    const holder = await app.inject({ url, headers: as('auditor'), remoteAddress: '10.0.0.1' });
    equal(holder.statusCode, 200);
  });

  it('counts by address where there are no tokens, refused calls as well', async () => {
    const { app } = fakeServer({}, { callsPerMinute: 2, auth: 'off' });
    const headers = { host: 'localhost' };
    equal((await app.inject({ url, headers })).statusCode, 200);
    equal((await app.inject({ url: `${url}?x=1`, headers })).statusCode, 400);
    equal((await app.inject({ url, headers })).statusCode, 429);
  });

  it('counts neither probes nor scrapes', async () => {
    const { app } = fakeServer({}, { callsPerMinute: 1 });
    for (const path of ['/healthz', '/livez', '/readyz', '/metrics']) {
      for (let i = 0; i < 3; i++) {
        const reply = await app.inject({ url: path, headers: as('auditor') });
        equal(reply.statusCode, 200, path);
        equal(reply.headers['x-ratelimit-limit'], undefined);
      }
    }
    equal((await app.inject({ url, headers: as('auditor') })).statusCode, 200);
  });

  it('is none when it is 0', async () => {
    const tasks = new FakeTasks();
    tasks.tell(taskView());
    const { app } = fakeServer({ tasks }, { callsPerMinute: 0 });
    for (let i = 0; i < 50; i++) {
      const reply = await app.inject({ url, headers: as('auditor') });
      equal(reply.statusCode, 200);
      equal(reply.headers['x-ratelimit-limit'], undefined);
    }
  });
});
