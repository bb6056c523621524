import { deepEqual, equal } from 'node:assert/strict';
import { Store } from '../../src/party/store.ts';
import { storedAttempts } from '../../src/party/stored-attempts.ts';
import { type AttemptStore, memoryAttempts } from '../../src/party/transport/attempts.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';
import { withTemporaryStore } from '../support/temporary-store.ts';

const task = new Uint8Array(32).fill(1);
const other = new Uint8Array(32).fill(2);

async function withStored(use: (attempts: AttemptStore) => Promise<void>): Promise<void> {
  await withTemporaryStore((store) => use(storedAttempts(store)));
}

const implementations: readonly [
  string,
  (use: (attempts: AttemptStore) => Promise<void>) => Promise<void>,
][] = [
  ['in memory', (use) => use(memoryAttempts())],
  ['stored', withStored],
];

for (const [name, provide] of implementations) {
  describe(`attempts, ${name}`, () => {
    it('only ever increase with each peer', () =>
      provide(async (attempts) => {
        equal(await attempts.next(task), 1);
        equal(await attempts.claim(task, 'orgB', 1), 'claimed');
        equal(await attempts.claim(task, 'orgB', 1), 'stale');
        equal(await attempts.claim(task, 'orgC', 1), 'claimed', 'one attempt, two peers');
        equal(await attempts.next(task), 2);
        equal(await attempts.claim(task, 'orgB', 5), 'claimed');
        equal(await attempts.claim(task, 'orgC', 4), 'stale', 'a later one with another peer');
        equal(await attempts.claim(task, 'constructor', 5), 'claimed');
        equal(await attempts.next(task), 6);
      }));

    it('of one task are not those of another', () =>
      provide(async (attempts) => {
        await attempts.claim(task, 'orgB', 3);
        equal(await attempts.next(other), 1);
        equal(await attempts.claim(other, 'orgB', 1), 'claimed');
      }));

    it('end with the task', () =>
      provide(async (attempts) => {
        await attempts.claim(task, 'orgB', 1);
        await attempts.finish(task);
        equal(await attempts.claim(task, 'orgB', 2), 'finished');
        equal(await attempts.claim(task, 'orgC', 9), 'finished');
        equal(await attempts.claim(other, 'orgB', 1), 'claimed');
      }));

    it('are claimed by one of several at once', () =>
      provide(async (attempts) => {
        const claims = Array.from({ length: 5 }, () => attempts.claim(task, 'orgB', 1));
        const got = (await Promise.all(claims)).toSorted();
        deepEqual(got, ['claimed', 'stale', 'stale', 'stale', 'stale']);
      }));
  });
}

describe('stored attempts', () => {
  it('survive a restart', () =>
    withTemporaryDirectory(async (path) => {
      const first = await Store.open(path);
      await storedAttempts(first).claim(task, 'orgB', 4);
      await storedAttempts(first).finish(other);
      await first.close();
      const second = await Store.open(path);
      const attempts = storedAttempts(second);
      equal(await attempts.next(task), 5);
      equal(await attempts.claim(task, 'orgB', 4), 'stale');
      equal(await attempts.claim(other, 'orgB', 1), 'finished');
      await second.close();
    }));
});
