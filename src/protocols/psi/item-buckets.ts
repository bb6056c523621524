/**
 * Large sets in buckets: the items of each are intersected on their own, so that memory is that of one
 * bucket and a bucket is what a run resumes from. An item's bucket is given by its leading bits, so equal
 * items fall in the same one, and the buckets' results in turn are in the joint order.
 */
import { setImmediate } from 'node:timers/promises';
import type { MemoryBudget } from '../../kernels/wasm-memory.ts';
import { smallestCapacity } from '../primitives/binomial.ts';
import type { Rng } from '../primitives/rng.ts';
import { rowNumbers } from '../primitives/rows.ts';
import { SIGMA } from '../security.ts';
import { countItems, ITEM_BYTES, type ItemHasher, itemHasher } from './item-digest.ts';
import { columnLength, sliceColumn, type TextColumn } from './text-column.ts';

/** Most rows that are intersected in one piece. */
export const MAX_UNDIVIDED_ROWS = 2 ** 21;
const BUCKET_ROWS = 2 ** 20;
const WORD_RANGE = 2 ** 32;

/** An item and its row number (uint32, this machine's order: no other reads it). */
export const RECORD_BYTES = ITEM_BYTES + 4;
const RECORD_WORDS = RECORD_BYTES / 4;
const ITEM_WORDS = ITEM_BYTES / 4;
/** Rows hashed at a time. */
const PIECE_ROWS = 65_536;
/** Records gathered for one bucket before they are appended: about 64 KiB, less where buckets are many. */
const MAX_GATHERED = 3276;
const MAX_GATHERED_BYTES = 16 * 2 ** 20;

/** Where records of each bucket wait until its turn. */
export interface Spill {
  /** Adds bytes to those of a bucket. May keep `bytes`, which nobody else uses any more. */
  append(bucket: number, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** All bytes of a bucket in the order they were appended; none if there were none. */
  read(bucket: number): Promise<Uint8Array>;
}

/** A bucket's records: item k belongs to row rows[k]. Ascending rows; equal items may repeat. */
export interface BucketRecords {
  /** m x 16 */
  readonly items: Uint8Array<ArrayBuffer>;
  readonly rows: Uint32Array<ArrayBuffer>;
}

export interface ItemBuckets {
  /** Records in each bucket. Secret: only capacities may be told. */
  readonly sizes: Uint32Array;
  readonly read: (bucket: number) => Promise<BucketRecords>;
}

/** More distinct items than a bucket holds: probability 2^-40 for digests with an unpredictable salt. */
export class BucketOverflowError extends Error {
  constructor(capacity: number) {
    super(
      `a bucket has more than the ${capacity} items it holds; start the task anew for a fresh salt`,
    );
    this.name = 'BucketOverflowError';
  }
}

/** The number of buckets, from the largest row count that the parties agreed on. */
export function bucketCount(largestRows: number): number {
  return largestRows <= MAX_UNDIVIDED_ROWS ? 1 : Math.ceil(largestRows / BUCKET_ROWS);
}

/** The bucket of an item by its leading 32 bits, big-endian: rises with the item. */
export function bucketOf(lead: number, buckets: number): number {
  return Math.floor((lead * buckets) / WORD_RANGE);
}

/**
 * The number of items that each bucket of a party is padded to, so that its size says nothing of the
 * keys: a function of the row count alone. All buckets hold theirs except with probability 2^-sigma.
 */
export function bucketCapacity(rows: number, buckets: number, sigma: number = SIGMA): number {
  return smallestCapacity(rows, buckets, sigma);
}

/**
 * Distinct items (m x 16) followed by fresh random ones, `capacity` in all. A random item equals an item
 * of either party with probability below n 2^-128: results need not be checked for it, but a row of
 * the result that is m or more would be one.
 */
export function padItems(items: Uint8Array, capacity: number, rng: Rng): Uint8Array<ArrayBuffer> {
  const m = countItems(items);
  if (m > capacity) throw new BucketOverflowError(capacity);
  const padded = new Uint8Array(capacity * ITEM_BYTES);
  padded.set(items);
  if (m < capacity) padded.set(rng((capacity - m) * ITEM_BYTES), m * ITEM_BYTES);
  return padded;
}

export interface PartitionOptions {
  readonly buckets: number;
  /** Where records wait; in memory unless given, 20 bytes each. Holds nothing yet. */
  readonly spill?: Spill | undefined;
  readonly budget?: MemoryBudget | undefined;
}

/**
 * The items of records (see `itemDigests`) with their row numbers, bucket by bucket. Hashes piece by
 * piece, so that with a `spill` no more than a piece of them is in memory.
 */
export async function partitionKeys(
  columns: readonly TextColumn[],
  salt: Uint8Array,
  { buckets, spill, budget }: PartitionOptions,
): Promise<ItemBuckets> {
  const n = columns.length === 0 ? 0 : columnLength(columns[0]!);
  if (columns.some((column) => columnLength(column) !== n)) {
    throw new RangeError(`"columns" expected ${n} rows each`); // slices of unequal columns may be equal
  }
  const hash = itemHasher(salt, budget);
  if (buckets === 1 && !spill) return undivided(await hashInPieces(hash, columns, n));
  const partition = new Partition(buckets, spill ?? memorySpill());
  let from = 0;
  do {
    const to = Math.min(n, from + PIECE_ROWS);
    await partition.add(hash(columns.map((column) => sliceColumn(column, from, to))));
    from = to;
  } while (from < n);
  return partition.finish();
}

/** Between two pieces others run. */
async function hashInPieces(
  hash: ItemHasher,
  columns: readonly TextColumn[],
  n: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const items = new Uint8Array(n * ITEM_BYTES);
  for (let from = 0; from < n; from += PIECE_ROWS) {
    await setImmediate();
    const to = Math.min(n, from + PIECE_ROWS);
    items.set(hash(columns.map((column) => sliceColumn(column, from, to))), from * ITEM_BYTES);
  }
  return items;
}

/** All records in one bucket, as they are. */
function undivided(items: Uint8Array<ArrayBuffer>): ItemBuckets {
  const n = countItems(items);
  return {
    sizes: Uint32Array.of(n),
    read: () => Promise.resolve({ items, rows: rowNumbers(n) }),
  };
}

/** Spreads items, whose rows are numbered as they come, over the buckets of a spill. */
class Partition {
  readonly #spill: Spill;
  readonly #sizes: Uint32Array;
  /** Records that wait to be appended: bucket b's from word b * capacity on. */
  readonly #gathered: Uint32Array<ArrayBuffer>;
  readonly #waiting: Uint32Array;
  readonly #capacity: number;
  #row = 0;

