import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../durable-file.ts';
import { HASH_BYTES } from './merkle.ts';
import type { SubtreeHash } from './merkle-proof.ts';
import {
  hashAbove,
  hashAt,
  hashesAbove,
  partialFolder,
  TILE_BYTES,
  TILE_HEIGHT,
  TILE_WIDTH,
  type Tile,
  type TilePlace,
  tilePath,
} from './tiles.ts';

/** Full tiles kept in memory after they were read, with all hashes above them: a MiB. Own choice. */
const CACHED_TILES = 64;

/** Of files and folders: a log's hashes tell who sees them which entries exist. */
const FILE_MODES = { mode: 0o600, folderMode: 0o700 } as const;

/** The leaf hashes of entries [start, end), from the entries themselves. */
export type LeafHashes = (start: number, end: number) => Promise<readonly Uint8Array[]>;

/** What a tree is opened with. */
export interface TileTreeOptions {
  /** Entries in the tree. */
  readonly size: number;
  /**
   * Tiles of that many entries were all on the disk once, `publish`. Those of later entries are made
   * anew when they are read: files of a longer log, from before a backup was restored, may be in their
   * place.
   */
  readonly published: number;
}

/** A tile that is still growing. */
interface Edge {
  readonly index: number;
  readonly bytes: Uint8Array;
  width: number;
}

/**
 * The hashes of a growing tree: its rightmost tiles in memory, full ones in files. Files are only a
 * copy of what the entries say: one that is missing is made anew from below when it is read.
 */
