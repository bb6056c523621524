/**
 * What a task's items take up on the disk while they wait for their turn:
 *
 *   <folder>/<bucket>.bin    what was appended to the bucket, in order
 *
 * Items are salted digests of this party's keys: the files are its secret, like the dataset itself.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Spill } from '../../../protocols/psi/item-buckets.ts';
import { TaskError } from '../task-error.ts';

export interface FileSpill extends Spill {
  /** Closes the files; whoever gave the folder removes it. */
  close(): Promise<void>;
}

/** Neither follows a link nor takes up a file of an earlier attempt. */
const CREATE = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_RDWR;

/** Files in a folder of their own, which is created with the first of them. */
export function fileSpill(folder: string): FileSpill {
  /** The file of each bucket, with the bytes that it holds. */
  const files = new Map<number, { readonly file: FileHandle; bytes: number }>();

  async function fileOf(bucket: number): Promise<{ readonly file: FileHandle; bytes: number }> {
    const known = files.get(bucket);
    if (known) return known;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const opened = { file: await open(join(folder, `${bucket}.bin`), CREATE, 0o600), bytes: 0 };
    files.set(bucket, opened);
    return opened;
  }

  return {
    async append(bucket, bytes) {
      await orSpillError(async () => {
        const target = await fileOf(bucket);
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await target.file.write(bytes, done, null, target.bytes);
          done += bytesWritten;
          target.bytes += bytesWritten;
        }
      });
    },

    async read(bucket) {
      const source = files.get(bucket);
      const bytes = new Uint8Array(source?.bytes ?? 0);
      await orSpillError(async () => {
        for (let done = 0; source && done < bytes.length; ) {
          const { bytesRead } = await source.file.read(bytes, done, bytes.length - done, done);
          if (bytesRead === 0) throw new Error('the file is shorter than what was written');
          done += bytesRead;
        }
      });
      return bytes;
    },

    async close() {
      const open = [...files.values()];
      files.clear();
      await Promise.all(open.map(({ file }) => file.close()));
    },
  };
}

async function orSpillError(use: () => Promise<void>): Promise<void> {
  try {
    await use();
  } catch (cause) {
    const { code = 'the file was changed' } = cause as NodeJS.ErrnoException;
    const what = `the task's items cannot be kept in the node's dataDir (${code}): make room there, or raise tasks.spillBytes`;
    throw new TaskError('SPILL_FAILED', what, { cause });
  }
}
