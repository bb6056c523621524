import { deepEqual, equal, rejects } from 'node:assert/strict';
import {
  type BucketSessionOptions,
  openBucketSession,
} from '../../../../src/party/tasks/programs/bucket-session.ts';
import { dataHolders, partiesOf } from '../../../../src/party/tasks/programs/data-holders.ts';
import { NO_ROW } from '../../../../src/party/tasks/programs/own-keys.ts';
import { ITEM_BYTES } from '../../../../src/protocols/psi/item-digest.ts';
import { keysAlone, psiContract, runPrograms } from '../../../support/program-parties.ts';
import { seededRng } from '../../../support/seeded-rng.ts';
import { voleDealer } from '../../../support/vole-dealer.ts';

const CONTRACT = psiContract({ orgA: 4, orgB: 4 }, { receivers: ['orgA', 'orgB'] });
const DATA = { orgA: keysAlone(['']), orgB: keysAlone(['']) };

/** Four items that both have, in two buckets, the second bucket's in another order at orgB. */
const ITEMS = seededRng('items')(4 * ITEM_BYTES);
const bucketOf = (...items: number[]): Uint8Array =>
  Buffer.concat(items.map((i) => ITEMS.subarray(ITEM_BYTES * i, ITEM_BYTES * (i + 1))));
const inOrder = (...items: number[]): number[] =>
  items.toSorted((i, j) => Buffer.compare(bucketOf(i), bucketOf(j)));

/** What both parties find in each bucket, their rows being 10 and 20 above the items' numbers. */
async function find(
  labels: Readonly<Record<string, BucketSessionOptions['labels']>> | null,
  padding: readonly number[] = [],
) {
  const { results } = await runPrograms(CONTRACT, DATA, async (context) => {
    const holders = dataHolders(CONTRACT, context.self);
    const session = await openBucketSession(context, partiesOf(context, holders, 'match'), {
      maxItems: 4,
      buckets: 2,
      leader: 0,
      learners: [0, 1],
      ...(labels && { labels: labels[context.self] }),
      vole: voleDealer('session'),
    });
    const isFirst = holders.me === 0;
    const rowsOf = (...items: number[]): Uint32Array =>
      Uint32Array.from(items, (i) => (padding.includes(i) ? NO_ROW : i + (isFirst ? 10 : 20)));
    const first = await session.intersect(bucketOf(0, 1), rowsOf(0, 1));
    const order = isFirst ? [2, 3] : [3, 2];
    const second = await session.intersect(bucketOf(...order), rowsOf(...order));
    return [first!, second!];
  });
  return results;
}

describe('session over buckets', () => {
  it('says which rows are common, bucket after bucket, in the joint order', async () => {
    const { orgA, orgB } = await find(null);
    const expected = [inOrder(0, 1), inOrder(2, 3)];
    deepEqual(
      orgA.map(({ rows }) => [...rows].map((row) => row - 10)),
      expected,
    );
    deepEqual(
      orgB.map(({ rows }) => [...rows].map((row) => row - 20)),
      expected,
    );
    equal(orgA[0]!.labelBytes, 0);
  });

  it('gives the leader a label with each, of the row that the other party has', async () => {
    const own = {
      recordBytes: 2,
      records: (rows: Uint32Array) => Uint8Array.from([...rows].flatMap((row) => [row, 2 * row])),
    };
    const { orgA, orgB } = await find({
      orgA: { own: null, maxBytes: 2 },
      orgB: { own: () => own, maxBytes: 2 },
    });
    const expected = [inOrder(0, 1), inOrder(2, 3)];
    for (const [bucket, items] of expected.entries()) {
      const { rows, labels, labelBytes } = orgA[bucket]!;
      deepEqual(
        [...rows].map((row) => row - 10),
        items,
      );
      deepEqual(
        [...labels],
        items.flatMap((item) => [item + 20, 2 * (item + 20)]),
      );
      equal(labelBytes, 2);
      deepEqual(
        [...orgB[bucket]!.rows].map((row) => row - 20),
        items,
      );
      equal(orgB[bucket]!.labelBytes, 0);
    }
  });

  it('does not take padding for a key', async () => {
    await rejects(find(null, [3]), { code: 'MALFORMED_MESSAGE' });
  });
});
