import { deepEqual, equal } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  MAX_UNUSED_OFFERS,
  type Offer,
  type Offers,
  storedOffers,
} from '../../../src/party/consensus/offers.ts';
import { Store } from '../../../src/party/store.ts';
import { NOW, sampleContract, testIdentity } from '../../support/contracts.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const [a, b] = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);
const TERMS = sampleContract([a!, b!]).parties[0]!.dataset!;
const DAY_MS = 24 * 3_600_000;

const commitment = (i: number): string => createHash('sha256').update(`${i}`).digest('hex');
const offer = (i: number): Offer => ({
  terms: { ...TERMS, commitment: commitment(i) },
  salt: '5a'.repeat(32),
  digest: 'a5'.repeat(32),
  model: null,
});

interface Setting {
  readonly offers: Offers;
  readonly clock: { now: number };
  readonly store: Store;
  readonly size: () => Promise<number>;
}

const withOffers = (use: (setting: Setting) => Promise<void>): Promise<void> =>
  withTemporaryDirectory(async (path) => {
    const store = await Store.open(path);
    const clock = { now: NOW };
    const size = async () => (await store.table('offers').list()).length;
    try {
      await use({ store, clock, size, offers: storedOffers(store, () => clock.now) });
    } finally {
      await store.close();
    }
  });

describe('offers', () => {
  it('are found by their commitment, over a restart', () =>
    withOffers(async ({ offers, store }) => {
      await offers.add(offer(1));
      const { terms, salt, digest, model } = (await storedOffers(store, () => NOW).find(
        commitment(1),
      ))!;
      deepEqual({ terms, salt, digest, model }, offer(1));
      equal(await offers.find(commitment(2)), undefined);
    }));

  it('go after a day unless a contract came with them', () =>
    withOffers(async ({ offers, clock, size, store }) => {
      await offers.add(offer(1));
      await offers.add(offer(2));
      await offers.keep(commitment(2));
      clock.now += DAY_MS - 1;
      await offers.add(offer(3));
      equal(await size(), 3);
      clock.now += 1;
      const again = storedOffers(store, () => clock.now);
      await again.add(offer(4));
      deepEqual(
        await Promise.all(
          [1, 2, 3, 4].map(async (i) => (await again.find(commitment(i))) !== undefined),
        ),
        [false, true, true, true],
      );
      clock.now += 100 * DAY_MS;
      await again.add(offer(5));
      equal(await size(), 2, 'what a contract came with is kept');
      await again.keep(commitment(1));
      equal(await again.find(commitment(1)), undefined, 'nothing to keep');
    }));

  it('do not grow without bound', () =>
    withOffers(async ({ offers, store, clock, size }) => {
      const table = store.table<object>('offers');
      const many = Array.from({ length: MAX_UNUSED_OFFERS }, (_, i) =>
        table.put(commitment(i), { ...offer(i), givenAt: NOW + i, used: false }),
      );
      await store.write(...many);
      clock.now += MAX_UNUSED_OFFERS;
      for (let i = 0; i < 5; i++) await offers.add(offer(MAX_UNUSED_OFFERS + i));
      equal(await size(), MAX_UNUSED_OFFERS);
      equal(await offers.find(commitment(4)), undefined, 'the oldest go');
      equal((await offers.find(commitment(5)))?.salt, '5a'.repeat(32));
    }));
});
