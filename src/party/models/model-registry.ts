import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../durable-file.ts';
import { type Store, storeKey, type Table } from '../store.ts';
import { type ModelDocument, modelText, parseModelDocument } from './model-document.ts';
import { ModelFormatError } from './model-format-error.ts';
import { type ModelPart, parseModelPart, partText } from './model-part.ts';

/** `model`: the weights or trees, at receivers. `part`: what a data provider keeps for itself. */
export type ModelKind = 'model' | 'part';

/** What a node knows of a file that belongs to a model. */
export interface ModelManifest {
  readonly modelId: string;
  readonly kind: ModelKind;
  readonly taskId: string;
  readonly algorithm: ModelDocument['algorithm'];
  /** As callers are told: `results/<taskId>/model.json`; of a part `parts/<taskId>/model-part.json`. */
  readonly path: string;
  readonly type: 'json';
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly metrics: Readonly<Record<string, number | null>>;
}

/** A task id becomes a folder. */
const TASK_ID = /^[A-Za-z0-9_-]{1,128}$/;

/** Receivers hand a model on to their own programs; a part is for this node alone. */
const FILES = {
  model: { folder: 'results', name: 'model.json', mode: 0o640 },
  part: { folder: 'parts', name: 'model-part.json', mode: 0o600 },
} as const;

/** The file of a node's own part in its folder of parts; null where the text is no task id. */
export function partFile(parts: string, taskId: string): string | null {
  return TASK_ID.test(taskId) ? join(parts, taskId, FILES.part.name) : null;
}

/** Where the files are, absolute. */
export interface ModelFolders {
  /** Models that this organisation receives: what `results/` stands for. */
  readonly results: string;
  /** This node's own parts: what `parts/` stands for. */
  readonly parts: string;
}

/**
 * The models of a node: a file in its task's folder, then a row `modelId / kind` in the store. What
 * has a row has its file, whole; a file without a row is a put that was interrupted, and is put again.
 */
export class ModelRegistry {
  readonly #store: Store;
  readonly #folders: ModelFolders;

  constructor(folders: ModelFolders, { store }: { readonly store: Store }) {
    this.#store = store;
    this.#folders = folders;
  }

  /** Keeps a model or a part of one. The same again changes nothing; another one throws. */
  async put(document: ModelDocument | ModelPart): Promise<ModelManifest> {
    const isPart = 'encoding' in document;
    const kind = isPart ? 'part' : 'model';
    const text = isPart ? partText(document) : modelText(document);
    // What is written must be what can be read: a NaN would have become null.
    if (isPart) parseModelPart(text);
    else parseModelDocument(text);
    if (!TASK_ID.test(document.task_id)) {
      throw new TypeError('"document" expected a task id of letters, digits, "_" and "-"');
    }
    const { folder, name, mode } = FILES[kind];
    const manifest: ModelManifest = {
      modelId: document.model_id,
      kind,
      taskId: document.task_id,
      algorithm: document.algorithm,
      path: `${folder}/${document.task_id}/${name}`,
      type: 'json',
      digest: digestOf(text),
      sizeBytes: Buffer.byteLength(text),
      createdAt: document.created_at,
      metrics: document.metrics,
    };
    return this.#store.exclusive(`models/${manifest.modelId}`, async () => {
      const earlier = await this.get(manifest.modelId, kind);
      if (earlier) {
        if (earlier.digest === manifest.digest) return earlier;
        throw new Error(`the ${kind} of ${manifest.modelId} is there already and differs`);
      }
      await writeDurably(this.#fileOf(manifest), text, { mode });
      await this.#store.write(this.#table().put(storeKey(manifest.modelId, kind), manifest));
      return manifest;
    });
  }

  async get(modelId: string, kind: ModelKind = 'model'): Promise<ModelManifest | null> {
    return (await this.#table().get(storeKey(modelId, kind))) ?? null;
  }

  /** Oldest model first. */
  async list(): Promise<readonly ModelManifest[]> {
    return (await this.#table().list()).map(([, manifest]) => manifest);
  }

  /** The model with its weights. Throws `ModelFormatError` when there is none or its file changed. */
  async load(modelId: string): Promise<ModelDocument> {
    return parseModelDocument(await this.#read(modelId, 'model'));
  }

  /** The text of the model's file. Throws as `load`. */
  text(modelId: string): Promise<string> {
    return this.#read(modelId, 'model');
  }

  /** This node's part. Throws `ModelFormatError` when there is none or its file changed. */
  async loadPart(modelId: string): Promise<ModelPart> {
    return parseModelPart(await this.#read(modelId, 'part'));
  }

  async #read(modelId: string, kind: ModelKind): Promise<string> {
    const manifest = await this.get(modelId, kind);
    if (!manifest) throw new ModelFormatError(`this node has no ${kind} of ${modelId}`);
    let text: string;
    try {
      text = await readFile(this.#fileOf(manifest), 'utf8');
    } catch (cause) {
      throw new ModelFormatError(`the ${kind} of ${modelId} cannot be read`, { cause });
    }
    if (digestOf(text) === manifest.digest) return text;
    throw new ModelFormatError(`the ${kind} of ${modelId} is not the file that was stored`);
  }

  #fileOf({ kind, taskId }: ModelManifest): string {
    const { folder, name } = FILES[kind];
    return join(this.#folders[folder], taskId, name);
  }

  #table(): Table<ModelManifest> {
    return this.#store.table<ModelManifest>('models');
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
