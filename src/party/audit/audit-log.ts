import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../durable-file.ts';
import { type Store, storeKey, type Write } from '../store.ts';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { AuditError } from './errors.ts';
import type { LogKey } from './log-key.ts';
import { completeSubtrees, Frontier, leafHash } from './merkle.ts';
import { consistencyProof, inclusionProof, treeRoot } from './merkle-proof.ts';
import { type NoteSignature, parseNote, signNote, withSignature } from './signed-note.ts';
import { type NewEntry, StoredEntries } from './stored-entries.ts';
import { TileTree } from './tile-tree.ts';

/** Bytes of entries that one write makes durable, unless one call has more. Own choice. */
const MAX_GROUP_BYTES = 4 << 20;

/** Full tiles that may wait for the disk, at 8 KiB each, before appends wait too. Own choice. */
const MAX_UNWRITTEN_TILES = 64;

export interface AuditLogOptions {
  /** Where tiles and the last checkpoint stand, `auditFolder`. */
  readonly folder: string;
}

export interface AuditLogDeps {
  readonly store: Store;
  readonly key: Pick<LogKey, 'origin' | 'checkpoints'>;
}

/** A tree by its size and root. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

export interface SignedCheckpoint extends TreeHead {
  /** The note that the log signed, with the cosignatures that were added. */
  readonly note: string;
}

/** An append that waits for its turn. */
interface Waiting {
  readonly entries: readonly NewEntry[];
  readonly also: readonly Write[];
  resolve(indices: readonly number[]): void;
  reject(error: unknown): void;
}

/**
 * The audit log of a node: entries in the store, their Merkle tree in tiles. An entry is in one of two
 * states. *Appended*: synced to the disk, its index fixed, below `size`. *Checkpointed*: below the size
 * of `lastCheckpoint`, whose root the log signed. The end of the process at any moment loses no appended
 * entry.
 */
export class AuditLog {
  readonly #folder: string;
  readonly #store: Store;
  readonly #key: AuditLogDeps['key'];
  readonly #entries: StoredEntries;
  readonly #checkpoints;
  readonly #tree: TileTree;
  readonly #frontier: Frontier;
  readonly #waiting: Waiting[] = [];
  #last: SignedCheckpoint | null;
  #committing: Promise<void> | null = null;
  #refusal: AuditError | null = null;

  private constructor(
    { folder }: AuditLogOptions,
    { store, key }: AuditLogDeps,
    entries: StoredEntries,
    tree: TileTree,
    frontier: Frontier,
    last: SignedCheckpoint | null,
  ) {
    this.#folder = folder;
    this.#store = store;
    this.#key = key;
    this.#entries = entries;
    this.#checkpoints = store.table<string>('auditCheckpoints');
    this.#tree = tree;
    this.#frontier = frontier;
    this.#last = last;
  }

  /**
   * Opens the log and mends what a crash left behind: tiles that lag behind the entries. Reads its right
   * edge and the entries since its last checkpoint, no others. Throws `corrupt_log` unless the log is
   * still the one whose last checkpoint it signed, and `bad_log_key` when another key signed that.
   */
  static async open(options: AuditLogOptions, deps: AuditLogDeps): Promise<AuditLog> {
    const entries = new StoredEntries(deps.store);
    const size = await entries.count();
    const last = await lastCheckpointOf(deps);
    if (last && last.size > size) {
      throw corrupt(`it has ${size} entries and signed a checkpoint of ${last.size}`);
    }
    const leafHashes = entries.leafHashes.bind(entries);
    const sizes = { size, published: last?.size ?? 0 };
    let tree = await TileTree.open(options.folder, sizes, leafHashes);
    if (last && !(await hasRoot(tree, last))) {
      // The entries decide: tiles are a copy.
      await rm(join(options.folder, 'tile'), { recursive: true, force: true });
      tree = await TileTree.open(options.folder, sizes, leafHashes);
      await tree.publish();
      if (!(await hasRoot(tree, last))) {
        throw corrupt(`its first ${last.size} entries are not those whose checkpoint it signed`);
      }
    }
    const hashes = completeSubtrees(0, size).map(({ level, index }) => tree.hashOf(level, index));
    const frontier = Frontier.of(size, await Promise.all(hashes));
    const log = new AuditLog(options, deps, entries, tree, frontier, last);
    if (last) await log.#writeCheckpointFile(last.note);
    return log;
  }