  constructor(buckets: number, spill: Spill) {
    const share = Math.floor(MAX_GATHERED_BYTES / RECORD_BYTES / buckets);
    this.#capacity = Math.max(1, Math.min(MAX_GATHERED, share));
    this.#spill = spill;
    this.#sizes = new Uint32Array(buckets);
    this.#gathered = new Uint32Array(buckets * this.#capacity * RECORD_WORDS);
    this.#waiting = new Uint32Array(buckets);
  }

  async add(items: Uint8Array<ArrayBuffer>): Promise<void> {
    const view = new DataView(items.buffer, items.byteOffset, items.length);
    const words = new Uint32Array(items.buffer, items.byteOffset, items.length / 4);
    for (let i = 0; i < countItems(items); i++) {
      const bucket = bucketOf(view.getUint32(i * ITEM_BYTES), this.#sizes.length);
      const at = (bucket * this.#capacity + this.#waiting[bucket]!) * RECORD_WORDS;
      for (let k = 0; k < ITEM_WORDS; k++) this.#gathered[at + k] = words[i * ITEM_WORDS + k]!;
      this.#gathered[at + ITEM_WORDS] = this.#row++;
      if (++this.#waiting[bucket]! === this.#capacity) await this.#flush(bucket);
    }
  }

  async finish(): Promise<ItemBuckets> {
    for (let bucket = 0; bucket < this.#sizes.length; bucket++) await this.#flush(bucket);
    const [sizes, spill] = [this.#sizes, this.#spill];
    return {
      sizes,
      read: async (bucket) => {
        const bytes = await spill.read(bucket);
        return decodeRecords(bytes, bucket, sizes);
      },
    };
  }

  async #flush(bucket: number): Promise<void> {
    const waiting = this.#waiting[bucket]!;
    if (waiting === 0) return;
    const from = bucket * this.#capacity * RECORD_WORDS;
    const records = this.#gathered.slice(from, from + waiting * RECORD_WORDS);
    this.#waiting[bucket] = 0;
    this.#sizes[bucket]! += waiting;
    await this.#spill.append(bucket, new Uint8Array(records.buffer));
  }
}

/** Throws unless the bytes are the records that were appended, as far as that shows. */
function decodeRecords(bytes: Uint8Array, bucket: number, sizes: Uint32Array): BucketRecords {
  const m = sizes[bucket]!;
  if (bytes.length !== m * RECORD_BYTES) {
    const got = `${bytes.length} bytes of ${m * RECORD_BYTES}`;
    throw new Error(`bucket ${bucket} came back with ${got}: something else writes to its files`);
  }
  const words = new Uint32Array(new Uint8Array(bytes).buffer);
  const itemWords = new Uint32Array(m * ITEM_WORDS);
  const rows = new Uint32Array(m);
  for (let i = 0, at = 0; i < m; i++) {
    for (let k = 0; k < ITEM_WORDS; k++) itemWords[i * ITEM_WORDS + k] = words[at++]!;
    rows[i] = words[at++]!;
  }
  const items = new Uint8Array(itemWords.buffer);
  const view = new DataView(items.buffer);
  for (let i = 0; i < m; i++) {
    const isIn = bucketOf(view.getUint32(i * ITEM_BYTES), sizes.length) === bucket;
    if (!isIn || (i > 0 && rows[i]! <= rows[i - 1]!)) {
      throw new Error(`bucket ${bucket} came back changed: something else writes to its files`);
    }
  }
  return { items, rows };
}

/** Keeps everything in memory. */
export function memorySpill(): Spill {
  const pieces = new Map<number, Uint8Array[]>();
  return {
    append(bucket, bytes) {
      const own = pieces.get(bucket);
      if (own) own.push(bytes);
      else pieces.set(bucket, [bytes]);
      return Promise.resolve();
    },
    read(bucket) {
      const own = pieces.get(bucket) ?? [];
      const all = new Uint8Array(own.reduce((length, piece) => length + piece.length, 0));
      let at = 0;
      for (const piece of own) {
        all.set(piece, at);
        at += piece.length;
      }
      return Promise.resolve(all);
    },
  };
}
