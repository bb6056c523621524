import type { Store, Table, Write } from '../../src/party/store.ts';

/** A process's view of a store, which may stop existing at any write. */
export interface MortalStore {
  readonly store: Store;
  /** The kinds of every write so far. */
  readonly writes: string[];
  /** Ends the process at the write with this index: before it is made, or right after. */
  dieAt(index: number, when: 'before' | 'after'): void;
  /** Whether the disk is full: then every write fails. */
  full: boolean;
  /** Ends it now: nothing that it waits for comes, nothing that it does has an effect. */
  kill(): void;
  readonly died: Promise<void>;
  isAlive(): boolean;
}

const NEVER = new Promise<never>(() => undefined);

export function mortalStore(real: Store): MortalStore {
  const writes: string[] = [];
  const queues = new Map<string, Promise<unknown>>();
  let alive = true;
  let death: { readonly index: number; readonly when: 'before' | 'after' } | undefined;
  let settle = (): void => undefined;
  const died = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const kill = (): void => {
    alive = false;
    settle();
  };
  const whileAlive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (!alive) return NEVER;
    const value = await work();
    return alive ? value : NEVER;
  };

  const overrides: Partial<Pick<Store, 'table' | 'write' | 'exclusive'>> = {
    table<T>(kind: Parameters<Store['table']>[0]): Table<T> {
      const table = real.table<T>(kind);
      return {
        ...table,
        get: (key) => whileAlive(() => table.get(key)),
        list: (prefix) => whileAlive(() => table.list(prefix)),
        page: (from, limit) => whileAlive(() => table.page(from, limit)),
        last: (prefix) => whileAlive(() => table.last(prefix)),
      };
    },
    write: (...changes: readonly Write[]) =>
      whileAlive(async () => {
        if (mortal.full) throw new Error('no space left on device');
        const index = writes.push(changes.map(({ kind }) => kind).join('+')) - 1;
        const dies = death?.index === index ? death.when : undefined;
        if (dies === 'before') kill();
        else await real.write(...changes);
        if (dies === 'after') kill();
      }),
    // Not the store's own: what a dead process holds must not hold up the next one.
    async exclusive(name, run) {
      const before = queues.get(name) ?? Promise.resolve();
      const mine = before.then(run, run);
      queues.set(name, mine);
      return mine;
    },
  };
  const store = new Proxy(real, {
    get: (target, property) => {
      if (Object.hasOwn(overrides, property)) return overrides[property as keyof typeof overrides];
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const mortal: MortalStore = {
    store,
    writes,
    full: false,
    dieAt: (index, when) => {
      death = { index, when };
    },
    kill,
    died,
    isAlive: () => alive,
  };
  return mortal;
}
