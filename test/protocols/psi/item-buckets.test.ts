import { deepEqual, equal, notDeepEqual, ok, rejects, throws } from 'node:assert/strict';
import { gatherRows, rowNumbers } from '../../../src/protocols/primitives/rows.ts';
import {
  BucketOverflowError,
  type BucketRecords,
  bucketCapacity,
  bucketCount,
  bucketOf,
  type ItemBuckets,
  memorySpill,
  padItems,
  partitionKeys,
  RECORD_BYTES,
  type Spill,
} from '../../../src/protocols/psi/item-buckets.ts';
import { itemDigests } from '../../../src/protocols/psi/item-digest.ts';
import { sortByItem } from '../../../src/protocols/psi/joint-order.ts';
import { randomPermutation } from '../../../src/protocols/psi/random-permutation.ts';
import { type TextColumn, textColumn } from '../../../src/protocols/psi/text-column.ts';
import { seededRng } from '../../support/seeded-rng.ts';

const SALT = Uint8Array.from({ length: 32 }, (_, i) => i);

/** Keys of n records; every `period`-th is one and the same. */
function keysOf(n: number, period = n + 1): TextColumn {
  return textColumn(Array.from({ length: n }, (_, i) => (i % period === 0 ? 'same' : `key ${i}`)));
}

async function readAll({ sizes, read }: ItemBuckets): Promise<BucketRecords[]> {
  return Promise.all(Array.from(sizes, (_, bucket) => read(bucket)));
}

describe('bucketCount', () => {
  it('is one up to 2^21 rows, then about 2^20 rows each', () => {
    const table = [
      [0, 1],
      [1, 1],
      [2 ** 21, 1],
      [2 ** 21 + 1, 3],
      [3 * 2 ** 20, 3],
      [10_000_000, 10],
      [2 ** 27, 128],
    ] as const;
    for (const [rows, buckets] of table) equal(bucketCount(rows), buckets, `${rows} rows`);
  });
});

describe('bucketOf', () => {
  it('is floor(lead buckets / 2^32), in whole numbers', () => {
    for (const buckets of [1, 2, 3, 10, 127, 128, 1000]) {
      for (let k = 0; k <= buckets; k++) {
        const border = Number((BigInt(k) << 32n) / BigInt(buckets));
        for (const lead of [border - 1, border, border + 1]) {
          if (lead < 0 || lead > 0xffffffff) continue;
          const expected = Number((BigInt(lead) * BigInt(buckets)) >> 32n);
          equal(bucketOf(lead, buckets), expected, `${lead} of ${buckets}`);
        }
      }
    }
  });
});

describe('bucketCapacity', () => {
  it('is the row count for one bucket, and little above the mean for more', () => {
    equal(bucketCapacity(12_345, 1), 12_345);
    equal(bucketCapacity(10_000_000, 10), 1_006_991);
    const rows = 2 ** 27;
    ok(bucketCapacity(rows, bucketCount(rows)) < 1.0076 * 2 ** 20);
  });

  it('holds every bucket of real digests', async () => {
    for (let run = 0; run < 20; run++) {
      const salt = seededRng(run)(32);
      const { sizes } = await partitionKeys([keysOf(2000)], salt, { buckets: 8 });
      ok(Math.max(...sizes) <= bucketCapacity(2000, 8), `run ${run}: ${sizes.join()}`);
    }
  });
});

describe('padItems', () => {
  it('leaves the items first, and adds fresh ones to the capacity', () => {
    const items = seededRng('items')(16 * 5);
    const padded = padItems(items, 9, seededRng('pad'));
    equal(padded.length, 16 * 9);
    deepEqual(padded.slice(0, 80), new Uint8Array(items));
    deepEqual(padded, padItems(items, 9, seededRng('pad')));
    notDeepEqual(padded, padItems(items, 9, seededRng('other')));
    deepEqual(padItems(new Uint8Array(0), 2, seededRng('pad')), padded.slice(80, 112));
  });

  it('draws nothing for a full bucket', () => {
    const refuse = (): never => {
      throw new Error('drawn');
    };
    equal(padItems(new Uint8Array(32), 2, refuse).length, 32);
    equal(padItems(new Uint8Array(0), 0, refuse).length, 0);
  });

  it('refuses more items than the bucket holds', () => {
    throws(() => padItems(new Uint8Array(48), 2, seededRng(0)), BucketOverflowError);
  });
});

