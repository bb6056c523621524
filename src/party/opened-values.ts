import { ProtocolError } from '../protocols/errors.ts';
import { type Store, storeKey, type Write } from './store.ts';

/** Values of one class that a peer learns of a dataset. */
export interface Count {
  /** `Datasets.identity` of it. */
  readonly dataset: string;
  readonly peer: string;
  readonly class: string;
  /** What may be learned over the dataset's lifetime; null for no bound. */
  readonly most: number | null;
}

/**
 * How many values peers have learned of this node's datasets, over all tasks and attempts. A node has one: what it
 * counts holds at once, what the store has follows.
 */
export interface OpenedCounts {
  /** To be awaited before `add` of these counts. */
  load(counts: readonly Count[]): Promise<void>;
  /**
   * Adds to all counts or to none, and returns what to write, in the order of the calls. Throws `BUDGET_EXCEEDED` for a
   * count that would go beyond its bound.
   */
  add(counts: readonly Count[], elements: number): readonly Write[];
}

export function openedCounts(store: Store): OpenedCounts {
  const table = store.table<number>('budgets');
  const totals = new Map<string, number>();
  return {
    async load(counts) {
      for (const key of counts.map(keyOf)) {
        if (totals.has(key)) continue;
        const stored = (await table.get(key)) ?? 0;
        if (!totals.has(key)) totals.set(key, stored);
      }
    },
    add(counts, elements) {
      const added = counts.map((count) => {
        const key = keyOf(count);
        const total = totals.get(key)! + elements;
        if (count.most !== null && total > count.most) {
          throw new ProtocolError(
            'BUDGET_EXCEEDED',
            `${count.peer} may not learn so many values of class ${count.class} in all; these were not opened`,
          );
        }
        return [key, Math.min(total, Number.MAX_SAFE_INTEGER)] as const;
      });
      return added.map(([key, total]) => {
        totals.set(key, total);
        return table.put(key, total);
      });
    },
  };
}

function keyOf({ dataset, peer, class: name }: Count): string {
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
