import { equal, notEqual } from 'node:assert/strict';
import { join } from 'node:path';
import { storedSalts } from '../../../src/party/audit/stored-salts.ts';
import { valueCommitment } from '../../../src/party/audit/value-commitment.ts';
import { Store } from '../../../src/party/store.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

describe('stored salts', () => {
  it('open what was committed to, after the store was closed too', () =>
    withTemporaryDirectory(async (directory) => {
      const value = Uint8Array.of(1, 2, 3);
      const path = join(directory, 'store');
      const store = await Store.open(path);
      const salts = storedSalts(store, seededRng('salts'));
      const [first, second] = [await salts.commit(value), await salts.commit(value)];
      notEqual(first, second);
      await store.close();
      const again = await Store.open(path);
      try {
        const kept = storedSalts(again, seededRng('salts'));
        const salt = Buffer.from((await kept.saltOf(second))!, 'hex');
        equal(valueCommitment(salt, value), second);
        equal(await kept.saltOf('00'.repeat(32)), undefined);
      } finally {
        await again.close();
      }
    }));
});
