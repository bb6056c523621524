import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { DatasetError } from './dataset-error.ts';

/** A file that a request may read: inside a root after every link is followed. */
export interface DatasetFile {
  /** As the request names it; the only name that messages use. */
  readonly name: string;
  /** Absolute, without links. */
  readonly realPath: string;
  /** Device, inode, size and modification time: differs once the file is replaced or written. */
  readonly stamp: string;
}

const MAX_PATH_LENGTH = 1024;
const MAX_LISTED = 10_000;
const LISTED_SUFFIX = /\.(csv|json|ndjson|jsonl|parquet)$/i;

/** Control characters, and the characters that the database reads as a file pattern. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const FORBIDDEN_IN_PATH = /[\u0000-\u001f\u007f*?[\]{}]/;
const URL_SCHEME = /^[a-z][a-z0-9+.-]*:/i;

/**
 * Finds the file at a path, relative to the roots (the first that has it) or absolute inside one.
 * Paths that leave every root are refused before the disk is touched, so that the answer tells
 * nothing about files elsewhere.
 *
 * @param name - What the request calls the file, where that is not its path.
 */
export async function resolveDataset(
  roots: readonly string[],
  path: string,
  name: string = path,
): Promise<DatasetFile> {
  if (path.length === 0 || path.length > MAX_PATH_LENGTH || FORBIDDEN_IN_PATH.test(path)) {
    throw new DatasetError('bad_path', 'the dataset path is empty, too long or has odd characters');
  }
  if (URL_SCHEME.test(path)) {
    throw new DatasetError('bad_path', `${name}: datasets are files of this node, not URLs`);
  }
  if (path.split(/[/\\]/).includes('..')) throw outside(name);
  const candidates = roots
    .map((root) => ({ root, file: isAbsolute(path) ? join(path) : join(root, path) }))
    .filter(({ root, file }) => contains(root, file));
  if (candidates.length === 0) throw outside(name);

  for (const { root, file } of candidates) {
    const real = await realpath(file).catch(() => undefined);
    if (real === undefined) continue;
    if (!contains(await realpath(root), real)) throw outside(name);
    return inspect(name, real);
  }
  throw new DatasetError('missing_dataset', `${name}: no such dataset`);
}

/**
 * The present stamp of a resolved file: compare with `file.stamp` to see that it is still the same.
 */
export async function stampOf(realPath: string): Promise<string> {
  const { dev, ino, size, mtimeNs } = await stat(realPath, { bigint: true });
  return `${dev}:${ino}:${size}:${mtimeNs}`;
}

/** The data files under the roots by suffix, as requests may name them; sorted, at most 10 000. */
export async function listDatasets(roots: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const root of roots) {
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const name = relative(root, join(entry.parentPath, entry.name));
      if (entry.isFile() && LISTED_SUFFIX.test(name) && !FORBIDDEN_IN_PATH.test(name)) {
        names.add(name);
      }
      if (names.size >= MAX_LISTED) break;
    }
  }
  return [...names].sort();
}

async function inspect(name: string, realPath: string): Promise<DatasetFile> {
  const status = await stat(realPath).catch(() => undefined);
  if (!status) throw new DatasetError('missing_dataset', `${name}: no such dataset`);
  if (!status.isFile()) throw new DatasetError('not_a_file', `${name}: not a file`);
  // The database would read a link's target or a root with such a character as a pattern.
  if (FORBIDDEN_IN_PATH.test(realPath)) {
    throw new DatasetError('bad_path', `${name}: lies in a folder whose name has odd characters`);
  }
  await access(realPath, constants.R_OK).catch(() => {
    throw new DatasetError('unreadable', `${name}: the node may not read this file`);
  });
  return { name, realPath, stamp: await stampOf(realPath) };
}

function contains(root: string, path: string): boolean {
  const inside = relative(root, path);
  return inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}

function outside(name: string): DatasetError {
  return new DatasetError('outside_roots', `${name}: outside the folders this node shares`);
}
