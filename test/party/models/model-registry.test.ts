import { deepEqual, equal, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forestText } from '../../../src/party/models/forest-document.ts';
import { ModelFormatError } from '../../../src/party/models/model-format-error.ts';
import { type ModelFolders, ModelRegistry } from '../../../src/party/models/model-registry.ts';
import { Store } from '../../../src/party/store.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';
import { MODEL, PART } from './sample.ts';
import { sampleForest } from './sample-forest.ts';

interface World {
  readonly registry: ModelRegistry;
  readonly folders: ModelFolders;
  readonly store: Store;
}

async function withRegistry(use: (world: World) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const store = await Store.open(join(directory, 'store'));
    const folders = { results: join(directory, 'out'), parts: join(directory, 'own') };
    try {
      await use({ registry: new ModelRegistry(folders, { store }), folders, store });
    } finally {
      await store.close();
    }
  });
}

describe('model registry', () => {
  it('keeps a model: file, row, digest', async () => {
    await withRegistry(async ({ registry, folders }) => {
      const manifest = await registry.put(MODEL);
      equal(manifest.path, 'results/task-1/model.json');
      const bytes = await readFile(join(folders.results, 'task-1/model.json'));
      equal(manifest.digest, createHash('sha256').update(bytes).digest('hex'));
      equal(manifest.sizeBytes, bytes.length);
      deepEqual(await registry.get(MODEL.model_id), manifest);
      deepEqual(await registry.list(), [manifest]);
      deepEqual(await registry.load(MODEL.model_id), MODEL);
      await rejects(registry.loadPart(MODEL.model_id), ModelFormatError);
      equal(await registry.get('model-none'), null);
    });
  });

  it('keeps a part for this node alone, beside the model', async () => {
    await withRegistry(async ({ registry, folders }) => {
      const manifest = await registry.put(PART);
      equal(manifest.path, 'parts/task-1/model-part.json');
      equal((await stat(join(folders.parts, 'task-1/model-part.json'))).mode & 0o777, 0o600);
      deepEqual(await registry.loadPart(PART.model_id), PART);
      await rejects(registry.load(PART.model_id), ModelFormatError);
      await registry.put(MODEL);
      deepEqual(
        (await registry.list()).map(({ modelId, kind }) => [modelId, kind]),
        [
          [MODEL.model_id, 'model'],
          [PART.model_id, 'part'],
        ],
      );
      equal((await registry.get(PART.model_id, 'part'))?.digest, manifest.digest);
    });
  });

  it('keeps a forest as the text that XGBoost reads', async () => {
    await withRegistry(async ({ registry, folders }) => {
      const { document } = sampleForest('binary');
      const manifest = await registry.put(document);
      deepEqual([manifest.kind, manifest.algorithm], ['model', 'xgboost']);
      const text = await readFile(join(folders.results, 'task-1/model.json'), 'utf8');
      equal(text, forestText(document));
      equal(await registry.text(document.model_id), text);
      const stored = await registry.load(document.model_id);
      deepEqual(await registry.put(stored), manifest, 'what was read is the same again');
      await rejects(registry.text('model-none'), ModelFormatError);
    });
  });

  it('takes the same model again and refuses another of that id', async () => {
    await withRegistry(async ({ registry }) => {
      const [one, two] = await Promise.all([registry.put(MODEL), registry.put(MODEL)]);
      deepEqual(one, two);
      await rejects(registry.put({ ...MODEL, intercept: 0 }), /is there already and differs/);
      deepEqual(await registry.load(MODEL.model_id), MODEL);
    });
  });

  it('has no row before the file is whole, and a put that was interrupted is put again', async () => {
    await withRegistry(async ({ registry, folders, store }) => {
      const failing = Object.create(store, {
        write: { value: async () => Promise.reject(new Error('power cut')) },
        exclusive: { value: store.exclusive.bind(store) },
        table: { value: store.table.bind(store) },
      }) as Store;
      await rejects(new ModelRegistry(folders, { store: failing }).put(MODEL), /power cut/);
      equal(await registry.get(MODEL.model_id), null);
      deepEqual(await registry.list(), []);

      const folder = join(folders.results, 'task-1');
      await rm(join(folder, 'model.json'));
      await writeFile(join(folder, '.model.json.tmp'), '{"format": "ent');
      await registry.put(MODEL);
      deepEqual(await readdir(folder), ['model.json']);
      deepEqual(await registry.load(MODEL.model_id), MODEL);
    });
  });

  it('does not load a file that was changed or removed', async () => {
    await withRegistry(async ({ registry, folders }) => {
      await registry.put(MODEL);
      const path = join(folders.results, 'task-1/model.json');
      await writeFile(path, (await readFile(path, 'utf8')).replace('-0.5', '-5.5'));
      await rejects(registry.load(MODEL.model_id), /is not the file that was stored/);
      await rm(path);
      await rejects(registry.load(MODEL.model_id), /cannot be read/);
      await rejects(registry.load('model-none'), /this node has no model/);
    });
  });

  it('refuses documents that could not be read back, and task ids that are no folder', async () => {
    await withRegistry(async ({ registry }) => {
      await rejects(registry.put({ ...MODEL, intercept: Number.NaN }), ModelFormatError);
      await rejects(registry.put({ ...MODEL, task_id: '../../x' }), TypeError);
      deepEqual(await registry.list(), []);
    });
  });
});