describe('partitionKeys', () => {
  it('puts every record in the bucket of its item, rows ascending', async () => {
    for (const n of [0, 1, 2, 100, 65_535, 65_536, 70_001]) {
      const column = keysOf(n, 97);
      const digests = itemDigests([column], SALT);
      const view = new DataView(digests.buffer);
      const partition = await partitionKeys([column], SALT, { buckets: 7 });
      const all = await readAll(partition);
      for (const [bucket, { items, rows }] of all.entries()) {
        equal(rows.length, partition.sizes[bucket], `n = ${n}, bucket ${bucket}`);
        const expected = rowNumbers(n).filter(
          (row) => bucketOf(view.getUint32(16 * row), 7) === bucket,
        );
        deepEqual(rows, expected, `n = ${n}, bucket ${bucket}`);
        equal(Buffer.compare(items, gatherRows(digests, 16, rows)), 0, `n = ${n}, ${bucket}`);
      }
    }
  });

  it('gives the joint order, bucket after bucket', async () => {
    const column = keysOf(3000);
    const buckets = await readAll(await partitionKeys([column], SALT, { buckets: 11 }));
    const inTurn = buckets.flatMap(({ items, rows }) =>
      Array.from(sortByItem(rowNumbers(rows.length), items), (k) => rows[k]!),
    );
    deepEqual(inTurn, [...sortByItem(rowNumbers(3000), itemDigests([column], SALT))]);
  });

  it('spreads the same items however the rows are ordered', async () => {
    const texts = Array.from({ length: 500 }, (_, i) => `key ${i}`);
    const order = randomPermutation(500, seededRng('order'));
    const shuffled = Array.from(order, (row) => texts[row]!);
    const read = async (keys: string[]): Promise<string[][]> =>
      (await readAll(await partitionKeys([textColumn(keys)], SALT, { buckets: 3 }))).map(
        ({ items, rows }) =>
          Array.from(rows, (_, k) =>
            Buffer.from(items.subarray(16 * k, 16 * k + 16)).toString('hex'),
          ).sort(),
      );
    deepEqual(await read(shuffled), await read(texts));
  });

  it('is the whole set where there is one bucket', async () => {
    const columns = [keysOf(50), keysOf(50, 3)];
    for (const spill of [undefined, memorySpill()]) {
      const { sizes, read } = await partitionKeys(columns, SALT, { buckets: 1, spill });
      deepEqual([...sizes], [50]);
      deepEqual(await read(0), { items: itemDigests(columns, SALT), rows: rowNumbers(50) });
      deepEqual(await read(0), await read(0));
    }
  });

  it('appends whole records, little by little', async () => {
    const inMemory = memorySpill();
    const appended: number[] = [];
    const spill: Spill = {
      ...inMemory,
      append: async (bucket, bytes) => {
        await Promise.resolve();
        appended.push(bytes.length);
        await inMemory.append(bucket, bytes);
      },
    };
    const n = 20_000;
    const { read } = await partitionKeys([keysOf(n)], SALT, { buckets: 3, spill });
    equal(
      appended.reduce((sum, bytes) => sum + bytes, 0),
      n * RECORD_BYTES,
    );
    ok(appended.every((bytes) => bytes > 0 && bytes % RECORD_BYTES === 0 && bytes <= 65_536));
    deepEqual(
      await read(1),
      await (await partitionKeys([keysOf(n)], SALT, { buckets: 3 })).read(1),
    );
  });

  it('gathers no more than 16 MiB, however many buckets there are', async () => {
    const { sizes, read } = await partitionKeys([keysOf(5000)], SALT, { buckets: 4000 });
    equal(
      sizes.reduce((sum, size) => sum + size, 0),
      5000,
    );
    const fullest = sizes.indexOf(Math.max(...sizes));
    equal((await read(fullest)).rows.length, sizes[fullest]);
  });

  it('refuses what a spill gives back that is not what it took', async () => {
    const bytesOf = async (change: (bytes: Uint8Array) => Uint8Array): Promise<void> => {
      const inMemory = memorySpill();
      const read = async (bucket: number): Promise<Uint8Array> =>
        change(await inMemory.read(bucket));
      const spill = { ...inMemory, read };
      const partition = await partitionKeys([keysOf(100)], SALT, { buckets: 2, spill });
      await partition.read(1);
    };
    await bytesOf((bytes) => bytes);
    await bytesOf((bytes) => Buffer.concat([Buffer.alloc(1), bytes]).subarray(1)); // unaligned
    const refused = /^Error: bucket 1 came back/;
    await rejects(
      bytesOf((bytes) => bytes.subarray(1)),
      refused,
    );
    await rejects(
      bytesOf((bytes) => new Uint8Array(Buffer.concat([bytes, bytes]))),
      refused,
    );
    await rejects(
      bytesOf((bytes) => bytes.with(0, 0)),
      refused,
    );
    const swap = (bytes: Uint8Array): Uint8Array =>
      new Uint8Array(
        Buffer.concat([bytes.subarray(20, 40), bytes.subarray(0, 20), bytes.subarray(40)]),
      );
    await rejects(bytesOf(swap), refused);
  });

  it('refuses columns and salts as item digests do', async () => {
    await rejects(partitionKeys([], SALT, { buckets: 2 }), RangeError);
    await rejects(partitionKeys([keysOf(1), keysOf(2)], SALT, { buckets: 2 }), RangeError);
    await rejects(partitionKeys([keysOf(2), keysOf(1)], SALT, { buckets: 2 }), RangeError);
    await rejects(partitionKeys([keysOf(2)], new Uint8Array(31), { buckets: 2 }), RangeError);
  });
});
