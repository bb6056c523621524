import { deepEqual, throws } from 'node:assert/strict';
import { type Count, openedCounts, openedValues } from '../../src/party/opened-values.ts';
import { withTemporaryStore } from '../support/temporary-store.ts';

const [ONE, OTHER] = ['01', '02'].map((byte) => byte.repeat(32));

const count = (dataset: string, peer: string, name: string, most: number | null = null): Count => ({
  dataset,
  peer,
  class: name,
  most,
});

describe('opened values', () => {
  it('are those of one dataset, by peer and class', () =>
    withTemporaryStore(async (store) => {
      const counts = openedCounts(store);
      const added: [Count, number][] = [
        [count(ONE!, 'orgA', 'weights'), 6],
        [count(ONE!, 'orgA', 'validation_scores'), 200],
        [count(ONE!, 'orgB', 'weights'), 7],
        [count(OTHER!, 'orgA', 'weights'), 99],
      ];
      for (const [each, elements] of added) {
        await counts.load([each]);
        await store.write(...counts.add([each], elements));
      }
      deepEqual(Object.fromEntries(await openedValues(store, ONE!)), {
        'orgA/validation_scores': 200,
        'orgA/weights': 6,
        'orgB/weights': 7,
      });
      deepEqual(Object.fromEntries(await openedValues(store, OTHER!)), { 'orgA/weights': 99 });
      deepEqual((await openedValues(store, '03'.repeat(32))).size, 0);
    }));
});

describe('opened counts', () => {
  it('hold before they are written, and go on from what the store has', () =>
    withTemporaryStore(async (store) => {
      const weights = count(ONE!, 'orgA', 'weights', 20);
      const first = openedCounts(store);
      await Promise.all([first.load([weights]), first.load([weights])]);
      const writes = [...first.add([weights], 6), ...first.add([weights], 7)];
      throws(() => first.add([weights], 8), { code: 'BUDGET_EXCEEDED' });
      await store.write(...writes);
      deepEqual(Object.fromEntries(await openedValues(store, ONE!)), { 'orgA/weights': 13 });
      const restarted = openedCounts(store);
      await restarted.load([weights]);
      throws(() => restarted.add([weights], 8), { code: 'BUDGET_EXCEEDED' });
      restarted.add([weights], 7);
    }));

  it('are added all or none', () =>
    withTemporaryStore(async (store) => {
      const [a, b] = [count(ONE!, 'orgA', 'weights', 9), count(ONE!, 'orgB', 'weights', 5)];
      const counts = openedCounts(store);
      await counts.load([a, b]);
      throws(() => counts.add([a, b], 6), {
        code: 'BUDGET_EXCEEDED',
        message: /orgB may not learn/,
      });
      await store.write(...counts.add([a], 9));
      deepEqual(Object.fromEntries(await openedValues(store, ONE!)), { 'orgA/weights': 9 });
    }));
});
