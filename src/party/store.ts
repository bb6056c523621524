/**
 * What a node must not forget, in LevelDB: one sublevel a kind, JSON values, synced before a write
 * resolves. Files (models, shares, data) are kept beside it; their manifests are here.
 *
 *   contracts     taskId                       consensus record: state, why it ended, contract if voted for
 *   votes         taskId / signer              signed vote; a node's own with rule and salt
 *   certificates  taskId                       start certificate, its digest, when it was committed
 *   nonces        party / nonce                taskId that used it
 *   receipts      taskId / attempt / party     signed result receipt
 *   openings      taskId / attempt / field     what opens a commitment in this node's own receipt
 *   attempts      taskId                       highest attempt, by peer; finished
 *   disclosures   taskId / seq                 one opening of protected values
 *   offers        commitment                   dataset terms this node described, with their salt
 *   tasks         taskId                       the task's row
 *   events        taskId / seq                 one change of a task's state or phase
 *   results       taskId                       a result that is on this disk and not published yet
 *   models        modelId                      manifest of a model or of a share of one
 *   datasets      name                         a registered dataset: its path and type
 *   budgets       dataset / peer / class       values that the peer learned so far, over all tasks
 *   idempotency   digest of caller, path, key  the reply to a call that must not run twice
 *   tokens        token id                     hashed HTTP token with its roles
 *   auditEntries      index                    an entry of the audit log: its canonical JSON
 *   auditTasks        taskId / index           an entry that is about the task
 *   auditCheckpoints  size                     a checkpoint of the audit log: a signed note
 *   auditWitnesses    party                    its log key, the last states confirmed both ways
 *   auditPeers        party                    fingerprint with which the log has it pinned
 *   auditPinnedWitnesses  witness              fingerprint with which the log has it pinned
 *   auditCosigners    witness                  the last checkpoint cosigned by a witness that is no party
 *   auditSalts        commitment               what opens it, where nothing else keeps it
 *
 * Numbers in keys are 16 decimal digits, so that their order is the keys' order.
 */
import { mkdir } from 'node:fs/promises';
import { Level } from 'level';

const KINDS = [
  'contracts',
  'votes',
  'certificates',
  'nonces',
  'receipts',
  'openings',
  'attempts',
  'disclosures',
  'offers',
  'tasks',
  'events',
  'results',
  'models',
  'datasets',
  'budgets',
  'idempotency',
  'tokens',
  'auditEntries',
  'auditTasks',
  'auditCheckpoints',
  'auditWitnesses',
  'auditPeers',
  'auditPinnedWitnesses',
  'auditCosigners',
  'auditSalts',
] as const;

export type Kind = (typeof KINDS)[number];

export type StoreErrorCode =
  | 'LOCKED' // another process has the directory open
  | 'UNAVAILABLE' // the directory cannot be opened
  | 'VERSION' // a value was written by another version of this program
  | 'CLOSED';

/** The store cannot do what was asked. Tests and callers look at `code`. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}

/** Version of the values' layout; bound to each value so that a later program can tell. */
const VALUE_VERSION = 1;

interface StoredValue {
  readonly v: number;
  readonly value: unknown;
}

/** One change, for `Store.write`. */
export interface Write {
  readonly kind: Kind;
  readonly key: string;
  /** `undefined` deletes the key. */
  readonly value: unknown;
}

/** The values of one kind. `T` is what this program itself wrote: it is not checked again. */
export interface Table<T> {
  get(key: string): Promise<T | undefined>;
  /** Every value whose key is below `prefix` (all without one), in the order of the keys. */
  list(prefix?: string): Promise<readonly (readonly [key: string, value: T])[]>;
  /** Up to `limit` values from the key `from` on, in the order of the keys. */
  page(from: string, limit: number): Promise<readonly (readonly [key: string, value: T])[]>;
  /** The last value below `prefix` (of all without one). */
  last(prefix?: string): Promise<readonly [key: string, value: T] | undefined>;
  /** A change to hand to `Store.write`; nothing happens before. */
  put(key: string, value: T): Write;
  delete(key: string): Write;
}

/** Joins the parts of a key. Numbers are non-negative integers; strings have no `/`. */
export function storeKey(...parts: readonly (string | number)[]): string {
  return parts
    .map((part) => {
      if (typeof part === 'number') {
        if (!Number.isSafeInteger(part) || part < 0) {
          throw new RangeError(`"parts" expected integers >= 0, got ${part}`);
        }
        return String(part).padStart(16, '0');
      }
      if (part === '' || part.includes('/')) {
        throw new RangeError(`"parts" expected words without "/", got ${JSON.stringify(part)}`);
      }
      return part;
    })
    .join('/');
}

