import { MatchCount, MatchedPositions } from '../../../proto/gen/psi.ts';
import { POINT_BYTES } from '../../kernels/curve25519-kernel.ts';
import type { Channel } from '../channel.ts';
import { ascending } from '../primitives/rows.ts';
import { uint32Bytes } from '../primitives/words.ts';
import { SIGMA } from '../security.ts';
import { malformed } from './malformed.ts';
import { RowIndex } from './row-index.ts';

/** Positions a message: 64 KiB. Part of the wire format. */
export const BATCH_POSITIONS = 16384;

const POSITION_BYTES = 4;

/**
 * l: among the n_x n_y pairs of unequal items of each of `runs` runs of such sizes, any two agree on l
 * bytes with probability 2^-SIGMA.
 */
export function prefixBytes(nX: number, nY: number, runs = 1): number {
  const bits = (n: number): number => Math.ceil(Math.log2(n));
  return Math.ceil((SIGMA + bits(nX) + bits(nY) + bits(runs)) / 8);
}

/** For each prefix (n x l) the position of a point (m x 32) that starts with it, or -1; n. */
export function matchPrefixes(prefixes: Uint8Array, points: Uint8Array, l: number): Int32Array {
  const index = new RowIndex(points, POINT_BYTES, l);
  for (let j = 0; j < points.length / POINT_BYTES; j++) index.add(j);
  return Int32Array.from({ length: prefixes.length / l }, (_, i) => index.find(prefixes, i * l));
}

export interface Matches {
  /** R's rows in the intersection, ascending. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Their positions in S's list, ascending: an order that says nothing of R's. */
  readonly positions: Uint32Array<ArrayBuffer>;
}

/** R: its rows and S's positions that matched. found[i] belongs to row order[i]. */
export function collectMatches(found: Int32Array, order: Uint32Array<ArrayBuffer>): Matches {
  const rows = order.filter((_, i) => found[i]! >= 0).sort();
  return { rows, positions: matchedPositions(found) };
}

/** R: S's positions that matched, ascending; each must match once, for S's points are distinct. */
export function matchedPositions(found: Int32Array): Uint32Array<ArrayBuffer> {
  const positions = Uint32Array.from(found.filter((position) => position >= 0)).sort();
  for (let k = 1; k < positions.length; k++) {
    if (positions[k - 1] === positions[k]) throw malformed('two items matched one position');
  }
  return positions;
}

/** R -> S: the positions that matched, in batches after their number. */
export async function sendPositions(ch: Channel, positions: Uint32Array): Promise<void> {
  await ch.send(MatchCount, { matches: positions.length });

  for (let from = 0; from < positions.length; from += BATCH_POSITIONS) {
    const batch = positions.subarray(from, from + BATCH_POSITIONS);
    await ch.send(MatchedPositions, { positions: uint32Bytes(batch) });
  }
}

/**
 * S: its rows that matched, at most `limit`, ascending. order[k] is the row at position k of its list: the
 * order in which R tells them is that of the list.
 */
export async function receiveMatchedRows(
  ch: Channel,
  order: Uint32Array,
  limit: number,
): Promise<Uint32Array<ArrayBuffer>> {
  const positions = await receivePositions(ch, limit, order.length);
  return ascending(
    positions.map((position) => order[position]!),
    order.length,
  );
}

/** S: at most `limit` positions in its list of n, ascending. */
async function receivePositions(
  ch: Channel,
  limit: number,
  n: number,
): Promise<Uint32Array<ArrayBuffer>> {
  const { matches } = await ch.receive(MatchCount);
  if (matches > limit) throw malformed(`expected at most ${limit} matches, got ${matches}`);

  const positions = new Uint32Array(matches);
  for (let from = 0; from < matches; from += BATCH_POSITIONS) {
    const count = Math.min(BATCH_POSITIONS, matches - from);
    const least = from === 0 ? 0 : positions[from - 1]! + 1;
    positions.set(decodePositions(await ch.receive(MatchedPositions), count, least, n), from);
  }
  return positions;
}

/** `count` positions in [least, n), strictly increasing. */
function decodePositions(
  { positions: bytes }: MatchedPositions,
  count: number,
  least: number,
  n: number,
): Uint32Array {
  if (bytes.length !== count * POSITION_BYTES) {
    throw malformed(`expected ${count} positions, got ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const positions = new Uint32Array(count);
  let next = least;
  for (let k = 0; k < count; k++) {
    const position = view.getUint32(k * POSITION_BYTES, true);
    if (position < next || position >= n) throw malformed(`position ${k} is out of order or range`);
    positions[k] = position;
    next = position + 1;
  }
  return positions;
}
