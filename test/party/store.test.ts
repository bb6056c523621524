import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { Store, storeKey } from '../../src/party/store.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

/** Runs `use` with an open store in a directory of its own. */
async function withStore(use: (store: Store, path: string) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const path = join(directory, 'state');
    const store = await Store.open(path);
    try {
      await use(store, path);
    } finally {
      await store.close();
    }
  });
}

describe('store key', () => {
  it('orders numbers as numbers', () => {
    const keys = [0, 1, 9, 10, 255, 2 ** 40, Number.MAX_SAFE_INTEGER].map((n) => storeKey('t', n));
    deepEqual(keys.toSorted(), keys);
  });

  it('refuses what would break the order or the layout', () => {
    for (const part of [-1, 1.5, 2 ** 53, Number.NaN, '', 'a/b']) {
      throws(() => storeKey('t', part), RangeError, String(part));
    }
  });
});

describe('store', () => {
  it('returns what was written, by kind, and undefined for what was not', () =>
    withStore(async (store) => {
      const tasks = store.table<{ n: number }>('tasks');
      await store.write(tasks.put('a', { n: 1 }));
      deepEqual(await tasks.get('a'), { n: 1 });
      equal(await tasks.get('b'), undefined);
      equal(await store.table('models').get('a'), undefined);
      await store.write(tasks.delete('a'));
      equal(await tasks.get('a'), undefined);
    }));

  it('keeps everything over a restart, in a directory for its owner alone', () =>
    withTemporaryDirectory(async (directory) => {
      const path = join(directory, 'deep', 'state');
      const first = await Store.open(path);
      const votes = first.table<string>('votes');
      await first.write(votes.put('x', 'yes'), first.table('tasks').put('x', 1));
      await first.close();
      equal(statSync(path).mode & 0o777, 0o700);
      const second = await Store.open(path);
      equal(await second.table('votes').get('x'), 'yes');
      equal(await second.table('tasks').get('x'), 1);
      await second.close();
    }));

  it('lists a prefix in order, without its neighbours', () =>
    withStore(async (store) => {
      const table = store.table<number>('disclosures');
      const keys = [
        storeKey('t', 2),
        storeKey('t', 10),
        storeKey('t', 1),
        't',
        't0',
        'tt/1',
        's/1',
      ];
      await store.write(...keys.map((key, i) => table.put(key, i)));
      deepEqual(
        (await table.list('t')).map(([key]) => key),
        [storeKey('t', 1), storeKey('t', 2), storeKey('t', 10)],
      );
      deepEqual(await table.last('t'), [storeKey('t', 10), 1]);
      equal(await table.last('u'), undefined);
      equal((await table.list()).length, keys.length);
    }));

  it('makes all changes or none', () =>
    withStore(async (store) => {
      const tasks = store.table<unknown>('tasks');
      const cyclic: { self?: unknown } = {};
      cyclic.self = cyclic;
      await rejects(store.write(tasks.put('a', 1), tasks.put('b', cyclic)));
      deepEqual(await tasks.list(), []);
      throws(() => tasks.put('a', undefined), TypeError);
    }));

  it('says that another node uses the directory', () =>
    withStore(async (_store, path) => {
      await rejects(Store.open(path), { code: 'LOCKED', message: /another node uses/ });
    }));

  it('says that a directory cannot be opened', () =>
    withTemporaryDirectory(async (directory) => {
      const file = join(directory, 'file');
      writeFileSync(file, '');
      await rejects(Store.open(file), { code: 'UNAVAILABLE' });
    }));

  it('refuses values of another version', () =>
    withTemporaryDirectory(async (path) => {
      const raw = new Level<string, unknown>(path, { valueEncoding: 'json' });
      await raw.sublevel<string, unknown>('tasks', { valueEncoding: 'json' }).put('a', {
        v: 2,
        value: 1,
      });
      await raw.close();
      const store = await Store.open(path);
      await rejects(store.table('tasks').get('a'), { code: 'VERSION' });
      await store.close();
    }));

  it('refuses everything once closed', () =>
    withTemporaryDirectory(async (path) => {
      const store = await Store.open(path);
      const table = store.table<number>('tasks');
      await store.close();
      await rejects(table.get('a'), { code: 'CLOSED' });
      await rejects(table.list(), { code: 'CLOSED' });
      await rejects(store.write(table.put('a', 1)), { code: 'CLOSED' });
    }));

  it('runs exclusive work of one name in order, and of different names side by side', () =>
    withStore(async (store) => {
      const seen: string[] = [];
      let release = (): void => {};
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const first = store.exclusive('x', async () => {
        await gate;
        seen.push('first');
        throw new Error('does not stop the next');
      });
      const second = store.exclusive('x', async () => seen.push('second'));
      await store.exclusive('y', async () => seen.push('other'));
      release();
      await rejects(first);
      await second;
      deepEqual(seen, ['other', 'first', 'second']);
    }));

  it('waits for exclusive work when it closes', () =>
    withTemporaryDirectory(async (path) => {
      const store = await Store.open(path);
      const table = store.table<number>('tasks');
      const work = store.exclusive('x', async () => {
        await table.get('a');
        await store.write(table.put('a', 1));
      });
      await store.close();
      await work;
      const again = await Store.open(path);
      equal(await again.table('tasks').get('a'), 1);
      await again.close();
    }));
});
