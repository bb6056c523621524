import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file that is there whole or not at all, also after a crash: temporary name, sync, rename,
 * sync of the folder. Creates missing folders. One writer at a time; what an interrupted one left
 * behind under the temporary name is overwritten. An array is what the file holds, piece by piece.
 */
export async function writeDurably(
  path: string,
  content: string | Uint8Array | readonly Uint8Array[],
  { mode, folderMode = 0o750 }: { readonly mode: number; readonly folderMode?: number },
): Promise<void> {
  const folder = dirname(path);
  const firstCreated = await mkdir(folder, { recursive: true, mode: folderMode });
  const temporary = join(folder, `.${basename(path)}.tmp`);
  await rm(temporary, { force: true });
  try {
    await withFile(temporary, 'wx', mode, async (file) => {
      const isOne = typeof content === 'string' || content instanceof Uint8Array;
      for (const piece of isOne ? [content] : content) await file.writeFile(piece);
      await file.sync();
    });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolders(folder, firstCreated);
}

/** Gives a file, which must be synced, its final name on the same disk. Creates missing folders. */
export async function moveDurably(from: string, to: string): Promise<void> {
  const folder = dirname(to);
  const firstCreated = await mkdir(folder, { recursive: true, mode: 0o750 });
  await rename(from, to);
  await syncFolders(folder, firstCreated);
}

/** A renamed file and a new folder are durable once the folder that lists them is. */
async function syncFolders(folder: string, firstCreated: string | undefined): Promise<void> {
  for (let each = folder; ; each = dirname(each)) {
    await withFile(each, 'r', undefined, (listing) => listing.sync());
    if (firstCreated === undefined || each === dirname(firstCreated)) break;
  }
}

async function withFile(
  path: string,
  flags: string,
  mode: number | undefined,
  use: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, mode);
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
