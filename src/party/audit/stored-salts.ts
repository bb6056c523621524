import type { Rng } from '../../protocols/primitives/rng.ts';
import type { Store } from '../store.ts';
import { commitTo } from './value-commitment.ts';

/** Commitments whose salts nothing else keeps: of policies, configurations and what was delivered. */
export interface StoredSalts {
  /** Commits to a value; the salt is on the disk before the commitment is told. */
  commit(value: Uint8Array): Promise<string>;
  /** What opens a commitment, hex. */
  saltOf(commitment: string): Promise<string | undefined>;
}

export function storedSalts(store: Store, rng: Rng): StoredSalts {
  const table = store.table<string>('auditSalts');
  return {
    async commit(value) {
      const { salt, commitment } = commitTo(value, rng);
      await store.write(table.put(commitment, salt));
      return commitment;
    },
    saltOf: (commitment) => table.get(commitment),
  };
}
