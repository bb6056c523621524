import type { Store } from './store.ts';
import type { AttemptStore } from './transport/attempts.ts';

interface AttemptRecord {
  /** Highest attempt claimed with any peer; 0 for none. */
  readonly highest: number;
  readonly byPeer: Readonly<Record<string, number>>;
  readonly finished: boolean;
}

const NONE: AttemptRecord = { highest: 0, byPeer: {}, finished: false };

/** The attempts of every task, on the disk before they are used. */
export function storedAttempts(store: Store): AttemptStore {
  const table = store.table<AttemptRecord>('attempts');
  const read = async (key: string): Promise<AttemptRecord> => (await table.get(key)) ?? NONE;
  const change = <T>(taskId: Uint8Array, run: (key: string) => Promise<T>): Promise<T> => {
    const key = Buffer.from(taskId).toString('hex');
    return store.exclusive(`attempts/${key}`, () => run(key));
  };
  return {
    next: (taskId) => change(taskId, async (key) => (await read(key)).highest + 1),

    claim: (taskId, peer, attempt) =>
      change(taskId, async (key) => {
        const { highest, byPeer, finished } = await read(key);
        if (finished) return 'finished';
        // `Object.hasOwn`: a peer's name may be that of an inherited property.
        const claimed = Object.hasOwn(byPeer, peer) ? byPeer[peer]! : 0;
        if (attempt < highest || attempt <= claimed) return 'stale';
        const next = { highest: attempt, byPeer: { ...byPeer, [peer]: attempt }, finished };
        await store.write(table.put(key, next));
        return 'claimed';
      }),

    finish: (taskId) =>
      change(taskId, async (key) => {
        await store.write(table.put(key, { ...(await read(key)), finished: true }));
      }),
  };
}
