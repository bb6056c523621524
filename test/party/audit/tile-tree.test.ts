import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Frontier, leafHash } from '../../../src/party/audit/merkle.ts';
import { treeRoot } from '../../../src/party/audit/merkle-proof.ts';
import { TileTree } from '../../../src/party/audit/tile-tree.ts';
import { TILE_BYTES, TILE_WIDTH, tilePath } from '../../../src/party/audit/tiles.ts';
import { partialTiles } from '../../support/partial-tiles.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

/** A full tile of level 1, and partial ones of levels 0 to 2. */
const MOST = 65_536 + 600;
const ALL = { size: MOST, published: MOST };
const LEAVES = Array.from({ length: MOST }, (_, i) => leafHash(Buffer.from(`entry ${i}`)));
const leafHashes = async (start: number, end: number) => LEAVES.slice(start, end);

function rootOf(size: number): Uint8Array {
  const frontier = Frontier.empty();
  for (const leaf of LEAVES.slice(0, size)) frontier.append(leaf);
  return frontier.root();
}

async function grown(folder: string, size: number): Promise<TileTree> {
  const tree = await TileTree.open(folder, { size: 0, published: 0 }, leafHashes);
  for (const leaf of LEAVES.slice(0, size)) tree.append(leaf);
  return tree;
}

describe('tile tree', () => {
  it('has the roots of every size that it had, from memory and from files', () =>
    withTemporaryDirectory(async (folder) => {
      const tree = await grown(folder, 1500);
      const sizes = [0, 1, 2, 255, 256, 257, 511, 512, 1000, 1279, 1280, 1499, 1500];
      for (const size of sizes)
        deepEqual(await treeRoot(size, tree.hashOf), rootOf(size), `${size}`);
      equal(tree.unwritten, 5);
      await tree.flush();
      equal(tree.unwritten, 0);
      for (const size of sizes)
        deepEqual(await treeRoot(size, tree.hashOf), rootOf(size), `${size}`);
    }));

  it('keeps partial tiles of every published size until their tile is full', () =>
    withTemporaryDirectory(async (folder) => {
      const tree = await grown(folder, 10);
      await tree.publish();
      tree.append(LEAVES[10]!);
      await tree.publish();
      await tree.publish();
      deepEqual(readdirSync(join(folder, 'tile/0/000.p')).toSorted(), ['10', '11']);
      for (const leaf of LEAVES.slice(11, 256)) tree.append(leaf);
      await tree.publish();
      deepEqual(readdirSync(join(folder, 'tile/0')), ['000']);
      deepEqual(readdirSync(join(folder, 'tile/1/000.p')), ['1']);
    }));

  it('believes no tile of entries that came after the last publication', () =>
    withTemporaryDirectory(async (folder) => {
      const [size, published] = [1200, 600];
      const longer = await TileTree.open(folder, { size: 0, published: 0 }, leafHashes);
      for (const leaf of LEAVES.slice(0, published)) longer.append(leaf);
      for (const leaf of LEAVES.slice(2000, 3000)) longer.append(leaf);
      await longer.publish();
      const tree = await TileTree.open(folder, { size, published }, leafHashes);
      deepEqual(await treeRoot(size, tree.hashOf), rootOf(size));
      deepEqual(await treeRoot(900, tree.hashOf), rootOf(900));
      const again = await TileTree.open(folder, { size, published: size }, leafHashes);
      deepEqual(await treeRoot(size, again.hashOf), rootOf(size));
    }));

  it('keeps tiles that cannot be written, and writes them later', () =>
    withTemporaryDirectory(async (folder) => {
      const tree = await grown(folder, 512);
      mkdirSync(join(folder, 'tile/0/000'), { recursive: true });
      await rejects(tree.flush());
      equal(tree.unwritten, 2);
      deepEqual(await treeRoot(512, tree.hashOf), rootOf(512));
      rmSync(join(folder, 'tile/0/000'), { recursive: true });
      await tree.flush();
      equal(tree.unwritten, 0);
    }));
});

describe('tile tree with full tiles of two levels', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'entente-test-'));
    await (await grown(folder, MOST)).publish();
  });
  after(() => rm(folder, { recursive: true }));

  it('writes what the specification wants, for its owner alone', () => {
    for (const tile of partialTiles(MOST)) {
      const path = join(folder, tilePath(tile));
      equal(statSync(path).size, tile.width * 32, path);
      equal(statSync(path).mode & 0o777, 0o600);
    }
    for (const [level, count] of [258, 1, 0].entries()) {
      for (let index = 0; index < count; index++) {
        const path = join(folder, tilePath({ level, index, width: TILE_WIDTH }));
        equal(statSync(path).size, TILE_BYTES, path);
      }
      const next = join(folder, tilePath({ level, index: count, width: TILE_WIDTH }));
      ok(!existsSync(next), next);
    }
    equal(statSync(join(folder, 'tile', '0')).mode & 0o777, 0o700);
    const leaves = readFileSync(join(folder, 'tile/0/001'));
    deepEqual(new Uint8Array(leaves.subarray(0, 32)), LEAVES[256]);
  });

  it('opens from the right edge alone, and goes on', async () => {
    const read: (readonly [number, number])[] = [];
    const tree = await TileTree.open(folder, ALL, async (start, end) => {
      read.push([start, end]);
      return leafHashes(start, end);
    });
    deepEqual(read, [[MOST - (MOST % 256), MOST]]);
    for (const size of [MOST, 65_537]) {
      deepEqual(await treeRoot(size, tree.hashOf), rootOf(size), `${size}`);
    }
    tree.append(LEAVES[0]!);
    const frontier = Frontier.empty();
    for (const leaf of [...LEAVES, LEAVES[0]!]) frontier.append(leaf);
    deepEqual(await treeRoot(MOST + 1, tree.hashOf), frontier.root());
  });

  it('makes tiles anew that are missing or cut short', async () => {
    const damage = ['tile/0/000', 'tile/0/255', 'tile/0/256', 'tile/1/000'];
    const whole = damage.map((path) => readFileSync(join(folder, path)));
    for (const [i, path] of damage.entries()) {
      if (i === 1) writeFileSync(join(folder, path), whole[1]!.subarray(1));
      else rmSync(join(folder, path));
    }
    const tree = await TileTree.open(folder, ALL, leafHashes);
    const roots = [MOST, 300, 65_535].map((size) => treeRoot(size, tree.hashOf));
    deepEqual(await Promise.all(roots), [rootOf(MOST), rootOf(300), rootOf(65_535)]);
    for (const [i, path] of damage.entries()) {
      deepEqual(readFileSync(join(folder, path)), whole[i], path);
    }
  });
});
