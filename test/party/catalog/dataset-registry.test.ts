import { deepEqual, equal, rejects } from 'node:assert/strict';
import { join } from 'node:path';
import { datasetRegistry } from '../../../src/party/catalog/dataset-registry.ts';
import { Store } from '../../../src/party/store.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');
const LOANS = { path: 'credit/loans.csv', type: 'csv' } as const;

describe('dataset registry', () => {
  it('keeps names over a restart, sorted', () =>
    withTemporaryDirectory(async (directory) => {
      const open = () => Store.open(join(directory, 'store'));
      let store = await open();
      const registry = datasetRegistry(store, () => NOW);
      await registry.put('loans', LOANS);
      await registry.put('a.b-c_2', { path: 'x.parquet', type: 'parquet' });
      await store.close();
      store = await open();
      const again = datasetRegistry(store, () => NOW);
      const createdAt = '2026-03-01T12:00:00.000Z';
      deepEqual(await again.list(), [
        { name: 'a.b-c_2', path: 'x.parquet', type: 'parquet', createdAt },
        { name: 'loans', ...LOANS, createdAt },
      ]);
      deepEqual(await again.find('loans'), { ...LOANS, createdAt });
      equal(await again.find('other'), undefined);
      await store.close();
    }));

  it('gives a name to one file at a time', () =>
    withTemporaryDirectory(async (directory) => {
      const store = await Store.open(join(directory, 'store'));
      let now = NOW;
      const registry = datasetRegistry(store, () => now);
      const first = await registry.put('loans', LOANS);
      now += 1000;
      deepEqual(await registry.put('loans', LOANS), first, 'the same again changes nothing');
      const other = { ...LOANS, path: 'other.csv' };
      await rejects(registry.put('loans', other), { code: 'CONFLICT', message: /remove it first/ });
      await registry.remove('loans');
      await rejects(registry.remove('loans'), { code: 'NOT_FOUND' });
      equal((await registry.put('loans', other)).path, 'other.csv');
      const both = [
        registry.put('new', LOANS),
        registry.put('new', other).then(
          () => 'both',
          () => 'one',
        ),
      ];
      deepEqual((await Promise.all(both))[1], 'one', 'two at once are one after the other');
      await store.close();
    }));

  it('refuses names that are none, and finds nothing under them', () =>
    withTemporaryDirectory(async (directory) => {
      const store = await Store.open(join(directory, 'store'));
      const registry = datasetRegistry(store, () => NOW);
      for (const name of ['', '.', '-a', 'a/b', 'a b', 'ä', 'a'.repeat(65), 'a.', 'dataset:a']) {
        await rejects(registry.put(name, LOANS), { code: 'INVALID_REQUEST' }, name);
        await rejects(registry.remove(name), { code: 'NOT_FOUND' }, name);
        equal(await registry.find(name), undefined, name);
      }
      await store.close();
    }));
});
