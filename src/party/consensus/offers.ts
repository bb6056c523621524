import type { Store } from '../store.ts';
import type { DatasetTerms } from './contract.ts';

/** Terms that this node gave away, and what opens their commitment. */
export interface Offer {
  readonly terms: DatasetTerms;
  /** 32 bytes, hex. Leaves the node with the digest, for an auditor, or not at all. */
  readonly salt: string;
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  /** The model whose columns the terms are; null where none is applied. */
  readonly model: string | null;
}

interface StoredOffer extends Offer {
  /** Unix ms. */
  readonly givenAt: number;
  /** Whether a contract has come with them: then they are kept, for audits too. */
  readonly used: boolean;
}

/** Terms with which no contract has come are forgotten after this long. Own choice. */
const UNUSED_MS = 24 * 3_600_000;
/** Most of those that are kept; then the oldest go. Own choice. */
export const MAX_UNUSED_OFFERS = 10_000;

/** The memory of the terms that this node gave. */
export interface Offers {
  /** Forgets old ones that are of no use. */
  add(offer: Offer): Promise<void>;
  find(commitment: string): Promise<Offer | undefined>;
  /** Keeps the terms of a contract. */
  keep(commitment: string): Promise<void>;
}

/** @param now - Unix ms. */
export function storedOffers(store: Store, now: () => number): Offers {
  const table = store.table<StoredOffer>('offers');
  /** When the unused ones were given, oldest first; read once, then kept in step. */
  let loading: Promise<Map<string, number>> | undefined;
  const unused = (): Promise<Map<string, number>> => {
    loading ??= table.list().then((all) => {
      const waiting = all.filter(([, { used }]) => !used);
      const times = waiting.map(([key, { givenAt }]) => [key, givenAt] as const);
      return new Map(times.sort(([, a], [, b]) => a - b));
    });
    return loading;
  };

  return {
    add: async (offer) =>
      store.exclusive('offers', async () => {
        const waiting = await unused();
        const givenAt = now();
        const old: string[] = [];
        for (const [key, time] of waiting) {
          const left = waiting.size - old.length;
          if (time > givenAt - UNUSED_MS && left < MAX_UNUSED_OFFERS) break;
          old.push(key);
        }
        const { commitment } = offer.terms;
        const stored = { ...offer, givenAt, used: false };
        await store.write(table.put(commitment, stored), ...old.map((key) => table.delete(key)));
        for (const key of old) waiting.delete(key);
        waiting.set(commitment, givenAt);
      }),

    find: (commitment) => table.get(commitment),

    keep: async (commitment) =>
      store.exclusive('offers', async () => {
        const stored = await table.get(commitment);
        if (!stored || stored.used) return;
        await store.write(table.put(commitment, { ...stored, used: true }));
        (await unused()).delete(commitment);
      }),
  };
}
