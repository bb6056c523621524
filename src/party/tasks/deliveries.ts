/** Results that become visible in this node's results folder, in the audit log. */
import { createReadStream } from 'node:fs';
import type { EntryBody } from '../audit/entry.ts';
import type { StoredSalts } from '../audit/stored-salts.ts';
import type { Trail } from '../audit/trail.ts';
import type { Write } from '../store.ts';

/** A file that is on this disk and becomes visible. */
export interface DeliveredFile {
  readonly what: Extract<EntryBody<'delivery'>['what'], 'model' | 'predictions' | 'intersection'>;
  readonly path: string;
}

export interface Deliveries {
  /**
   * Records that the node gives a task's file to whoever reads its results folder.
   *
   * @param scope - Attempt 0 is of a task of this node alone.
   * @param also - Written in the same batch as the entry.
   */
  record(
    scope: { readonly task: string; readonly attempt: number },
    file: DeliveredFile,
    also: Write,
  ): Promise<void>;
}

const READ_BYTES = 1 << 20;

export function deliveriesInto(trail: Trail, salts: Pick<StoredSalts, 'begin'>): Deliveries {
  return {
    async record({ task, attempt }, { what, path }, also) {
      const value = salts.begin();
      let bytes = 0;
      for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) {
        const piece = chunk as Buffer;
        value.update(piece);
        bytes += piece.length;
      }
      const { commitment, salt } = value.end();
      const body = { to: BY_NODE, what, bytes, value: commitment };
      await trail.record('delivery', { task, attempt: attempt || null }, body, () => [also, salt]);
    },
  };
}

const BY_NODE = { via: 'node', id: 'node' } as const;
