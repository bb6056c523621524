import { deepEqual, equal, match } from 'node:assert/strict';
import type { HttpServer } from '../../../src/party/http/server.ts';
import { AUDIT, fakeServer } from '../../support/http-server.ts';

const TASK = 'ab'.repeat(32);
const HASH = 'ab'.repeat(32);

describe('audit routes', () => {
  const server: HttpServer = fakeServer();
  const call = async (
    url: string,
    { token = 'token-of-auditor', method = 'GET' as const, ...rest }: CallOptions = {},
  ) => {
    const reply = await server.app.inject({
      method,
      url: `/api/v1/audit/${url}`,
      headers: { authorization: `Bearer ${token}` },
      ...rest,
    });
    const isJson = String(reply.headers['content-type']).startsWith('application/json;');
    const json = isJson ? (reply.json() as { result: never; code?: string }) : null;
    return { status: reply.statusCode, text: reply.body, result: json?.result, code: json?.code };
  };
  interface CallOptions {
    readonly token?: string;
    readonly method?: 'GET' | 'POST' | 'HEAD';
    readonly payload?: object;
  }

  it('tell the log’s state', async () => {
    const { result } = await call('checkpoint');
    const { logKey, ...checkpoint } = await AUDIT.checkpoint();
    deepEqual(result, { ...checkpoint, log_key: logKey });
  });

  it('give entries a page at a time', async () => {
    const entry = (index: number) => ({ index, entry: `{"number":${index}}` });
    deepEqual((await call('entries')).result, { entries: [0, 1, 2].map(entry), next: null });
    deepEqual((await call('entries?limit=2')).result, { entries: [0, 1].map(entry), next: 2 });
    deepEqual((await call('entries?from=2&limit=2')).result, { entries: [entry(2)], next: null });
    deepEqual((await call('entries?from=9')).result, { entries: [], next: null });
    const ofTask = (await call(`entries?task=${TASK}`)).result;
    deepEqual(ofTask, { entries: [1, 2].map(entry), next: null });
    for (const query of ['task=x', 'limit=0', 'limit=1001', 'from=-1', 'from=x', 'more=1']) {
      equal((await call(`entries?${query}`)).status, 400, query);
    }
  });

  it('give proofs of either kind', async () => {
    deepEqual((await call('proofs?index=1&size=3')).result, { proof: [HASH, '1/3'] });
    deepEqual((await call('proofs?first=1&size=3')).result, { proof: [HASH, '1-3'] });
    for (const query of ['size=3', 'index=1&first=1&size=3', 'index=1', 'index=1.5&size=3']) {
      equal((await call(`proofs?${query}`)).status, 400, query);
    }
  });

  it('send evidence line by line, as who asks', async () => {
    const plain = await call(`tasks/${TASK}/bundle`);
    equal(plain.text, `${TASK} token-of-auditor false false\nsecond\n`);
    const { text: unclosed } = await call(`tasks/${TASK}/bundle?unclosed=true`);
    equal(unclosed, `${TASK} token-of-auditor false true\nsecond\n`);
    const { text } = await call(`tasks/${TASK}/bundle?openings=true`, { token: 'token-of-admin' });
    equal(text, `${TASK} token-of-admin true false\nsecond\n`);
    equal((await call('bundle')).text, 'all token-of-auditor\nsecond\n');
    equal((await call(`tasks/${TASK}/bundle?openings=yes`)).status, 400);
    equal((await call('bundle', { method: 'HEAD' })).status, 405);
  });

  it('take cosignatures of witnesses', async () => {
    const post = (payload: object) => call('cosignatures', { method: 'POST', payload });
    deepEqual((await post({ note: 'a note\n' })).result, { size: 3, witnesses: ['regulator'] });
    for (const body of [{}, { note: '' }, { note: 'x'.repeat(65_537) }, { note: 1 }]) {
      equal((await post(body)).status, 400);
    }
  });

  it('are for auditors alone', async () => {
    for (const url of ['checkpoint', 'entries', 'proofs?index=0&size=1', 'bundle']) {
      equal((await call(url, { token: 'token-of-coordinator' })).code, 'FORBIDDEN', url);
      match((await call(url, { token: 'nobody' })).code ?? '', /UNAUTHENTICATED/, url);
    }
  });
});
