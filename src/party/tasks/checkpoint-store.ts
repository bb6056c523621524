/**
 * Checkpoints of tasks on this party's own disk:
 *
 *   <folder>/<taskId>/<attempt>-<step>.bin    SHA-256 of what follows with its id | the program's bytes
 *
 * They hold shares and so are the party's secret. A file is there whole or not at all; the digest tells
 * damage, and a file that was moved.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../durable-file.ts';
import { PHASE_STEPS } from './program.ts';
import { byNewest, type CheckpointId, MAX_CHECKPOINTS } from './standing.ts';

/** Domain of the digest. */
const DOMAIN = 'entente/checkpoint/v1';
const DIGEST_BYTES = 32;
const FILE = /^([1-9]\d{0,9})-(0|[1-9]\d{0,15})\.bin$/;
const TASK_ID = /^[0-9a-f]{64}$/;

export interface CheckpointStore {
  /**
   * Takes a checkpoint and writes it behind the caller's back. While one is written the newest of those
   * that come waits; when it is on the disk, all go but the newest and
   * the newest start of a phase, `MAX_CHECKPOINTS` in all: the parties have at least the start in common.
   */
  save(taskId: string, id: CheckpointId, bytes: Uint8Array): void;
  /** Resolves once nothing of the task is being written; rejects when that failed. */
  settled(taskId: string): Promise<void>;
  /** What is whole on the disk, newest first. */
  list(taskId: string): Promise<readonly CheckpointId[]>;
  /** The program's bytes; null when there is no such checkpoint, or it is damaged. */
  load(taskId: string, id: CheckpointId): Promise<Uint8Array | null>;
  /** Forgets a task's checkpoints, once what is being written is. */
  remove(taskId: string): Promise<void>;
  /** The tasks that have any. */
  tasks(): Promise<readonly string[]>;
}

/** Saves of one task: the one that is being written, the one that comes next. */
interface Writing {
  next: { readonly id: CheckpointId; readonly bytes: Uint8Array } | null;
  done: Promise<void>;
}

export function checkpointStore(folder: string): CheckpointStore {
  const writing = new Map<string, Writing>();

  const folderOf = (taskId: string): string => {
    if (!TASK_ID.test(taskId)) throw new TypeError('"taskId" expected 64 hexadecimal digits');
    return join(folder, taskId);
  };
  const fileOf = (taskId: string, { attempt, step }: CheckpointId): string =>
    join(folderOf(taskId), `${attempt}-${step}.bin`);

  async function write(taskId: string, id: CheckpointId, bytes: Uint8Array): Promise<void> {
    const content = [digestOf(taskId, id, bytes), bytes];
    await writeDurably(fileOf(taskId, id), content, { mode: 0o600 });
    const ids = await idsOf(folderOf(taskId));
    const newest = ids.slice(0, MAX_CHECKPOINTS - 1);
    const start = ids.find(({ step }) => step % PHASE_STEPS === 0);
    for (const each of ids) {
      if (newest.includes(each) || each === start) continue;
      await rm(fileOf(taskId, each), { force: true });
    }
  }

  async function drain(taskId: string, task: Writing): Promise<void> {
    try {
      for (let each = task.next; each; each = task.next) {
        task.next = null;
        await write(taskId, each.id, each.bytes);
      }
    } finally {
      writing.delete(taskId);
    }
  }

  async function load(taskId: string, id: CheckpointId): Promise<Uint8Array | null> {
    const content = await readFile(fileOf(taskId, id)).catch(ifMissing(null));
    if (!content || content.length < DIGEST_BYTES) return null;
    const bytes = new Uint8Array(content.subarray(DIGEST_BYTES)); // a copy: the thread takes it
    const digest = content.subarray(0, DIGEST_BYTES);
    return timingSafeEqual(digest, digestOf(taskId, id, bytes)) ? bytes : null;
  }

  const settled = async (taskId: string): Promise<void> => writing.get(taskId)?.done;

  return {
    save(taskId, id, bytes) {
      folderOf(taskId);
      const task = writing.get(taskId);
      if (task) {
        task.next = { id, bytes };
        return;
      }
      const begun: Writing = { next: { id, bytes }, done: Promise.resolve() };
      writing.set(taskId, begun);
      begun.done = drain(taskId, begun);
      begun.done.catch(() => undefined); // for `settled`, if anybody asks
    },

    settled,

    async list(taskId) {
      await settled(taskId).catch(() => undefined);
      const whole: CheckpointId[] = [];
      for (const id of await idsOf(folderOf(taskId))) {
        if (whole.length < MAX_CHECKPOINTS && (await load(taskId, id))) whole.push(id);
      }
      return whole;
    },

    load,

    async remove(taskId) {
      const task = writing.get(taskId);
      if (task) {
        task.next = null;
        await task.done.catch(() => undefined);
      }
      await rm(folderOf(taskId), { recursive: true, force: true });
    },

    tasks: async () =>
      (await readdir(folder).catch(ifMissing([]))).filter((name) => TASK_ID.test(name)),
  };
}

/** The ids that the names in a task's folder say, newest first. */
async function idsOf(folder: string): Promise<readonly CheckpointId[]> {
  const names: string[] = await readdir(folder).catch(ifMissing([]));
  return names
    .flatMap((name): CheckpointId[] => {
      const [, attempt, step] = FILE.exec(name) ?? [];
      return attempt === undefined ? [] : [{ attempt: Number(attempt), step: Number(step) }];
    })
    .toSorted(byNewest);
}

function digestOf(taskId: string, { attempt, step }: CheckpointId, bytes: Uint8Array): Buffer {
  return createHash('sha256')
    .update(`${DOMAIN}\0${taskId}\0${attempt}\0${step}\0`)
    .update(bytes)
    .digest();
}

function ifMissing<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return value;
    throw error;
  };
}
