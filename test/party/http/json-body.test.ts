import { equal, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { FakeTasks } from '../../support/fake-tasks.ts';
import { as, errorOf, fakeServer, JSON_HEADERS, TRAIN } from '../../support/http-server.ts';
import { malformedBody } from '../../support/malformed-bodies.ts';

const url = '/runModelTrainTask';
const headers = JSON_HEADERS;

describe('json bodies', () => {
  it('are refused with what is wrong with them', async () => {
    const { app } = fakeServer();
    const deep = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    for (const [payload, message] of [
      ['', 'the request body is empty'],
      [' ', 'the request body is not valid JSON'],
      ['{', 'the request body is not valid JSON'],
      ['{"a":01}', 'the request body is not valid JSON'],
      ['{"a":1,}', 'the request body is not valid JSON'],
      ['{"__proto__":1}', 'the request body is not valid JSON'],
      ['{"a":{"constructor":{"prototype":1}}}', 'the request body is not valid JSON'],
      ['{"a":-1e400}', 'the request body has a number that is too large'],
      ['{"a":"\\udc00"}', 'the request body has text that is not Unicode'],
      ['{"\\ud800":1}', 'the request body has text that is not Unicode'],
      [deep(25), 'the request body is nested too deeply'],
      [deep(500_000), 'the request body is nested too deeply'],
      ['"text"', 'the request body must be object'],
    ] as const) {
      const reply = await app.inject({ method: 'POST', url, headers, payload });
      const { status, msg } = errorOf(reply);
      equal(status, 400);
      equal(msg, message, payload.slice(0, 40));
    }
    const allowed = `${deep(24).slice(0, -1)},${JSON.stringify({ ...TRAIN, async: true }).slice(1)}`;
    equal((await app.inject({ method: 'POST', url, headers, payload: allowed })).statusCode, 202);
  });

  it('have the content type JSON', async () => {
    const { app } = fakeServer();
    const payload = JSON.stringify({ ...TRAIN, async: true });
    for (const [type, status] of [
      ['application/json', 202],
      ['application/json; charset=utf-8', 202],
      ['text/plain', 400],
      ['application/x-www-form-urlencoded', 400],
      ['multipart/form-data; boundary=x', 400],
      ['text/html, application/json', 400],
    ] as const) {
      const typed = { ...as('coordinator'), 'content-type': type };
      const reply = await app.inject({ method: 'POST', url, headers: typed, payload });
      equal(reply.statusCode, status, type);
    }
  });

  it('are answered whatever they are, with or without a key', async () => {
    const tasks = new FakeTasks();
    tasks.quick = true;
    const { app } = fakeServer({ tasks });
    const admin = { ...as('admin'), 'content-type': 'application/json' };
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(malformedBody, fc.boolean(), async ({ url: path, body }, keyed) => {
        const reply = await app.inject({
          method: 'POST',
          url: path,
          headers: {
            ...admin,
            ...(keyed && path !== '/api/v1/tokens' && { 'idempotency-key': 'k' }),
          },
          payload: Buffer.from(body),
        });
        if (reply.statusCode === 200 || reply.statusCode === 202) return;
        const { status } = errorOf(reply);
        ok(status === 400 || status === 409, `${status} ${reply.body}`);
        refused++;
      }),
      { numRuns: 2000, seed: 1 },
    );
    ok(refused > 1500, String(refused));
    equal((await app.inject({ url: '/healthz' })).statusCode, 200);
  });
});
