/**
 * Where the hashes of a log stand on the disk. C2SP, "Tiled Transparency Logs".
 * https://c2sp.org/tlog-tiles
 *
 * A tile of level L holds up to 256 hashes of complete subtrees of 256^L leaves each. A full tile never
 * changes; of the rightmost, partial ones each width is a file of its own.
 */
import { HASH_BYTES, nodeHash } from './merkle.ts';

/** Hashes of a full tile: 2^`TILE_HEIGHT`. */
export const TILE_WIDTH = 256;
export const TILE_HEIGHT = 8;
export const TILE_BYTES: number = TILE_WIDTH * HASH_BYTES;

/** Tiles of one level: `index` counts from the left. */
export interface TilePlace {
  readonly level: number;
  readonly index: number;
}

export interface Tile extends TilePlace {
  /** Hashes in it: 1 to `TILE_WIDTH`. */
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]`, below the log's folder. */
export function tilePath({ level, index, width }: Tile): string {
  const full = `tile/${level}/${indexPath(index)}`;
  return width === TILE_WIDTH ? full : `${partialFolder({ level, index })}/${width}`;
}

/** Where the partial tiles of a place are. */
export function partialFolder({ level, index }: TilePlace): string {
  return `tile/${level}/${indexPath(index)}.p`;
}

/** The hash of the complete subtree above 2^k hashes, one after the other. */
export function hashAbove(hashes: Uint8Array): Uint8Array {
  return hashesAbove(hashes).slice(-HASH_BYTES);
}

/** 2^k hashes and then, row by row, those of every complete subtree above them: 2^(k + 1) - 1 in all. */
export function hashesAbove(hashes: Uint8Array): Uint8Array {
  const all = new Uint8Array(2 * hashes.length - HASH_BYTES);
  all.set(hashes);
  for (let [from, to] = [0, hashes.length]; to < all.length; from += 2 * HASH_BYTES) {
    const right = from + HASH_BYTES;
    all.set(nodeHash(all.subarray(from, right), all.subarray(right, right + HASH_BYTES)), to);
    to += HASH_BYTES;
  }
  return all;
}

/** Of `hashesAbove` a full tile: the hash number `index` of the row `height` above it. */
export function hashAt(above: Uint8Array, height: number, index: number): Uint8Array {
  const row = 2 * TILE_WIDTH - 2 ** (TILE_HEIGHT + 1 - height);
  const at = (row + index) * HASH_BYTES;
  return above.slice(at, at + HASH_BYTES);
}

/** Three digits a path element, all but the last with an `x`: 1234067 is x001/x234/067. */
function indexPath(index: number): string {
  const last = String(index % 1000).padStart(3, '0');
  let path = last;
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    path = `x${String(rest % 1000).padStart(3, '0')}/${path}`;
  }
  return path;
}
