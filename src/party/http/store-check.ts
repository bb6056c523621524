import type { Store } from '../store.ts';
import type { ReadinessCheck } from './services.ts';

/** Whether the store still takes writes: the disk may be full or gone. Leaves nothing behind. */
export async function storeCheck(store: Store): Promise<ReadinessCheck> {
  const table = store.table<null>('idempotency');
  const ready = await store.write(table.put('check', null), table.delete('check')).then(
    () => true,
    () => false,
  );
  return { name: 'store', ready };
}