  /** First line of the checkpoints. */
  get origin(): string {
    return this.#key.origin;
  }

  /** Entries that are appended. */
  get size(): number {
    return this.#frontier.size;
  }

  /** Size and root of what is appended. */
  head(): TreeHead {
    return { size: this.#frontier.size, root: this.#frontier.root() };
  }

  /** What the log signed last. */
  lastCheckpoint(): SignedCheckpoint | null {
    return this.#last;
  }

  /**
   * Appends entries, all or none, in the order of the calls. Resolves with their indices once they are
   * synced; what waits meanwhile is written together. Throws `log_failed` from the first write that
   * fails until the log is reopened: only then is it known what the disk has.
   *
   * @param also - Written in the same batch, so that both are on the disk or neither.
   */
  async append(
    entries: readonly NewEntry[],
    also: readonly Write[] = [],
  ): Promise<readonly number[]> {
    for (const entry of entries) this.#entries.check(entry);
    if (this.#refusal) throw this.#refusal;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, also, resolve, reject });
      this.#committing ??= this.#commitAll();
    });
  }

  /** The entry's bytes. Throws `RangeError` beyond `size`. */
  async entry(index: number): Promise<Uint8Array> {
    this.#checkSize('index', index + 1);
    return this.#entries.get(index);
  }

  /** Entries [start, end), in order, a page in memory at a time. */
  entries(start: number, end: number): AsyncIterable<Uint8Array> {
    this.#checkSize('end', end);
    return this.#entries.range(start, end);
  }

