import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CheckpointStore,
  checkpointStore,
} from '../../../src/party/tasks/checkpoint-store.ts';
import { PHASE_STEPS } from '../../../src/party/tasks/program.ts';
import type { CheckpointId } from '../../../src/party/tasks/standing.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const TASK = 'ab'.repeat(32);
const id = (attempt: number, step: number): CheckpointId => ({ attempt, step });

function withStore(use: (store: CheckpointStore, folder: string) => Promise<void>): Promise<void> {
  return withTemporaryDirectory(async (path) => {
    const folder = join(path, 'checkpoints');
    await use(checkpointStore(folder), folder);
  });
}

/** Saves one after another, each on the disk before the next. */
async function save(store: CheckpointStore, ...ids: readonly CheckpointId[]): Promise<void> {
  for (const each of ids) {
    store.save(TASK, each, new Uint8Array(100).fill(each.step));
    await store.settled(TASK);
  }
}

describe('checkpoint store', () => {
  it('keeps the newest and the start, for its owner alone', () =>
    withStore(async (store, folder) => {
      deepEqual(await store.list(TASK), []);
      deepEqual(await store.tasks(), []);
      const steps = [10, 20, 30, 40, 50, 60, 70].map((step) => id(1, step));
      await save(store, id(1, 0), ...steps, id(2, 5));
      deepEqual(await store.list(TASK), [id(2, 5), ...steps.slice(1).reverse(), id(1, 0)]);
      deepEqual(await store.load(TASK, id(1, 30)), new Uint8Array(100).fill(30));
      equal(await store.load(TASK, id(1, 10)), null);
      await save(store, id(2, 0)); // the start of a run that had nothing to resume from
      deepEqual(await store.list(TASK), [id(2, 5), id(2, 0), ...steps.slice(2).reverse()]);
      equal((await stat(join(folder, TASK, '2-5.bin'))).mode & 0o777, 0o600);
      deepEqual(await store.tasks(), [TASK]);
      // Another process finds the same.
      deepEqual(await checkpointStore(folder).list(TASK), await store.list(TASK));
      await store.remove(TASK);
      deepEqual([await store.list(TASK), await store.tasks()], [[], []]);
    }));

  it('keeps the start of a later phase in place of the first', () =>
    withStore(async (store) => {
      const later = [1, 2, 3, 4, 5, 6, 7, 8].map((step) => id(1, PHASE_STEPS + step));
      await save(store, id(1, 1), id(1, 2), id(1, PHASE_STEPS), ...later);
      deepEqual(await store.list(TASK), [...later.slice(1).reverse(), id(1, PHASE_STEPS)]);
    }));

  it('writes the newest of those that came meanwhile', () =>
    withStore(async (store) => {
      for (const step of [1, 2, 3, 4, 5]) store.save(TASK, id(1, step), new Uint8Array([step]));
      deepEqual(await store.list(TASK), [id(1, 5), id(1, 1)]);
      store.save(TASK, id(1, 6), new Uint8Array([6]));
      store.save(TASK, id(1, 7), new Uint8Array([7]));
      await store.remove(TASK);
      deepEqual(await store.list(TASK), []);
    }));

  it('does not take damage, a moved file or a stranger for a checkpoint', () =>
    withStore(async (store, folder) => {
      await save(store, id(1, 10), id(1, 20), id(1, 30));
      const file = (name: string): string => join(folder, TASK, name);
      const bytes = await readFile(file('1-30.bin'));
      bytes[50]! ^= 1;
      await writeFile(file('1-30.bin'), bytes);
      await writeFile(file('1-40.bin'), bytes.subarray(0, 20));
      await rename(file('1-20.bin'), file('2-20.bin'));
      await writeFile(file('.1-50.bin.tmp'), 'x');
      deepEqual(await store.list(TASK), [id(1, 10)]);
      equal(await store.load(TASK, id(2, 20)), null);
      throws(() => store.save('../x', id(1, 1), new Uint8Array()), TypeError);
    }));

  it('tells that a checkpoint could not be written', () =>
    withStore(async (store, folder) => {
      await writeFile(join(folder, '..', 'checkpoints'), 'a file where the folder should be');
      store.save(TASK, id(1, 1), new Uint8Array(1));
      await rejects(store.settled(TASK));
      store.save(TASK, id(1, 2), new Uint8Array(1));
      await rejects(store.settled(TASK), 'the next one is tried again');
    }));
});
