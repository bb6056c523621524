import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { chmod, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Store } from '../../../src/party/store.ts';
import { storedTokens } from '../../../src/party/tokens.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { runInProcess as run, setHttpPort, withNode } from '../../support/cli-run.ts';
import { startFakeNode } from '../../support/fake-node.ts';

describe('token', () => {
  it('token create prints a token that the node takes; list and revoke know it', async () => {
    await withNode(async (dir, config) => {
      const argv = ['--config', config, '--json'];
      const created = await run(['token', 'create', '--role', 'auditor', '--label', 'x', ...argv]);
      equal(created.code, 0, created.err);
      const { token, id } = created.json as Record<string, string>;
      const verify = async (): Promise<unknown> => {
        const store = await Store.open(join(dir, 'state/store'));
        const caller = await storedTokens(store, systemRng).verify(token!);
        await store.close();
        return caller;
      };
      deepEqual(await verify(), { id, role: 'auditor' });
      const listed = await run(['token', 'list', ...argv]);
      deepEqual(
        (listed.json.tokens as Record<string, string>[])
          .filter(({ label }) => label !== 'operator')
          .map((each) => [each.id, each.label]),
        [[id, 'x']],
      );
      ok(!listed.out.includes(token!));
      equal((await run(['token', 'revoke', id!, ...argv])).code, 0);
      equal(await verify(), null);
      const again = await run(['token', 'revoke', id!, '--config', config]);
      equal(again.code, 1);
      match(again.err, /there is no token/);
    });
  });

  it('asks the running node, whose store it cannot open', async () => {
    await withNode(async (dir, config) => {
      const store = await Store.open(join(dir, 'state/store'));
      const node = await startFakeNode();
      await setHttpPort(config, node.port);
      const at = ['--config', config];
      node.answers.set('POST /api/v1/tokens', { result: { token: 'entente_new', id: 'token-1' } });
      const created = await run(['token', 'create', '--role', 'auditor', ...at]);
      match(created.out, /^entente_new\n {2}id {4}token-1\n/);
      deepEqual(node.calls[0]!.body, { role: 'auditor', label: '' });
      const operator = (await readFile(join(dir, 'state/operator.token'), 'utf8')).trim();
      equal(node.calls[0]!.token, operator);
      const row = { id: 'token-1', role: 'auditor', label: 'x', created_at: '2026' };
      node.answers.set('GET /api/v1/tokens', { result: { tokens: [row] } });
      equal((await run(['token', 'list', ...at])).out, 'token-1  auditor  2026  x\n');
      deepEqual((await run(['token', 'list', '--json', ...at])).json, {
        tokens: [{ id: 'token-1', role: 'auditor', label: 'x', createdAt: '2026' }],
      });
      node.answers.set('DELETE /api/v1/tokens/token-1', { result: { id: 'token-1' } });
      equal((await run(['token', 'revoke', 'token-1', ...at])).out, 'token-1 is revoked\n');
      match((await run(['token', 'revoke', 'token-2', ...at])).err, /--token|there is no/);

      await node.close();
      const away = await run(['token', 'list', ...at]);
      deepEqual([away.code, /start it with "entente node"/.test(away.err)], [4, true]);
      await store.close();
    });
  });

  it('refuses an unknown role as wrong usage', async () => {
    await withNode(async (_dir, config) => {
      const { code, err } = await run(['token', 'create', '--role', 'root', '--config', config]);
      equal(code, 2);
      match(err, /use one of coordinator, auditor, admin/);
    });
  });

  it('--save replaces the token of this machine and does not show it', async () => {
    await withNode(async (dir, config) => {
      const file = join(dir, 'state/operator.token');
      await rm(file);
      const argv = ['--config', config];
      const away = await run(['task', 'list', ...argv]);
      match(away.err, /operator\.token does not exist\n.*token create --role admin --save/);
      const saved = await run(['token', 'create', '--role', 'admin', '--save', ...argv, '--json']);
      deepEqual(Object.keys(saved.json), ['id', 'role', 'label', 'file']);
      equal((await stat(file)).mode & 0o777, 0o600);
      const token = (await readFile(file, 'utf8')).trim();
      ok(!saved.out.includes(token));
      const store = await Store.open(join(dir, 'state/store'));
      const caller = await storedTokens(store, systemRng).verify(token);
      await store.close();
      deepEqual(caller, { id: saved.json.id, role: 'admin' });
    });
  });

  it('is not used from a file that others can read', async () => {
    await withNode(async (dir, config) => {
      await chmod(join(dir, 'state/operator.token'), 0o640);
      const { code, err } = await run(['task', 'list', '--config', config]);
      equal(code, 1);
      match(err, /can be read by others\n {2}chmod 600/);
    });
  });
});
