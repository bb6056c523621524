/** What the rest of the node calls to have something recorded, and how that becomes an entry. */
import type { Rng } from '../../protocols/primitives/rng.ts';
import type { Write } from '../store.ts';
import {
  ENTRY_SALT_BYTES,
  type Entry,
  type EntryBody,
  type EntryKind,
  encodeEntry,
} from './entry.ts';

/** What an entry is about. Null or left out: nothing of the kind. */
export interface EntryScope {
  /** The task's id. */
  readonly task?: string | null;
  readonly attempt?: number | null;
}

/** The one way into the audit log. */
export interface Trail {
  /**
   * Appends an entry; resolves with its index once it is on the disk. Entries of one task have the
   * order of the calls. Throws when it cannot be written: then what it is about must not happen.
   *
   * @param also - Called in the moment in which the entry takes its place; what it returns is written
   *   in the same batch, so that both are on the disk or neither. When it throws, nothing is recorded.
   */
  readonly record: <K extends EntryKind>(
    kind: K,
    scope: EntryScope,
    body: EntryBody<K>,
    also?: () => readonly Write[],
  ) => Promise<number>;
}

/** What a trail needs of the log below it. */
export interface EntryLog {
  /** Appends encoded entries of one task, or of none, in the order of the calls; see `AuditLog`. */
  append(
    entries: readonly { readonly task: string | null; readonly bytes: Uint8Array }[],
    also: readonly Write[],
  ): Promise<readonly number[]>;
  /** How many entries of a task there are. */
  taskCount(task: string): Promise<number>;
}

export interface TrailDeps {
  /** Unix ms. */
  readonly now: () => number;
  readonly rng: Rng;
}

/** A trail into `log`: gives entries their time, their salt and their number among the task's. */
export function trailInto(log: EntryLog, { now, rng }: TrailDeps): Trail {
  /** For each task the number of its next entry, or when that will be known. */
  const next = new Map<string, Promise<{ seq: number }>>();
  const counterOf = (task: string): Promise<{ seq: number }> => {
    let counter = next.get(task);
    if (!counter) {
      counter = log.taskCount(task).then((seq) => ({ seq }));
      counter.catch(() => next.delete(task));
      next.set(task, counter);
    }
    return counter;
  };
  return {
    async record(kind, { task = null, attempt = null }, body, also = () => []) {
      const counter = task === null ? null : await counterOf(task);
      // From here to `append` nothing waits, so numbers and places in the log have one order.
      const entry = {
        v: 1,
        kind,
        time: new Date(now()).toISOString(),
        salt: Buffer.from(rng(ENTRY_SALT_BYTES)).toString('hex'),
        task,
        seq: counter?.seq ?? null,
        attempt,
        body,
      } as Entry;
      const bytes = encodeEntry(entry);
      const writes = also();
      if (counter) counter.seq += 1;
      const [index] = await log.append([{ task, bytes }], writes);
      return index!;
    },
  };
}
