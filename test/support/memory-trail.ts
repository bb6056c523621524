import { decodeEntry, type Entry, type EntryKind } from '../../src/party/audit/entry.ts';
import { type Trail, trailInto } from '../../src/party/audit/trail.ts';
import type { Store } from '../../src/party/store.ts';
import { seededRng } from './seeded-rng.ts';

/** A trail whose entries stay in memory, encoded and decoded as in a node. */
export interface MemoryTrail extends Trail {
  readonly entries: readonly Entry[];
  /** Those of one kind, in order. */
  of<K extends EntryKind>(kind: K): readonly Entry<K>[];
}

/** @param store - Where what goes with entries is written; in tests without, nothing does. */
export function memoryTrail(now: () => number = () => 0, store?: Store): MemoryTrail {
  const entries: Entry[] = [];
  const trail = trailInto(
    {
      async append(added, also) {
        const indices = added.map(({ bytes }) => entries.push(decodeEntry(bytes)) - 1);
        if (also.length > 0) await store!.write(...also);
        return indices;
      },
      taskCount: async () => 0,
    },
    { now, rng: seededRng('trail') },
  );
  return {
    entries,
    record: trail.record,
    of: <K extends EntryKind>(kind: K) =>
      entries.filter((entry) => entry.kind === kind) as unknown as Entry<K>[],
  };
}