  /** Indices of the entries about a task, in order. */
  async taskIndices(task: string): Promise<readonly number[]> {
    const { size } = this;
    return (await this.#entries.ofTask(task)).filter((index) => index < size);
  }

  /** How many entries about a task are appended. */
  async taskCount(task: string): Promise<number> {
    return (await this.taskIndices(task)).length;
  }

  /** The root of the first `size` entries. */
  async rootOf(size: number): Promise<Uint8Array> {
    this.#checkSize('size', size);
    return treeRoot(size, this.#tree.hashOf);
  }

  /** That entry `index` is in the tree of the first `size` entries. */
  async inclusionProof(index: number, size: number): Promise<readonly Uint8Array[]> {
    this.#checkSize('size', size);
    return inclusionProof(index, size, this.#tree.hashOf);
  }

  /** That the tree of the first `second` entries begins with that of the first `first`. */
  async consistencyProof(first: number, second: number): Promise<readonly Uint8Array[]> {
    this.#checkSize('second', second);
    return consistencyProof(first, second, this.#tree.hashOf);
  }

  /**
   * Signs size and root of what is appended, once all tiles of that tree are on the disk. The last
   * checkpoint again when nothing was appended since.
   */
  async checkpoint(): Promise<SignedCheckpoint> {
    return this.#store.exclusive('audit/checkpoints', async () => {
      if (this.#refusal) throw this.#refusal;
      const head = this.head();
      if (this.#last?.size === head.size) return this.#last;
      await this.#tree.publish();
      const text = formatCheckpoint({ origin: this.#key.origin, ...head });
      return this.#keep({ ...head, note: signNote(text, this.#key.checkpoints) });
    });
  }

  /**
   * Adds a witness's cosignature to the checkpoint of `size`. Whoever calls this has verified it. Throws
   * `RangeError` when there is no such checkpoint.
   */
  async addCosignature(size: number, line: NoteSignature): Promise<SignedCheckpoint> {
    return this.#store.exclusive('audit/checkpoints', async () => {
      const note = await this.#checkpoints.get(storeKey(size));
      if (note === undefined) throw new RangeError(`"size" has no checkpoint: ${size}`);
      return this.#keep(signedCheckpoint(withSignature(note, line)));
    });
  }

  /** Up to `limit` checkpoints from the size `from` on, smallest first. */
  async checkpoints(from: number, limit: number): Promise<readonly SignedCheckpoint[]> {
    const rows = await this.#checkpoints.page(storeKey(from), limit);
    return rows.map(([, note]) => signedCheckpoint(note));
  }

  /** Waits for the appends so far and for their tiles; refuses later ones with `log_closed`. */
  async close(): Promise<void> {
    this.#refusal ??= new AuditError('log_closed', 'the audit log is closed');
    await this.#committing;
    await this.#tree.flush();
  }

  async #commitAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup();
      try {
        await this.#commit(group);
      } catch (cause) {
        this.#fail(cause, group);
        break;
      }
      if (this.#tree.unwritten === 0) continue;
      // Not awaited: tiles can be made anew. When one cannot be written, `checkpoint` tells.
      const flushed = this.#tree.flush().catch(() => undefined);
      if (this.#tree.unwritten > MAX_UNWRITTEN_TILES) await flushed;
    }
    this.#committing = null;
  }

  #nextGroup(): readonly Waiting[] {
    let [bytes, calls] = [0, 0];
    for (const { entries } of this.#waiting) {
      for (const entry of entries) bytes += entry.bytes.length;
      if (calls > 0 && bytes > MAX_GROUP_BYTES) break;
      calls += 1;
    }
    return this.#waiting.splice(0, calls);
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const entries = group.flatMap((call) => call.entries);
    const first = this.size;
    const leaves = entries.map(({ bytes }) => leafHash(bytes));
    const rows = entries.flatMap((entry, i) => this.#entries.rows(first + i, entry));
    await this.#store.write(...rows, ...group.flatMap(({ also }) => also));
    for (const leaf of leaves) {
      this.#frontier.append(leaf);
      this.#tree.append(leaf);
    }
    let index = first;
    for (const call of group) call.resolve(call.entries.map(() => index++));
  }

  #fail(cause: unknown, group: readonly Waiting[]): void {
    const message = 'an entry could not be written: nothing is recorded until the node restarts';
    this.#refusal = new AuditError('log_failed', message, { cause });
    for (const call of [...group, ...this.#waiting.splice(0)]) call.reject(this.#refusal);
  }

  async #keep(checkpoint: SignedCheckpoint): Promise<SignedCheckpoint> {
    const { size, note } = checkpoint;
    await this.#store.write(this.#checkpoints.put(storeKey(size), note));
    if (size < (this.#last?.size ?? 0)) return checkpoint;
    this.#last = checkpoint;
    await this.#writeCheckpointFile(note);
    return checkpoint;
  }

  async #writeCheckpointFile(note: string): Promise<void> {
    await writeDurably(join(this.#folder, 'checkpoint'), note, { mode: 0o600, folderMode: 0o700 });
  }

  #checkSize(name: string, size: number): void {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size) {
      throw new RangeError(`"${name}" expected at most ${this.size} entries, got ${size}`);
    }
  }
}

/** Whether the log in a store has a checkpoint, so that it belongs to a key. */
export async function isSigned(store: Store): Promise<boolean> {
  return (await store.table<string>('auditCheckpoints').last()) !== undefined;
}

async function lastCheckpointOf({ store, key }: AuditLogDeps): Promise<SignedCheckpoint | null> {
  const last = await store.table<string>('auditCheckpoints').last();
  if (!last) return null;
  const [, note] = last;
  const { name, keyId } = key.checkpoints;
  if (!parseNote(note).signatures.some((line) => line.name === name && line.keyId === keyId)) {
    const message =
      'another key than this log.key signed the audit log: put back the copy of that one';
    throw new AuditError('bad_log_key', message);
  }
  return signedCheckpoint(note);
}

function signedCheckpoint(note: string): SignedCheckpoint {
  const { size, root } = parseCheckpoint(parseNote(note).text);
  return { size, root, note };
}

async function hasRoot(tree: TileTree, { size, root }: TreeHead): Promise<boolean> {
  return Buffer.compare(await treeRoot(size, tree.hashOf), root) === 0;
}

function corrupt(problem: string): AuditError {
  return new AuditError('corrupt_log', `the audit log is not what it was: ${problem}`);
}