export class TileTree {
  readonly #folder: string;
  readonly #leafHashes: LeafHashes;
  readonly #opened: TileTreeOptions;
  /** By level. */
  readonly #edges: Edge[] = [];
  /** Full tiles that are not on the disk yet, by path, in the order in which they became full. */
  readonly #unwritten = new Map<string, Tile & { readonly bytes: Uint8Array }>();
  /** `hashesAbove` tiles on the disk, by path, least recently used first. */
  readonly #read = new Map<string, Promise<Uint8Array>>();
  /** Full tiles that this object made anew, by path. */
  readonly #mended = new Set<string>();
  /** Widths of the partial tiles that this object wrote last, by folder. */
  readonly #partials = new Map<string, number>();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, options: TileTreeOptions, leafHashes: LeafHashes) {
    this.#folder = folder;
    this.#opened = options;
    this.#leafHashes = leafHashes;
  }

  /** Reads O(256 log n) hashes, and the entries since `published`; writes tiles that are missing. */
  static async open(
    folder: string,
    options: TileTreeOptions,
    leafHashes: LeafHashes,
  ): Promise<TileTree> {
    const tree = new TileTree(folder, options, leafHashes);
    for (let [level, hashes] = [0, options.size]; hashes > 0; level++) {
      const index = Math.floor(hashes / TILE_WIDTH);
      const edge = newEdge(index);
      for await (const hash of tree.#hashesOf(level, index * TILE_WIDTH, hashes)) push(edge, hash);
      tree.#edges.push(edge);
      hashes = index;
    }
    return tree;
  }

  /** Full tiles that are not on the disk yet. */
  get unwritten(): number {
    return this.#unwritten.size;
  }

  /** @param leaf - `leafHash` of the next entry. */
  append(leaf: Uint8Array): void {
    let hash = leaf;
    for (let level = 0; ; level++) {
      const edge = this.#edges[level] ?? newEdge(0);
      this.#edges[level] = edge;
      push(edge, hash);
      if (edge.width < TILE_WIDTH) return;
      const tile = { level, index: edge.index, width: TILE_WIDTH, bytes: edge.bytes };
      this.#unwritten.set(tilePath(tile), tile);
      this.#edges[level] = newEdge(edge.index + 1);
      hash = hashAbove(edge.bytes);
    }
  }

  /** The hash of a complete subtree of this tree: one tile is read for it at most. */
  readonly hashOf: SubtreeHash = async (level, index) => {
    const height = level % TILE_HEIGHT;
    const count = TILE_WIDTH / 2 ** height; // of such subtrees in a tile
    const place = { level: Math.floor(level / TILE_HEIGHT), index: Math.floor(index / count) };
    const edge = this.#edges[place.level];
    if (edge?.index !== place.index) return hashAt(await this.#above(place), height, index % count);
    const bytes = HASH_BYTES * 2 ** height;
    return hashAbove(edge.bytes.subarray((index % count) * bytes, (index % count) * bytes + bytes));
  };

  /** Writes the full tiles that are not on the disk yet, lower ones first. What fails stays unwritten. */
  async flush(): Promise<void> {
    await this.#alone(async () => {
      for (const [path, tile] of this.#unwritten) {
        await writeDurably(join(this.#folder, path), tile.bytes, FILE_MODES);
        this.#unwritten.delete(path);
        await rm(join(this.#folder, partialFolder(tile)), { recursive: true, force: true });
        this.#partials.delete(partialFolder(tile));
      }
    });
  }

  /** Writes all tiles of the tree as it is when this is called. */
  async publish(): Promise<void> {
    const edges = this.#edges.map(({ index, bytes, width }, level) => {
      return { level, index, width, bytes: bytes.slice(0, width * HASH_BYTES) };
    });
    await this.flush();
    await this.#alone(async () => {
      for (const tile of edges) {
        const folder = partialFolder(tile);
        if (tile.width === 0 || (this.#partials.get(folder) ?? 0) >= tile.width) continue;
        await writeDurably(join(this.#folder, tilePath(tile)), tile.bytes, FILE_MODES);
        this.#partials.set(folder, tile.width);
      }
    });
  }

  /** Hashes [start, end) of a tile level, from the level below. */
  async *#hashesOf(level: number, start: number, end: number): AsyncGenerator<Uint8Array> {
    if (level === 0) {
      yield* await this.#leafHashes(start, end);
      return;
    }
    for (let index = start; index < end; index++) {
      yield hashAt(await this.#above({ level: level - 1, index }), TILE_HEIGHT, 0);
    }
  }

  /** `hashesAbove` a full tile. */
  async #above(place: TilePlace): Promise<Uint8Array> {
    const path = tilePath({ ...place, width: TILE_WIDTH });
    const unwritten = this.#unwritten.get(path);
    if (unwritten) return hashesAbove(unwritten.bytes);
    const reading = this.#read.get(path) ?? this.#readTile(path, place).then(hashesAbove);
    this.#read.delete(path);
    this.#read.set(path, reading);
    if (this.#read.size > CACHED_TILES) this.#read.delete(this.#read.keys().next().value!);
    try {
      return await reading;
    } catch (error) {
      this.#read.delete(path);
      throw error;
    }
  }

  async #readTile(path: string, place: TilePlace): Promise<Uint8Array> {
    if (this.#mended.has(path) || !this.#isDoubtful(place)) {
      const stored = await readIfThere(join(this.#folder, path));
      if (stored?.length === TILE_BYTES) return stored;
    }
    const tile = newEdge(place.index);
    const start = place.index * TILE_WIDTH;
    for await (const hash of this.#hashesOf(place.level, start, start + TILE_WIDTH)) {
      push(tile, hash);
    }
    await this.#alone(() => writeDurably(join(this.#folder, path), tile.bytes, FILE_MODES));
    this.#mended.add(path);
    return tile.bytes;
  }

  /** Whether the tile became full in an earlier process, after all tiles were last known to be there. */
  #isDoubtful({ level, index }: TilePlace): boolean {
    const end = (index + 1) * TILE_WIDTH ** (level + 1);
    return end > this.#opened.published && end <= this.#opened.size;
  }

  /** Runs `write` when no other write is under way: two of one path would meet in its temporary file. */
  async #alone<T>(write: () => Promise<T>): Promise<T> {
    const mine = this.#writing.then(write, write);
    this.#writing = mine.catch(() => undefined);
    return mine;
  }
}

function newEdge(index: number): Edge {
  return { index, bytes: new Uint8Array(TILE_BYTES), width: 0 };
}

function push(edge: Edge, hash: Uint8Array): void {
  edge.bytes.set(hash, edge.width * HASH_BYTES);
  edge.width += 1;
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
