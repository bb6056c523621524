import { Store } from '../../src/party/store.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

/** Runs `use` with an empty store, which is closed and removed afterwards. */
export async function withTemporaryStore(use: (store: Store) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (path) => {
    const store = await Store.open(path);
    try {
      await use(store);
    } finally {
      await store.close();
    }
  });
}
