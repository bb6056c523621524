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

/** The number of a task's next entry. */
interface Counter {
  /** Settles once `seq` is right. */
  readonly ready: Promise<void>;
  seq: number;
  /** Entries on their way. */
  pending: number;
}

/** Tasks that are remembered, those used last, while none of their entries is on its way. Own choice. */
const MAX_COUNTERS = 1000;

/** A trail into `log`: gives entries their time, their salt and their number among the task's. */
export function trailInto(log: EntryLog, { now, rng }: TrailDeps): Trail {
  const counters = new Map<string, Counter>();

  /** The task's counter, for one entry more on its way. */
  function claim(task: string): Counter {
    const counter = counters.get(task) ?? newCounter(task);
    counter.pending += 1;
    counters.delete(task);
    counters.set(task, counter); // the one used last
    if (counters.size > MAX_COUNTERS) forgetOne();
    return counter;
  }

  function newCounter(task: string): Counter {
    const counter: Counter = {
      ready: log.taskCount(task).then((seq) => {
        counter.seq = seq;
      }),
      seq: 0,
      pending: 0,
    };
    counter.ready.catch(() => counters.delete(task));
    return counter;
  }

  /** Peers can begin tasks as often as they like: what is counted must not grow with that. */
  function forgetOne(): void {
    for (const [task, { pending }] of counters) {
      if (pending === 0) return void counters.delete(task);
    }
  }

  async function counted<T>(task: string, append: (counter: Counter) => Promise<T>): Promise<T> {
    const counter = claim(task);
    try {
      await counter.ready;
      return await append(counter);
    } finally {
      counter.pending -= 1;
    }
  }

  return {
    record(kind, { task = null, attempt = null }, body, also = () => []) {
      return task === null ? append(null) : counted(task, append);

      // Nothing waits before `log.append`, so numbers and places in the log have one order.
      async function append(counter: Counter | null): Promise<number> {
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
      }
    },
  };
}
