import { type Store, storeKey } from './store.ts';

/** Where the store counts what a peer has learned of a dataset: all values of one class, ever. */
export function counterKey(dataset: string, peer: string, name: string): string {
  return storeKey(dataset, peer, name);
}

/**
 * How many values each peer has learned of a dataset, over all tasks and attempts, by `peer/class`.
 *
 * @param dataset - `Datasets.identity` of it.
 */
export async function openedValues(
  store: Store,
  dataset: string,
): Promise<ReadonlyMap<string, number>> {
  const counters = await store.table<number>('budgets').list(dataset);
  return new Map(counters.map(([key, count]) => [key.slice(dataset.length + 1), count]));
}
