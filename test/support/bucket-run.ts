import { loadWasmHintKernel } from '../../src/kernels/hint-kernel.wasm.ts';
import {
  BucketHost,
  BucketOwner,
  type HostArrangement,
  type OwnerArrangement,
} from '../../src/protocols/aggregation/bucket-sums.ts';
import type { BinnedColumns, PartialSum } from '../../src/protocols/aggregation/hint.ts';
import type { Channel } from '../../src/protocols/channel.ts';
import type { MemoryChannelOptions } from '../../src/protocols/memory-channel.ts';
import { recordingRng, rowErrors, sumsByBucket, vectorSecrets } from './bucket-noise.ts';
import { hePair } from './he-pair.ts';
import { seededRng } from './seeded-rng.ts';

export const hintKernel = loadWasmHintKernel();

/** Columns of uniform bins. */
export function randomColumns(
  rows: number,
  counts: readonly number[],
  seed: string | number,
): BinnedColumns {
  const rng = seededRng(`bins ${seed}`);
  const bins = counts.map((count) => {
    const words = new Uint32Array(new Uint8Array(rng(4 * rows)).buffer);
    return Uint16Array.from(words, (w) => w % count);
  });
  return { rows, bins, counts };
}

/** A vector of signed entries of `bits` bits. */
export function randomVector(rows: number, bits: number, seed: string | number): Int32Array {
  const words = new Int32Array(new Uint8Array(seededRng(`x ${seed}`)(4 * rows)).buffer);
  return words.map((w) => w >> (32 - bits));
}

export interface BucketRun {
  /** By vector. */
  readonly ownerShares: Uint32Array[];
  readonly hostShares: Uint32Array[];
  /** Opened sums less the sums of x, by vector: noise and units. */
  readonly residuals: Float64Array[];
  /** e of each vector. */
  readonly errors: Int32Array[];
  readonly chA: Channel;
  readonly chB: Channel;
}

/** One owner, one host. */
export async function runBuckets(
  columns: BinnedColumns,
  vectors: readonly Int32Array[],
  seed: string | number = 1,
  options: MemoryChannelOptions = {},
): Promise<BucketRun> {
  const { alice, bob, chA, chB } = await hePair(options, seed);
  const { rng, drawn } = recordingRng(seededRng(`owner ${seed}`));
  const [owner, host] = await Promise.all([
    BucketOwner.setup([{ channel: chA, he: alice }], columns.rows, rng),
    BucketHost.setup(chB, bob, hintKernel, columns, seededRng(`host ${seed}`)),
  ]);
  const { mine, theirs } = await arrangeAll(owner, [host], null, vectors.length);
  const [[ownerShares], hostShares] = await Promise.all([
    owner.sums(mine, vectors),
    host.sums(theirs[0]!, vectors.length),
  ]);
  for (const each of [mine, ...theirs, owner, alice, bob]) each.close();
  const residuals = vectors.map((x, t) =>
    residualOf(ownerShares![t]!, hostShares[t]!, sumsByBucket(x, columns)),
  );
  const errors = vectorSecrets(drawn).map((each) => rowErrors(each.seed, columns.rows));
  return { ownerShares: ownerShares!, hostShares, residuals, errors, chA, chB };
}

/** Both sides of the same arrangement of every host, for `count` vectors. */
export async function arrangeAll(
  owner: BucketOwner,
  hosts: readonly BucketHost[],
  sums: readonly PartialSum[] | null,
  count: number,
): Promise<{ readonly mine: OwnerArrangement; readonly theirs: readonly HostArrangement[] }> {
  const [mine, ...theirs] = await Promise.all([
    owner.arranged(count),
    ...hosts.map((host) => host.arrange(sums, count)),
  ]);
  return { mine, theirs };
}

/** a + b modulo 2^32 less the expected sums, as signed words. */
export function residualOf(
  a: Uint32Array,
  b: Uint32Array,
  expected: ArrayLike<number>,
): Float64Array {
  return Float64Array.from(a, (word, r) => (word + b[r]! - expected[r]!) | 0);
}
