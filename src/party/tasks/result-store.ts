/**
 * Results between their program and the world, so that no crash leaves one party with a result and
 * another with a failure:
 *
 *   prepared    the files are staged on this disk and synced, then a row says so; nothing is visible
 *   published   every party was prepared: each file has its final name, each model its row
 *
 * Publishing can be done again after a crash at any point of it. What becomes visible in the results
 * folder is in the audit log before, once.
 *
 *   <staging>/<taskId>/model.json, part.json       until they are models
 *   <results>/.staged/<taskId>/<name>              until it is <results>/<taskId>/<name>
 */
import { access, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TransportReceipt } from '../consensus/receipt-statement.ts';
import { moveDurably, writeDurably } from '../durable-file.ts';
import type { JsonObject } from '../http/json-shape.ts';
import { modelText, parseModelDocument } from '../models/model-document.ts';
import { parseModelPart, partText } from '../models/model-part.ts';
import type { ModelKind, ModelManifest, ModelRegistry } from '../models/model-registry.ts';
import type { Store, Write } from '../store.ts';
import type { DeliveredFile, Deliveries } from './deliveries.ts';
import type { ProgramResult } from './program.ts';

/** What a program left, without its files. */
export interface PreparedResult {
  readonly taskId: string;
  /** In which it was made; 0 for a task of this node alone. */
  readonly attempt: number;
  /** Of the model or the part that it makes; null when it makes neither. */
  readonly modelId: string | null;
  readonly model: boolean;
  readonly part: boolean;
  /** The name of the receiver's file. */
  readonly file: string | null;
  readonly metrics: ProgramResult['metrics'];
  readonly extra: JsonObject;
  /** What the audit log has of it as delivered. */
  readonly delivered: readonly DeliveredFile['what'][];
  /** What went over the wire; empty until the sessions were closed in order. */
  readonly transport: readonly TransportReceipt[];
}

/** What a receiver's file has in it. */
export type FileKind = Exclude<DeliveredFile['what'], 'model'>;

export interface PublishedResult {
  /** As callers are told: `results/...`; null when this party receives no file. */
  readonly path: string | null;
  /** SHA-256 of the model file or of the part, hex; null when there is neither. */
  readonly digest: string | null;
}

export interface ResultFolders {
  /** For models until they are published: secret. */
  readonly staging: string;
  /** What `results/` stands for. */
  readonly results: string;
}

export interface ResultStore {
  /** Stages what a program left; once this resolves, a restarted process finds it. */
  prepare(taskId: string, attempt: number, result: ProgramResult): Promise<PreparedResult>;
  find(taskId: string): Promise<PreparedResult | null>;
  /** Adds what went over the wire. */
  counted(
    prepared: PreparedResult,
    transport: readonly TransportReceipt[],
  ): Promise<PreparedResult>;
  /**
   * Makes the result visible; of what was staged nothing is left.
   *
   * @param fileKind - What the receiver's file is, if there is one.
   */
  publish(prepared: PreparedResult, fileKind: FileKind): Promise<PublishedResult>;
  /** Forgets the row of a published result; for the write that completes its task. */
  published(taskId: string): Write;
  /** Throws a result away that was not published, row first. */
  discard(taskId: string): Promise<void>;
  /** Removes what an earlier process staged and had no row for. */
  removeLeftovers(): Promise<void>;
}

const MODEL = 'model.json';
const PART = 'part.json';

/** Names of receivers' files: a program's own choice, but it crosses from another thread. */
const FILE_NAME = /^[a-z0-9][a-z0-9_-]{0,63}\.[a-z0-9]{1,8}$/;

