import type { StoredSalts } from '../../src/party/audit/stored-salts.ts';
import { commitTo } from '../../src/party/audit/value-commitment.ts';
import { seededRng } from './seeded-rng.ts';

/** Salts in memory, with the values that they are of. */
export function memorySalts(): StoredSalts & { readonly values: ReadonlyMap<string, Uint8Array> } {
  const rng = seededRng('salts');
  const salts = new Map<string, string>();
  const values = new Map<string, Uint8Array>();
  return {
    values,
    begin: () => {
      throw new Error('expected values in one piece');
    },
    async commit(value) {
      const { salt, commitment } = commitTo(value, rng);
      salts.set(commitment, salt);
      values.set(commitment, value);
      return commitment;
    },
    saltOf: async (commitment) => salts.get(commitment),
  };
}
