import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { join } from 'node:path';
import type { InjectOptions } from 'fastify';
import { Store } from '../../../src/party/store.ts';
import { storedTokens, type Tokens } from '../../../src/party/tokens.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { fakeServer } from '../../support/http-server.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

type Call = (
  token: string,
  options: InjectOptions,
) => Promise<{ status: number; result: Record<string, unknown>; body: string }>;

async function withServer(use: (call: Call, tokens: Tokens) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const store = await Store.open(join(directory, 'store'));
    const tokens = storedTokens(store, systemRng);
    const { app } = fakeServer({ tokens });
    const call: Call = async (token, options) => {
      const headers = { authorization: `Bearer ${token}` };
      const reply = await app.inject({ headers, ...options });
      const { status, result } = reply.json();
      equal(status, reply.statusCode);
      return { status, result, body: reply.body };
    };
    try {
      await use(call, tokens);
    } finally {
      await store.close();
    }
  });
}

const URL = '/api/v1/tokens';

describe('token routes', () => {
  it('let an admin create, list and revoke', async () => {
    await withServer(async (call, tokens) => {
      const { token: admin, record } = await tokens.create({ role: 'admin' });
      const payload = { role: 'coordinator', label: 'loans' };
      const created = await call(admin, { method: 'POST', url: URL, payload });
      equal(created.status, 200);
      const { token, id } = created.result as { token: string; id: string };
      match(token, /^entente_/);

      equal((await call(token, { url: '/api/v1/tasks/none' })).status, 404);
      const listed = await call(admin, { url: URL });
      const rows = listed.result.tokens as { id: string; role: string; label: string }[];
      deepEqual(
        new Set(rows.map((row) => `${row.id} ${row.role} ${row.label}`)),
        new Set([`${id} coordinator loans`, `${record.id} admin `]),
      );
      ok(!/hash|entente_/.test(listed.body), listed.body);

      equal((await call(admin, { method: 'DELETE', url: `${URL}/${id}` })).status, 200);
      equal((await call(admin, { method: 'DELETE', url: `${URL}/${id}` })).status, 404);
      equal((await call(token, { url: '/api/v1/tasks/none' })).status, 401);
    });
  });

  it('let nobody else', async () => {
    await withServer(async (call, tokens) => {
      const calls: InjectOptions[] = [
        { method: 'POST', url: URL, payload: { role: 'admin' } },
        { method: 'GET', url: URL },
        { method: 'DELETE', url: `${URL}/token-00` },
      ];
      for (const role of ['coordinator', 'auditor'] as const) {
        const { token } = await tokens.create({ role });
        for (const each of calls) equal((await call(token, each)).status, 403);
      }
      for (const each of calls) equal((await call('entente_none', each)).status, 401);
      equal((await tokens.list()).length, 2);
    });
  });

  it('refuse roles, labels and ids that cannot be', async () => {
    await withServer(async (call, tokens) => {
      const { token } = await tokens.create({ role: 'admin' });
      for (const payload of [{}, { role: 'root' }, { role: 'admin', label: 1 }, []]) {
        equal((await call(token, { method: 'POST', url: URL, payload })).status, 400);
      }
      equal((await call(token, { method: 'DELETE', url: `${URL}/..%2f` })).status, 400);
      equal((await tokens.list()).length, 1);
    });
  });

  it('refuse a key, which would keep the token', async () => {
    await withServer(async (call, tokens) => {
      const { token } = await tokens.create({ role: 'admin' });
      const headers = { authorization: `Bearer ${token}`, 'idempotency-key': 'k' };
      const payload = { role: 'auditor' };
      equal((await call(token, { method: 'POST', url: URL, payload, headers })).status, 400);
      equal((await tokens.list()).length, 1);
    });
  });
});
