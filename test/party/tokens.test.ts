import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Store } from '../../src/party/store.ts';
import { ROLES, storedTokens, type Tokens } from '../../src/party/tokens.ts';
import { type Rng, systemRng } from '../../src/protocols/primitives/rng.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

async function withTokens(
  use: (tokens: Tokens, store: Store, directory: string) => Promise<void>,
): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const store = await Store.open(directory);
    try {
      await use(storedTokens(store, systemRng), store, directory);
    } finally {
      await store.close();
    }
  });
}

describe('tokens', () => {
  it('recognises a token with its role, until it is revoked', async () => {
    await withTokens(async (tokens) => {
      for (const role of ROLES) {
        const { token, record } = await tokens.create({ role, label: 'x' });
        match(token, /^entente_[A-Za-z0-9_-]{43}$/);
        deepEqual(await tokens.verify(token), { id: record.id, role });
        equal(await tokens.revoke(record.id), true);
        equal(await tokens.verify(token), null);
        equal(await tokens.revoke(record.id), false);
      }
    });
  });

  it('refuses what is no token of this node', async () => {
    await withTokens(async (tokens) => {
      const { token } = await tokens.create({ role: 'admin' });
      const other = token.endsWith('A') ? 'B' : 'A';
      const wrong = ['', 'entente_', `${token}A`, token.slice(0, -1), token.slice(8), ` ${token}`];
      for (const each of [...wrong, `${token.slice(0, 20)}${other}${token.slice(21)}`]) {
        if (each !== token) equal(await tokens.verify(each), null, each);
      }
    });
  });

  it('compares the whole hash, not only the id', async () => {
    await withTokens(async (tokens, store) => {
      const { token, record } = await tokens.create({ role: 'admin' });
      const hash = `${record.hash.slice(0, -1)}${record.hash.endsWith('0') ? '1' : '0'}`;
      await store.write(store.table('tokens').put(record.id, { ...record, hash }));
      equal(await tokens.verify(token), null);
    });
  });

  it('lists tokens and stores none', async () => {
    await withTokens(async (tokens, store, directory) => {
      const zeroRng: Rng = (length) => new Uint8Array(length);
      const zeros = await storedTokens(store, zeroRng).create({ role: 'auditor', label: 'audit' });
      equal(zeros.token, `entente_${'A'.repeat(43)}`);
      const random = await tokens.create({ role: 'admin' });
      notEqual(random.record.id, zeros.record.id);
      const listed = await tokens.list();
      deepEqual(
        new Set(listed.map(({ id, role, label }) => `${id} ${role} ${label}`)),
        new Set([`${zeros.record.id} auditor audit`, `${random.record.id} admin `]),
      );
      await store.close();
      const files = await readdir(directory);
      const bytes = await Promise.all(files.map((file) => readFile(join(directory, file))));
      ok(Buffer.concat(bytes).includes(random.record.hash), 'the search sees what is stored');
      ok(!Buffer.concat(bytes).includes(random.token.slice(8)));
    });
  });
});
