import { isUtf8 } from 'node:buffer';
import { type Store, storeKey, type Write } from '../store.ts';
import { MAX_ENTRY_BYTES } from './entry.ts';
import { AuditError } from './errors.ts';
import { leafHash } from './merkle.ts';

/** Entries read at once. Own choice. */
const PAGE = 512;

/** An entry as it is handed to the log. */
export interface NewEntry {
  /** The task it is about, if any. */
  readonly task: string | null;
  /** UTF-8: its canonical JSON. What the log hashes. */
  readonly bytes: Uint8Array;
}

/** The entries of the log in the store. Which of them count is the log's affair. */
export class StoredEntries {
  readonly #entries;
  readonly #tasks;

  constructor(store: Store) {
    this.#entries = store.table<string>('auditEntries');
    this.#tasks = store.table<true>('auditTasks');
  }

  /** How many there are. Entries are written in order and in one piece, so the last one tells. */
  async count(): Promise<number> {
    const last = await this.#entries.last();
    return last ? Number(last[0]) + 1 : 0;
  }

  /** Throws `RangeError` or `TypeError` for an entry of which there can be no rows. */
  check({ task, bytes }: NewEntry): void {
    if (bytes.length > MAX_ENTRY_BYTES) {
      throw new RangeError(`"bytes" expected at most ${MAX_ENTRY_BYTES}, got ${bytes.length}`);
    }
    if (!isUtf8(bytes)) throw new TypeError('"bytes" expected UTF-8');
    if (task !== null) storeKey(task);
  }

  /** The rows of a new entry, once it is checked. */
  rows(index: number, { task, bytes }: NewEntry): readonly Write[] {
    const entry = this.#entries.put(storeKey(index), textOf(bytes));
    return task === null ? [entry] : [entry, this.#tasks.put(storeKey(task, index), true)];
  }

  async get(index: number): Promise<Uint8Array> {
    const text = await this.#entries.get(storeKey(index));
    if (text === undefined) throw missing(index);
    return bytesOf(text);
  }

  /** Entries [start, end), in order. Throws `corrupt_log` when one is missing. */
  async *range(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; ) {
      const page = await this.#entries.page(storeKey(at), Math.min(PAGE, end - at));
      if (page.length === 0) throw missing(at);
      for (const [key, text] of page) {
        if (key !== storeKey(at)) throw missing(at);
        yield bytesOf(text);
        at += 1;
      }
    }
  }

  async leafHashes(start: number, end: number): Promise<readonly Uint8Array[]> {
    const leaves: Uint8Array[] = [];
    for await (const entry of this.range(start, end)) leaves.push(leafHash(entry));
    return leaves;
  }

  /** Indices of the entries about a task, in order. */
  async ofTask(task: string): Promise<readonly number[]> {
    const rows = await this.#tasks.list(task);
    return rows.map(([key]) => Number(key.slice(task.length + 1)));
  }
}

/** Text and bytes are one: a byte order mark stays. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function missing(index: number): AuditError {
  return new AuditError('corrupt_log', `entry ${index} is missing from the store`);
}
