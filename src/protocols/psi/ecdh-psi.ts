/**
 * Private set intersection from Diffie-Hellman, [HFH99] "Enhancing Privacy and Trust in Electronic
 * Communities". Huberman, Franklin, Hogg. https://doi.org/10.1145/336992.337012, §4, on curve25519:
 * X25519 of RFC 7748 and the Elligator 2 map of RFC 9380 without cofactor clearing.
 *
 * Functionality: the receiver learns X ∩ Y; so does the sender if `resultTo` is 'both'.
 *   Sender   in: Y, n_y distinct items    out: rows of Y in X ∩ Y, or nothing
 *   Receiver in: X, n_x distinct items    out: rows of X in X ∩ Y
 *
 * Security: semi-honest, one corruption; decisional Diffie-Hellman; random oracle (SHA-512, then a
 *   map to half of the curve: enough, since its preimages can be sampled, see AUDIT.md). A false
 *   match occurs with probability 2^-40 at most.
 * Leaks:    n_x and n_y, not padded. Not the order of either file: both lists are shuffled.
 * Cost:     R sends 32 n_x bytes and, for 'both', 4 |X ∩ Y|; S sends l n_x + 32 n_y; 3 rounds each (R
 *   2 for 'receiver'). n_x + n_y scalar multiplications a party, both parties at the same time.
 *
 * Names follow the paper: a, b = secret scalars of R, S; X, Y = sets; H = hash to the curve;
 *   l = bytes compared, ceil((40 + ceil(log2 n_x) + ceil(log2 n_y)) / 8).
 */
import {
  EcdhPsiMatchCount,
  EcdhPsiMatches,
  EcdhPsiPoints,
  EcdhPsiPrefixes,
  EcdhPsiSize,
} from '../../../proto/gen/psi.ts';
import type { CurveEngine } from '../../kernels/curve25519-engine.ts';
import { POINT_BYTES, SCALAR_BYTES } from '../../kernels/curve25519-kernel.ts';
import type { Channel } from '../channel.ts';
import { ProtocolError } from '../errors.ts';
import type { Rng } from '../primitives/rng.ts';
import { SIGMA } from '../security.ts';
import { countItems, gatherRows } from './deduplicate.ts';
import { ITEM_BYTES } from './item-digest.ts';
import { MaskingKey } from './masking-key.ts';
import { decodePoints } from './points.ts';
import { randomPermutation } from './random-permutation.ts';
import { RowIndex } from './row-index.ts';

/** Points and prefixes a message: 64 KiB, about 0.1 s of one core. Part of the wire format. */
export const BATCH_POINTS = 2048;
/** Positions a message: 64 KiB. Part of the wire format. */
export const BATCH_POSITIONS = 16384;
/** Above this the protocol takes minutes: use another one. */
export const MAX_ITEMS: number = 2 ** 24;

const POSITION_BYTES = 4;

export interface EcdhPsiOptions {
  /** Does the curve work; the caller closes it. */
  readonly engine: CurveEngine;
  /** Largest set that either party may bring; agreed between them. */
  readonly maxItems: number;
  /** Who learns the intersection; agreed between them. */
  readonly resultTo: 'both' | 'receiver';
}

/**
 * The receiver's role: n_x x 16 bytes of distinct, pseudo-random items. Returns the rows, ascending,
 * that both parties have. Takes the channel's forks "masked-x", "returned-x" and "masked-y". After
 * an error the caller closes the channel, which ends the streams that still wait for the peer.
 */
export async function ecdhPsiReceiver(
  ch: Channel,
  X: Uint8Array,
  options: EcdhPsiOptions,
  rng: Rng,
): Promise<Uint32Array<ArrayBuffer>> {
  const nX = checkOwnItems(X, options);

  await ch.send(EcdhPsiSize, { items: nX });

  const nY = decodeSize(await ch.receive(EcdhPsiSize), options.maxItems);
  if (nX === 0 || nY === 0) return new Uint32Array(0);
  const l = prefixBytes(nX, nY);
  const order = randomPermutation(nX, rng);
  const a = new MaskingKey(options.engine, rng(SCALAR_BYTES));
  const depth = options.engine.parallelism + 1;

  let matches: Matches;
  try {
    const [, aY, prefixes] = await Promise.all([
      sendMasked(ch.fork('masked-x'), a, gatherRows(X, ITEM_BYTES, order), depth),
      receiveAndMask(ch.fork('masked-y'), a, nY, depth),
      receivePrefixes(ch.fork('returned-x'), nX, l),
    ]);
    matches = collectMatches(matchPrefixes(prefixes, aY, l), order);
  } finally {
    a.destroy();
  }

  if (options.resultTo === 'both') await sendPositions(ch, matches.positions);
  return matches.rows;
}

