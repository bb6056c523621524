import type { Rng } from '../../protocols/primitives/rng.ts';
import type { Store, Write } from '../store.ts';
import { commitTo, streamedCommitment, VALUE_SALT_BYTES } from './value-commitment.ts';

/** Commitments whose salts nothing else keeps: of policies, configurations and what was delivered. */
export interface StoredSalts {
  /** Commits to a value in pieces; whoever tells the commitment writes the salt, in one batch with it. */
  begin(): StreamedCommitment;
  /** Commits to a value; the salt is on the disk before the commitment is told. */
  commit(value: Uint8Array): Promise<string>;
  /** What opens a commitment, hex. */
  saltOf(commitment: string): Promise<string | undefined>;
}

/** A value that is too long for one piece, on its way into a commitment. */
export interface StreamedCommitment {
  update(piece: Uint8Array): void;
  end(): { readonly commitment: string; readonly salt: Write };
}

export function storedSalts(store: Store, rng: Rng): StoredSalts {
  const table = store.table<string>('auditSalts');
  return {
    begin() {
      const salt = rng(VALUE_SALT_BYTES);
      const hmac = streamedCommitment(salt);
      return {
        update: (piece) => void hmac.update(piece),
        end() {
          const commitment = hmac.digest('hex');
          return { commitment, salt: table.put(commitment, Buffer.from(salt).toString('hex')) };
        },
      };
    },
    async commit(value) {
      const { salt, commitment } = commitTo(value, rng);
      await store.write(table.put(commitment, salt));
      return commitment;
    },
    saltOf: (commitment) => table.get(commitment),
  };
}
