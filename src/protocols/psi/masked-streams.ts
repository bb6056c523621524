import { EcdhPsiPoints, EcdhPsiPrefixes } from '../../../proto/gen/psi.ts';
import { POINT_BYTES } from '../../kernels/curve25519-kernel.ts';
import type { Channel } from '../channel.ts';
import { gatherRows, truncateRows } from '../primitives/rows.ts';
import { ITEM_BYTES } from './item-digest.ts';
import { malformed } from './malformed.ts';
import type { MaskingKey } from './masking-key.ts';
import { decodePoints } from './points.ts';
import { RowIndex } from './row-index.ts';

/*
 * The streams of ecdh-psi.ts and cardinality.ts: masked points in batches, in order. Each runs on forks that it
 * alone uses, one way each, so that all of them flow at once and no side waits for a whole list.
 */

/** Points and prefixes a message: 64 KiB, about 0.1 s of one core. Part of the wire format. */
export const BATCH_POINTS = 2048;

/** Sends k H(item) for each item (n x 16), in order. */
export async function sendMasked(ch: Channel, key: MaskingKey, items: Uint8Array): Promise<void> {
  await pipeline(items.length / ITEM_BYTES, key.depth, {
    take: async (from, to) => items.subarray(from * ITEM_BYTES, to * ITEM_BYTES),
    mask: (batch) => key.maskItems(batch),
    give: (points) => ch.send(EcdhPsiPoints, { points }),
  });
}

/** The n points of the peer's list, masked again; n x 32, distinct. */
export async function receiveAndMask(ch: Channel, key: MaskingKey, n: number): Promise<Uint8Array> {
  const products = new DistinctPoints(n);
  await pipeline(n, key.depth, {
    take: (from, to) => receivePoints(ch, to - from),
    mask: (points) => key.maskPoints(points),
    give: async (batch, from) => products.put(batch, from),
  });
  return products.points;
}

/** S: takes the n points of the receiver's list and returns the first l bytes of each, masked again. */
export async function returnMasked(
  list: Channel,
  returned: Channel,
  key: MaskingKey,
  n: number,
  l: number,
): Promise<void> {
  const products = new DistinctPoints(n);
  await pipeline(n, key.depth, {
    take: (from, to) => receivePoints(list, to - from),
    mask: (points) => key.maskPoints(points),
    give: (batch, from) => {
      products.put(batch, from);
      return returned.send(EcdhPsiPrefixes, { prefixes: truncateRows(batch, POINT_BYTES, l) });
    },
  });
}

/** S: the first l bytes of each point (n x 32) in `order`: point order[0] first. */
export async function sendPrefixes(
  ch: Channel,
  points: Uint8Array,
  order: Uint32Array,
  l: number,
): Promise<void> {
  for (let from = 0; from < order.length; from += BATCH_POINTS) {
    const batch = order.subarray(from, from + BATCH_POINTS);
    const prefixes = truncateRows(gatherRows(points, POINT_BYTES, batch), POINT_BYTES, l);
    await ch.send(EcdhPsiPrefixes, { prefixes });
  }
}

/** R: its own list as the sender returned it; n x l. */
export async function receivePrefixes(ch: Channel, n: number, l: number): Promise<Uint8Array> {
  const prefixes = new Uint8Array(n * l);
  for (let from = 0; from < n; from += BATCH_POINTS) {
    const count = Math.min(BATCH_POINTS, n - from);
    prefixes.set(decodePrefixes(await ch.receive(EcdhPsiPrefixes), count, l), from * l);
  }
  return prefixes;
}

async function receivePoints(ch: Channel, count: number): Promise<Uint8Array> {
  return decodePoints((await ch.receive(EcdhPsiPoints)).points, count);
}

/** What `pipeline` does with the batch of elements from, ..., to - 1. */
interface Stages {
  take(from: number, to: number): Promise<Uint8Array>;
  mask(batch: Uint8Array): Promise<Uint8Array>;
  give(points: Uint8Array, from: number): Promise<void>;
}

/** Takes, masks and gives n elements batch by batch, in order, with `depth` batches being masked. */
async function pipeline(n: number, depth: number, stages: Stages): Promise<void> {
  const underWay: Promise<Uint8Array>[] = [];
  let given = 0;
  const giveNext = async (): Promise<void> => {
    await stages.give(await underWay.shift()!, given);
    given += BATCH_POINTS;
  };
  for (let from = 0; from < n; from += BATCH_POINTS) {
    const batch = await stages.take(from, Math.min(n, from + BATCH_POINTS));
    const masked = stages.mask(batch);
    masked.catch(() => {}); // seen by giveNext, unless an earlier failure ends the pipeline first
    underWay.push(masked);
    if (underWay.length >= depth) await giveNext();
  }
  while (underWay.length > 0) await giveNext();
}

/**
 * Collects the peer's points masked with our scalar and refuses repetitions, which distinct items
 * never give. It looks at the products, so the peer cannot steer where they fall in the index.
 */
class DistinctPoints {
  /** n x 32. */
  readonly points: Uint8Array;
  readonly #index: RowIndex;

  constructor(n: number) {
    this.points = new Uint8Array(n * POINT_BYTES);
    this.#index = new RowIndex(this.points, POINT_BYTES);
  }

  put(batch: Uint8Array, from: number): void {
    this.points.set(batch, from * POINT_BYTES);
    for (let i = from; i < from + batch.length / POINT_BYTES; i++) {
      if (this.#index.add(i) >= 0) throw malformed(`point ${i} repeats an earlier one`);
    }
  }
}

function decodePrefixes({ prefixes }: EcdhPsiPrefixes, count: number, l: number): Uint8Array {
  if (prefixes.length !== count * l) {
    throw malformed(`expected ${count} prefixes of ${l} bytes, got ${prefixes.length} bytes`);
  }
  return prefixes;
}