/** The keys below a prefix: `0` follows `/` in ASCII. */
function below(prefix: string): { gte: string; lt: string } {
  return { gte: `${prefix}/`, lt: `${prefix}0` };
}

export class Store {
  readonly #level: Level<string, unknown>;
  readonly #sublevels: Readonly<Record<Kind, ReturnType<typeof openSublevel>>>;
  readonly #queues = new Map<string, Promise<unknown>>();

  private constructor(level: Level<string, unknown>) {
    this.#level = level;
    this.#sublevels = Object.fromEntries(
      KINDS.map((kind) => [kind, openSublevel(level, kind)]),
    ) as Record<Kind, ReturnType<typeof openSublevel>>;
  }

  /** Opens the store in `directory`, which it creates for its owner alone. */
  static async open(directory: string): Promise<Store> {
    let level: Level<string, unknown>;
    try {
      // Before the database is made: it opens by itself and would create the folder for everybody.
      await mkdir(directory, { recursive: true, mode: 0o700 });
      level = new Level<string, unknown>(directory, { valueEncoding: 'json' });
      await level.open();
    } catch (cause) {
      if (isLocked(cause)) {
        const message = `another node uses ${directory}: stop it, or give this one its own directory`;
        throw new StoreError('LOCKED', message, { cause });
      }
      throw new StoreError('UNAVAILABLE', `${directory} cannot be opened as a store`, { cause });
    }
    return new Store(level);
  }

  /** Waits for what is being written, then closes. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#queues.values());
    await this.#level.close();
  }

  table<T>(kind: Kind): Table<T> {
    const sublevel = this.#sublevels[kind];
    const open = (key: string, stored: StoredValue): T => {
      if (stored.v !== VALUE_VERSION) {
        const message = `${kind}/${key} has version ${stored.v}; this program reads ${VALUE_VERSION}`;
        throw new StoreError('VERSION', message);
      }
      return stored.value as T;
    };
    return {
      get: async (key) => {
        const stored = await this.#reading(() => sublevel.get(key));
        return stored === undefined ? undefined : open(key, stored);
      },
      list: async (prefix) => {
        const range = prefix === undefined ? {} : below(prefix);
        const entries = await this.#reading(() => sublevel.iterator(range).all());
        return entries.map(([key, stored]) => [key, open(key, stored)] as const);
      },
      page: async (from, limit) => {
        const entries = await this.#reading(() => sublevel.iterator({ gte: from, limit }).all());
        return entries.map(([key, stored]) => [key, open(key, stored)] as const);
      },
      last: async (prefix) => {
        const range = { ...(prefix === undefined ? {} : below(prefix)), reverse: true, limit: 1 };
        const [entry] = await this.#reading(() => sublevel.iterator(range).all());
        return entry && [entry[0], open(...entry)];
      },
      put: (key, value) => {
        if (value === undefined) throw new TypeError('"value" expected a value, got undefined');
        return { kind, key, value };
      },
      delete: (key) => ({ kind, key, value: undefined }),
    };
  }

  /** Makes all changes or none, and resolves once they are on the disk. */
  async write(...writes: readonly Write[]): Promise<void> {
    const operations = writes.map(({ kind, key, value }) => {
      const sublevel = this.#sublevels[kind];
      return value === undefined
        ? ({ type: 'del', sublevel, key } as const)
        : ({ type: 'put', sublevel, key, value: { v: VALUE_VERSION, value } } as const);
    });
    await this.#reading(() => this.#level.batch(operations, { sync: true }));
  }

  /**
   * Runs `run` after every earlier one with the same name has ended, so that what it reads still
   * holds when it writes. Not re-entrant: a run must not wait for another of its own name.
   */
  async exclusive<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#queues.get(name) ?? Promise.resolve();
    const mine = before.then(run, run);
    this.#queues.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#queues.get(name) === mine) this.#queues.delete(name);
    }
  }

  async #reading<T>(access: () => Promise<T>): Promise<T> {
    try {
      return await access();
    } catch (cause) {
      if (this.#level.status === 'open') throw cause;
      throw new StoreError('CLOSED', 'the store is closed', { cause });
    }
  }
}

function openSublevel(level: Level<string, unknown>, kind: Kind) {
  return level.sublevel<string, StoredValue>(kind, { valueEncoding: 'json' });
}

function isLocked(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED';
}
