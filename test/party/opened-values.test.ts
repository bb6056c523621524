import { deepEqual, notEqual } from 'node:assert/strict';
import { counterKey, openedValues } from '../../src/party/opened-values.ts';
import { Store } from '../../src/party/store.ts';
import { withTemporaryDirectory } from '../support/temporary-directory.ts';

const [ONE, OTHER] = ['01', '02'].map((byte) => byte.repeat(32));

describe('opened values', () => {
  it('are those of one dataset, by peer and class', () =>
    withTemporaryDirectory(async (path) => {
      const store = await Store.open(path);
      const table = store.table<number>('budgets');
      await store.write(
        table.put(counterKey(ONE!, 'orgA', 'weights'), 6),
        table.put(counterKey(ONE!, 'orgA', 'validation_scores'), 200),
        table.put(counterKey(ONE!, 'orgB', 'weights'), 7),
        table.put(counterKey(OTHER!, 'orgA', 'weights'), 99),
      );
      deepEqual(Object.fromEntries(await openedValues(store, ONE!)), {
        'orgA/validation_scores': 200,
        'orgA/weights': 6,
        'orgB/weights': 7,
      });
      deepEqual((await openedValues(store, '03'.repeat(32))).size, 0);
      notEqual(counterKey(ONE!, 'orgA', 'weights'), counterKey(OTHER!, 'orgA', 'weights'));
      await store.close();
    }));
});
