import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Store, Table } from '../store.ts';
import { writeDurably } from './durable-file.ts';
import { type ModelDocument, ModelFormatError, parseModelDocument } from './model-document.ts';
import { type ModelShareDocument, parseModelShareDocument } from './model-share-document.ts';

/** What a node knows of a model it holds, whole or in part. */
export interface ModelManifest {
  readonly modelId: string;
  readonly taskId: string;
  readonly algorithm: ModelDocument['algorithm'];
  /** `full`: the weights. `split`: this party's share of them. */
  readonly release: 'full' | 'split';
  /** Relative to the result root: `results/<taskId>/model.json`, for a share `model-share.json`. */
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

/** Receivers hand a model on to their own programs; a share is for this node alone. */
const MODEL_MODE = 0o640;
const SHARE_MODE = 0o600;

/**
 * The models of a node: a file below the result root, then a row in the store. A model that has a row
 * has its file, whole; a file without a row is a put that was interrupted, and is put again.
 */
export class ModelRegistry {
  readonly #store: Store;
  readonly #resultRoot: string;

  constructor(
    { resultRoot }: { readonly resultRoot: string },
    { store }: { readonly store: Store },
  ) {
    this.#store = store;
    this.#resultRoot = resultRoot;
  }

  /** Keeps a model or a share of one. The same again changes nothing; another one throws. */
  async put(document: ModelDocument | ModelShareDocument): Promise<ModelManifest> {
    const text = `${JSON.stringify(document, null, 2)}\n`;
    const split = document.format === 'entente/model-share/v1';
    // What is written must be what can be read: a NaN would have become null.
    if (split) parseModelShareDocument(text);
    else parseModelDocument(text);
    if (!TASK_ID.test(document.task_id)) {
      throw new TypeError('"document" expected a task id of letters, digits, "_" and "-"');
    }
    const manifest: ModelManifest = {
      modelId: document.model_id,
      taskId: document.task_id,
      algorithm: document.algorithm,
      release: split ? 'split' : 'full',
      path: `results/${document.task_id}/${split ? 'model-share.json' : 'model.json'}`,
      type: 'json',
      digest: digestOf(text),
      sizeBytes: Buffer.byteLength(text),
      createdAt: document.created_at,
      metrics: document.metrics,
    };
    return this.#store.exclusive(`models/${manifest.modelId}`, async () => {
      const earlier = await this.get(manifest.modelId);
      if (earlier) {
        if (earlier.digest === manifest.digest) return earlier;
        throw new Error(`${manifest.modelId} is there already and differs`);
      }
      const mode = split ? SHARE_MODE : MODEL_MODE;
      await writeDurably(join(this.#resultRoot, manifest.path), text, { mode });
      await this.#store.write(this.#table().put(manifest.modelId, manifest));
      return manifest;
    });
  }

  async get(modelId: string): Promise<ModelManifest | null> {
    return (await this.#table().get(modelId)) ?? null;
  }

  /** Oldest first. */
  async list(): Promise<readonly ModelManifest[]> {
    return (await this.#table().list()).map(([, manifest]) => manifest);
  }

  /** The weights. Throws `ModelFormatError` when the file is gone, changed or only a share. */
  async load(modelId: string): Promise<ModelDocument> {
    return parseModelDocument(await this.#read(modelId, 'full'));
  }

  /** This party's share. Throws `ModelFormatError` when the file is gone, changed or not a share. */
  async loadShare(modelId: string): Promise<ModelShareDocument> {
    return parseModelShareDocument(await this.#read(modelId, 'split'));
  }

  async #read(modelId: string, release: ModelManifest['release']): Promise<string> {
    const manifest = await this.get(modelId);
    if (!manifest) throw new ModelFormatError(`there is no model ${modelId}`);
    if (manifest.release !== release) {
      throw new ModelFormatError(`${modelId} is ${manifest.release}, not ${release}`);
    }
    let text: string;
    try {
      text = await readFile(join(this.#resultRoot, manifest.path), 'utf8');
    } catch (cause) {
      throw new ModelFormatError(`the file of ${modelId} cannot be read`, { cause });
    }
    if (digestOf(text) !== manifest.digest) {
      throw new ModelFormatError(`the file of ${modelId} is not the one that was stored`);
    }
    return text;
  }

  #table(): Table<ModelManifest> {
    return this.#store.table<ModelManifest>('models');
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
