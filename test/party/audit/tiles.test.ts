import { deepEqual, equal } from 'node:assert/strict';
import { nodeHash } from '../../../src/party/audit/merkle.ts';
import {
  hashAbove,
  hashAt,
  hashesAbove,
  partialFolder,
  TILE_WIDTH,
  tilePath,
} from '../../../src/party/audit/tiles.ts';
import { partialTiles } from '../../support/partial-tiles.ts';
import { SUBTREES } from '../../vectors/merkle.ts';

const full = (level: number, index: number) => tilePath({ level, index, width: TILE_WIDTH });

describe('tile paths', () => {
  it('are those of the specification', () => {
    equal(full(0, 1234067), 'tile/0/x001/x234/067');
    equal(tilePath({ level: 1, index: 0, width: 17 }), 'tile/1/000.p/17');
    equal(tilePath({ level: 0, index: 273, width: 112 }), 'tile/0/273.p/112');
    equal(partialFolder({ level: 0, index: 1000 }), 'tile/0/x001/000.p');
  });

  it('have three digits an element and no clash of files and folders', () => {
    equal(full(0, 0), 'tile/0/000');
    equal(full(2, 999), 'tile/2/999');
    equal(full(0, 1000), 'tile/0/x001/000');
    equal(full(0, 1_000_000), 'tile/0/x001/x000/000');
    equal(full(0, 2 ** 45), 'tile/0/x035/x184/x372/x088/832');
  });
});

describe('partial tiles', () => {
  it('are those of the specification: 70 000 and 256 entries', () => {
    deepEqual(partialTiles(70_000), [
      { level: 0, index: 273, width: 112 },
      { level: 1, index: 1, width: 17 },
      { level: 2, index: 0, width: 1 },
    ]);
    deepEqual(partialTiles(256), [{ level: 1, index: 0, width: 1 }]);
  });

  it('are none of the empty tree, and only level 0 below a tile', () => {
    deepEqual(partialTiles(0), []);
    deepEqual(partialTiles(255), [{ level: 0, index: 0, width: 255 }]);
    deepEqual(partialTiles(65_536), [{ level: 2, index: 0, width: 1 }]);
  });
});

describe('hash above', () => {
  it('is the root of a complete subtree of the published tree', () => {
    const row = Buffer.from(SUBTREES[0]!.join(''), 'hex');
    for (let level = 0; level <= 3; level++) {
      const hash = hashAbove(row.subarray(0, 32 << level));
      equal(Buffer.from(hash).toString('hex'), SUBTREES[level]![0], `level ${level}`);
    }
    equal(row.toString('hex'), SUBTREES[0]!.join(''), 'its input is unchanged');
  });

  it('is the root of a full tile', () => {
    const hashes = Array.from({ length: TILE_WIDTH }, (_, i) => Buffer.alloc(32, i));
    let row: Uint8Array[] = hashes;
    while (row.length > 1) {
      row = Array.from({ length: row.length / 2 }, (_, i) =>
        nodeHash(row[2 * i]!, row[2 * i + 1]!),
      );
    }
    deepEqual(hashAbove(Buffer.concat(hashes)), row[0]);
  });

  it('is found at its height and place', () => {
    const hashes = Buffer.concat(Array.from({ length: TILE_WIDTH }, (_, i) => Buffer.alloc(32, i)));
    const above = hashesAbove(hashes);
    equal(above.length, 511 * 32);
    for (let height = 0; height <= 8; height++) {
      for (const index of [0, TILE_WIDTH / 2 ** height - 1]) {
        const start = index * 32 * 2 ** height;
        const expected = hashAbove(hashes.subarray(start, start + 32 * 2 ** height));
        deepEqual(hashAt(above, height, index), expected, `${height}/${index}`);
      }
    }
  });
});