export function resultStore(
  store: Store,
  models: ModelRegistry,
  folders: ResultFolders,
  deliveries: Deliveries,
): ResultStore {
  const rows = store.table<PreparedResult>('results');
  const staged = (taskId: string, name: string): string => join(folders.staging, taskId, name);
  const stagedFiles = join(folders.results, '.staged');

  async function removeStaged(taskId: string): Promise<void> {
    for (const folder of [folders.staging, stagedFiles]) {
      await rm(join(folder, taskId), { recursive: true, force: true });
    }
  }

  async function publishOne(
    taskId: string,
    kind: ModelKind,
    modelId: string,
  ): Promise<ModelManifest> {
    const file = staged(taskId, kind === 'model' ? MODEL : PART);
    if (await exists(file)) {
      const text = await readFile(file, 'utf8');
      return models.put(kind === 'model' ? parseModelDocument(text) : parseModelPart(text));
    }
    // After a crash it may be a model already.
    const manifest = await models.get(modelId, kind);
    if (!manifest) throw new Error(`the ${kind} of ${taskId} is not on the disk any more`);
    return manifest;
  }

  /** Records what becomes visible; each kind once, over restarts too. */
  async function deliver(taskId: string, fileKind: FileKind): Promise<void> {
    let row = await rows.get(taskId);
    if (!row) return; // published before
    const { model, file, attempt } = row;
    const found: DeliveredFile[] = [];
    if (model) found.push({ what: 'model', path: staged(taskId, MODEL) });
    if (file !== null) found.push({ what: fileKind, path: join(stagedFiles, taskId, file) });
    for (const delivered of found) {
      if (row.delivered.includes(delivered.what)) continue;
      row = { ...row, delivered: [...row.delivered, delivered.what] };
      await deliveries.record({ task: taskId, attempt }, delivered, rows.put(taskId, row));
    }
  }

  return {
    async prepare(taskId, attempt, { model, part, file, metrics, extra }) {
      if (file && !FILE_NAME.test(file.name)) {
        throw new TypeError('"file" expected a name of lower-case letters, digits, "_" and "-"');
      }
      // What cannot be read again must not become a result that is published: a NaN would be null.
      const documents = [
        [MODEL, model && modelText(model), parseModelDocument],
        [PART, part && partText(part), parseModelPart],
      ] as const;
      await removeStaged(taskId);
      for (const [name, text, parse] of documents) {
        if (text === null) continue;
        parse(text);
        await writeDurably(staged(taskId, name), text, { mode: 0o600 });
      }
      if (file) {
        await writeDurably(join(stagedFiles, taskId, file.name), file.chunks, { mode: 0o640 });
      }
      const prepared: PreparedResult = {
        taskId,
        attempt,
        modelId: model?.model_id ?? part?.model_id ?? null,
        model: model !== null,
        part: part !== null,
        file: file?.name ?? null,
        metrics,
        extra,
        delivered: [],
        transport: [],
      };
      await store.write(rows.put(taskId, prepared));
      return prepared;
    },

    find: async (taskId) => (await rows.get(taskId)) ?? null,

    async counted(prepared, transport) {
      const counted = { ...prepared, transport };
      await store.write(rows.put(prepared.taskId, counted));
      return counted;
    },

    async publish({ taskId, modelId, model, part, file }, fileKind) {
      await deliver(taskId, fileKind);
      const document = model ? await publishOne(taskId, 'model', modelId!) : null;
      const own = part ? await publishOne(taskId, 'part', modelId!) : null;
      if (file !== null) {
        const [from, to] = [join(stagedFiles, taskId, file), join(folders.results, taskId, file)];
        // After a crash it may have its name already.
        if (await exists(from)) await moveDurably(from, to);
      }
      await removeStaged(taskId);
      return {
        path: file === null ? (document?.path ?? null) : `results/${taskId}/${file}`,
        digest: document?.digest ?? own?.digest ?? null,
      };
    },

    published: (taskId) => rows.delete(taskId),

    async discard(taskId) {
      await store.write(rows.delete(taskId));
      await removeStaged(taskId);
    },

    async removeLeftovers() {
      for (const folder of [folders.staging, stagedFiles]) {
        for (const taskId of await readdir(folder).catch(() => [])) {
          if (await rows.get(taskId)) continue;
          await rm(join(folder, taskId), { recursive: true, force: true });
        }
      }
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
