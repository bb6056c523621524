import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Store } from '../../src/party/store.ts';
import {
  createToken,
  listTokens,
  ROLES,
  revokeToken,
  verifyToken,
} from '../../src/party/tokens.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

async function withStore(use: (store: Store, directory: string) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const store = await Store.open(directory);
    try {
      await use(store, directory);
    } finally {
      await store.close();
    }
  });
}

describe('tokens', () => {
  it('recognises a token with its role, until it is revoked', async () => {
    await withStore(async (store) => {
      for (const role of ROLES) {
        const { token, record } = await createToken(store, { role, label: 'x' }, systemRng);
        match(token, /^entente_[A-Za-z0-9_-]{43}$/);
        deepEqual(await verifyToken(store, token), { id: record.id, role });
        equal(await revokeToken(store, record.id), true);
        equal(await verifyToken(store, token), null);
        equal(await revokeToken(store, record.id), false);
      }
    });
  });

  it('refuses what is no token of this node', async () => {
    await withStore(async (store) => {
      const { token } = await createToken(store, { role: 'admin' }, systemRng);
      const other = token.endsWith('A') ? 'B' : 'A';
      const wrong = ['', 'entente_', `${token}A`, token.slice(0, -1), token.slice(8), ` ${token}`];
      for (const each of [...wrong, `${token.slice(0, 20)}${other}${token.slice(21)}`]) {
        if (each !== token) equal(await verifyToken(store, each), null, each);
      }
    });
  });

  it('compares the whole hash, not only the id', async () => {
    await withStore(async (store) => {
      const { token, record } = await createToken(store, { role: 'admin' }, systemRng);
      const hash = `${record.hash.slice(0, -1)}${record.hash.endsWith('0') ? '1' : '0'}`;
      await store.write(store.table('tokens').put(record.id, { ...record, hash }));
      equal(await verifyToken(store, token), null);
    });
  });

  it('lists tokens and stores none', async () => {
    await withStore(async (store, directory) => {
      const zeros = await createToken(
        store,
        { role: 'auditor', label: 'audit' },
        (length) => new Uint8Array(length),
      );
      equal(zeros.token, `entente_${'A'.repeat(43)}`);
      const random = await createToken(store, { role: 'admin' }, systemRng);
      notEqual(random.record.id, zeros.record.id);
      const listed = await listTokens(store);
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