/**
 * The sender's role: n_y x 16 bytes of distinct, pseudo-random items. Returns the rows, ascending,
 * that both parties have, or undefined if only the receiver learns them. Channel and errors as for
 * the receiver.
 */
export async function ecdhPsiSender(
  ch: Channel,
  Y: Uint8Array,
  options: EcdhPsiOptions,
  rng: Rng,
): Promise<Uint32Array<ArrayBuffer> | undefined> {
  const nY = checkOwnItems(Y, options);
  const isToLearn = options.resultTo === 'both';

  await ch.send(EcdhPsiSize, { items: nY });

  const nX = decodeSize(await ch.receive(EcdhPsiSize), options.maxItems);
  if (nX === 0 || nY === 0) return isToLearn ? new Uint32Array(0) : undefined;
  const l = prefixBytes(nX, nY);
  const order = randomPermutation(nY, rng);
  const b = new MaskingKey(options.engine, rng(SCALAR_BYTES));
  const depth = options.engine.parallelism + 1;

  try {
    await Promise.all([
      sendMasked(ch.fork('masked-y'), b, gatherRows(Y, ITEM_BYTES, order), depth),
      returnMasked(ch.fork('masked-x'), ch.fork('returned-x'), b, nX, l, depth),
    ]);
  } finally {
    b.destroy();
  }
  if (!isToLearn) return undefined;

  const positions = await receivePositions(ch, Math.min(nX, nY), nY);
  return positions.map((position) => order[position]!).sort();
}

// The streams: each one way on a fork of its own, so that all of them flow at once.

/** Sends k H(item) for each item, in order. */
async function sendMasked(
  ch: Channel,
  key: MaskingKey,
  items: Uint8Array,
  depth: number,
): Promise<void> {
  await pipeline(items.length / ITEM_BYTES, depth, {
    take: async (from, to) => items.subarray(from * ITEM_BYTES, to * ITEM_BYTES),
    mask: (batch) => key.maskItems(batch),
    give: (points) => ch.send(EcdhPsiPoints, { points }),
  });
}

/** R: the sender's list, masked again; n x 32. */
async function receiveAndMask(
  ch: Channel,
  key: MaskingKey,
  n: number,
  depth: number,
): Promise<Uint8Array> {
  const products = distinctPoints(n);
  await pipeline(n, depth, {
    take: (from, to) => receivePoints(ch, to - from),
    mask: (points) => key.maskPoints(points),
    give: async (batch, from) => products.put(batch, from),
  });
  return products.points;
}

/** S: takes the receiver's list and returns the first l bytes of each point, masked again. */
async function returnMasked(
  from: Channel,
  to: Channel,
  key: MaskingKey,
  n: number,
  l: number,
  depth: number,
): Promise<void> {
  const products = distinctPoints(n);
  await pipeline(n, depth, {
    take: (first, end) => receivePoints(from, end - first),
    mask: (points) => key.maskPoints(points),
    give: (batch, first) => {
      products.put(batch, first);
      return to.send(EcdhPsiPrefixes, { prefixes: truncateRows(batch, l) });
    },
  });
}

