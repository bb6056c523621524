import { TILE_WIDTH, type Tile } from '../../src/party/audit/tiles.ts';

/** The partial tiles of a tree, lowest level first: floor(size / 256^L) mod 256 hashes in level L. */
export function partialTiles(size: number): readonly Tile[] {
  const tiles: Tile[] = [];
  for (let [level, hashes] = [0, size]; hashes > 0; level++) {
    const [index, width] = [Math.floor(hashes / TILE_WIDTH), hashes % TILE_WIDTH];
    if (width > 0) tiles.push({ level, index, width });
    hashes = index;
  }
  return tiles;
}