/** R: its own list as the sender returned it; n x l. */
async function receivePrefixes(ch: Channel, n: number, l: number): Promise<Uint8Array> {
  const prefixes = new Uint8Array(n * l);
  for (let from = 0; from < n; from += BATCH_POINTS) {
    const count = Math.min(BATCH_POINTS, n - from);
    const batch = decodePrefixes(await ch.receive(EcdhPsiPrefixes), count, l);
    prefixes.set(batch, from * l);
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

/** R -> S: the positions that matched, in batches after their number. */
async function sendPositions(ch: Channel, positions: Uint32Array): Promise<void> {
  await ch.send(EcdhPsiMatchCount, { matches: positions.length });
  for (let from = 0; from < positions.length; from += BATCH_POSITIONS) {
    const batch = positions.subarray(from, from + BATCH_POSITIONS);
    await ch.send(EcdhPsiMatches, { positions: encodePositions(batch) });
  }
}

async function receivePositions(
  ch: Channel,
  maxMatches: number,
  nY: number,
): Promise<Uint32Array<ArrayBuffer>> {
  const { matches } = await ch.receive(EcdhPsiMatchCount);
  if (matches > maxMatches)
    throw malformed(`expected at most ${maxMatches} matches, got ${matches}`);
  const positions = new Uint32Array(matches);
  for (let from = 0; from < matches; from += BATCH_POSITIONS) {
    const count = Math.min(BATCH_POSITIONS, matches - from);
    const lowest = from === 0 ? 0 : positions[from - 1]! + 1;
    positions.set(decodePositions(await ch.receive(EcdhPsiMatches), count, lowest, nY), from);
  }
  return positions;
}

// Local steps.

/** l: with n_x n_y pairs of unequal items, one agrees on l bytes with probability 2^-SIGMA at most. */
export function prefixBytes(nX: number, nY: number): number {
  const bits = (n: number): number => Math.ceil(Math.log2(n));
  return Math.ceil((SIGMA + bits(nX) + bits(nY)) / 8);
}

/** For each prefix (n x l) the position of a point (m x 32) that starts with it, or -1; n. */
export function matchPrefixes(prefixes: Uint8Array, points: Uint8Array, l: number): Int32Array {
  const index = new RowIndex(points, POINT_BYTES, l);
  for (let j = 0; j < points.length / POINT_BYTES; j++) index.add(j);
  return Int32Array.from({ length: prefixes.length / l }, (_, i) => index.find(prefixes, i * l));
}

interface Matches {
  /** R's rows in the intersection, ascending. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Their positions in S's list, ascending: in an order that says nothing of R's. */
  readonly positions: Uint32Array<ArrayBuffer>;
}

/** R: its rows and S's positions that matched. found[i] belongs to row order[i]. */
function collectMatches(found: Int32Array, order: Uint32Array<ArrayBuffer>): Matches {
  const rows = order.filter((_, i) => found[i]! >= 0).sort();
  const positions = Uint32Array.from(found.filter((position) => position >= 0)).sort();
  for (let k = 1; k < positions.length; k++) {
    if (positions[k - 1] === positions[k]) throw malformed('two items matched one position');
  }
  return { rows, positions };
}

/**
 * Collects points masked with our scalar and refuses repetitions, which distinct items never give.
 * The check looks at the products: the peer cannot steer where they fall in the index.
 */
function distinctPoints(n: number): { points: Uint8Array; put(b: Uint8Array, at: number): void } {
  const points = new Uint8Array(n * POINT_BYTES);
  const index = new RowIndex(points, POINT_BYTES);
  return {
    points,
    put(batch, from) {
      points.set(batch, from * POINT_BYTES);
      for (let i = from; i < from + batch.length / POINT_BYTES; i++) {
        if (index.add(i) >= 0) throw malformed(`point ${i} repeats an earlier one`);
      }
    },
  };
}

function truncateRows(points: Uint8Array, l: number): Uint8Array {
  const n = points.length / POINT_BYTES;
  const out = new Uint8Array(n * l);
  for (let i = 0; i < n; i++) {
    out.set(points.subarray(i * POINT_BYTES, i * POINT_BYTES + l), i * l);
  }
  return out;
}

function encodePositions(positions: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(positions.length * POSITION_BYTES);
  const view = new DataView(bytes.buffer);
  positions.forEach((position, k) => {
    view.setUint32(k * POSITION_BYTES, position, true);
  });
  return bytes;
}

// Checks: of the caller's input, then of what the peer sends.

function checkOwnItems(items: Uint8Array, { maxItems }: EcdhPsiOptions): number {
  if (!Number.isInteger(maxItems) || maxItems < 0 || maxItems > MAX_ITEMS) {
    throw new RangeError(`"maxItems" expected an integer to ${MAX_ITEMS}, got ${maxItems}`);
  }
  const n = countItems(items);
  if (n > maxItems) throw new RangeError(`items expected at most ${maxItems}, got ${n}`);
  return n;
}

function decodeSize({ items }: EcdhPsiSize, maxItems: number): number {
  if (items > maxItems) throw malformed(`expected at most ${maxItems} items, got ${items}`);
  return items;
}

function decodePrefixes({ prefixes }: EcdhPsiPrefixes, count: number, l: number): Uint8Array {
  if (prefixes.length !== count * l) {
    throw malformed(`expected ${count} prefixes of ${l} bytes, got ${prefixes.length} bytes`);
  }
  return prefixes;
}

/** `count` positions in [lowest, n), strictly increasing. */
function decodePositions(
  { positions: bytes }: EcdhPsiMatches,
  count: number,
  lowest: number,
  n: number,
): Uint32Array {
  if (bytes.length !== count * POSITION_BYTES) {
    throw malformed(`expected ${count} positions, got ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const positions = new Uint32Array(count);
  let least = lowest;
  for (let k = 0; k < count; k++) {
    const position = view.getUint32(k * POSITION_BYTES, true);
    if (position < least || position >= n)
      throw malformed(`position ${k} is out of order or range`);
    positions[k] = position;
    least = position + 1;
  }
  return positions;
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('MALFORMED_MESSAGE', message);
}
