import { deepEqual, equal, rejects } from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { storedSalts } from '../../../src/party/audit/stored-salts.ts';
import { valueCommitment } from '../../../src/party/audit/value-commitment.ts';
import { modelId } from '../../../src/party/models/model-id.ts';
import { ModelRegistry } from '../../../src/party/models/model-registry.ts';
import { Store } from '../../../src/party/store.ts';
import { deliveriesInto } from '../../../src/party/tasks/deliveries.ts';
import type { ProgramResult } from '../../../src/party/tasks/program.ts';
import { type ResultStore, resultStore } from '../../../src/party/tasks/result-store.ts';
import { type MemoryTrail, memoryTrail } from '../../support/memory-trail.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';
import { MODEL, PART } from '../models/sample.ts';

const TASK = 'ab'.repeat(32);
const HEAD = { model_id: modelId(TASK, MODEL.created_at), task_id: TASK };
const encode = (text: string) => new TextEncoder().encode(text);

const result = (changes: Partial<ProgramResult> = {}): ProgramResult => ({
  model: { ...MODEL, ...HEAD },
  part: { ...PART, ...HEAD },
  file: { name: 'scores.csv', chunks: ['id,', 'score\n'].map(encode) },
  metrics: { auc: 0.5 },
  extra: { rows: 2 },
  ...changes,
});

interface Setting {
  readonly results: ResultStore;
  /** Another one over the same store: as after a restart. */
  readonly makeResults: () => ResultStore;
  readonly models: ModelRegistry;
  readonly store: Store;
  readonly trail: MemoryTrail;
  readonly path: (...names: string[]) => string;
}

async function withResults(use: (setting: Setting) => Promise<void>): Promise<void> {
  await withTemporaryDirectory(async (directory) => {
    const path = (...names: string[]): string => join(directory, ...names);
    const store = await Store.open(path('store'));
    try {
      const folders = { results: path('results'), parts: path('parts') };
      const models = new ModelRegistry(folders, { store });
      const trail = memoryTrail(() => 0, store);
      const deliveries = deliveriesInto(trail, storedSalts(store, seededRng('deliveries')));
      const makeResults = (): ResultStore =>
        resultStore(store, models, { ...folders, staging: path('staging') }, deliveries);
      await use({ results: makeResults(), makeResults, models, store, trail, path });
    } finally {
      await store.close();
    }
  });
}

describe('result store', () => {
  it('shows nothing of a prepared result', () =>
    withResults(async ({ results, models, path }) => {
      const prepared = await results.prepare(TASK, 3, result());
      deepEqual(await results.find(TASK), prepared);
      deepEqual(
        [prepared.attempt, prepared.file, prepared.metrics, prepared.extra, prepared.transport],
        [3, 'scores.csv', { auc: 0.5 }, { rows: 2 }, []],
      );
      deepEqual(await models.list(), []);
      equal(existsSync(path('results', TASK)), false);
      for (const name of ['model.json', 'part.json']) {
        equal((await stat(path('staging', TASK, name))).mode & 0o777, 0o600);
      }
    }));

  it('publishes it, and can do so again from any point on', () =>
    withResults(async ({ results, models, path, store }) => {
      const prepared = await results.prepare(TASK, 1, result());
      const published = await results.publish(prepared, 'predictions');
      deepEqual(await results.publish(prepared, 'predictions'), published);
      equal(published.path, `results/${TASK}/scores.csv`);
      equal(await readFile(path('results', TASK, 'scores.csv'), 'utf8'), 'id,score\n');
      const [model, part] = await models.list();
      deepEqual([model!.kind, part!.kind, published.digest], ['model', 'part', model!.digest]);
      await store.write(results.published(TASK));
      deepEqual([await results.find(TASK), readdirSync(path('staging'))], [null, []]);
      equal(existsSync(path('results', TASK, 'scores.csv')), true);
    }));

  it('has what becomes visible recorded before, once over restarts', () =>
    withResults(async ({ results, makeResults, models, path, store, trail }) => {
      const prepared = await results.prepare(TASK, 2, result());
      equal(trail.entries.length, 0);
      // In its place the file cannot become visible: as a crash at that point.
      await mkdir(path('results', TASK, 'scores.csv', 'x'), { recursive: true });
      await rejects(results.publish(prepared, 'predictions'));
      const recorded = trail.of('delivery');
      deepEqual(
        recorded.map(({ task, attempt, body: { to, what } }) => [task, attempt, to.via, what]),
        [
          [TASK, 2, 'node', 'model'],
          [TASK, 2, 'node', 'predictions'],
        ],
      );
      await rm(path('results', TASK, 'scores.csv'), { recursive: true });
      const restarted = makeResults();
      await restarted.publish((await restarted.find(TASK))!, 'predictions');
      await store.write(restarted.published(TASK));
      await restarted.publish(prepared, 'predictions');
      equal(trail.entries.length, 2);

      const [model] = await models.list();
      const files = [path(model!.path), path('results', TASK, 'scores.csv')];
      const salts = storedSalts(store, seededRng('others'));
      for (const [i, { body }] of recorded.entries()) {
        const content = await readFile(files[i]!);
        const salt = Buffer.from((await salts.saltOf(body.value!))!, 'hex');
        deepEqual([body.bytes, body.value], [content.length, valueCommitment(salt, content)]);
      }
    }));

  it('records nothing of a part, which nobody reads', () =>
    withResults(async ({ results, trail }) => {
      const part = await results.prepare(TASK, 1, result({ model: null, file: null }));
      await results.publish(part, 'predictions');
      equal(trail.entries.length, 0);
    }));

  it('keeps what went over the wire with it', () =>
    withResults(async ({ results }) => {
      const direction = { frames: 1, bytes: 2, hash: 'ab'.repeat(32) };
      const transport = [{ peer: 'orgB', sent: direction, received: direction }];
      const prepared = await results.prepare(TASK, 1, result({ model: null, file: null }));
      deepEqual(await results.counted(prepared, transport), { ...prepared, transport });
      deepEqual((await results.find(TASK))!.transport, transport);
      const { path, digest } = await results.publish(prepared, 'predictions');
      deepEqual([path, digest?.length], [null, 64]);
    }));

  it('replaces the result of an earlier attempt, and throws one away', () =>
    withResults(async ({ results, path }) => {
      await results.prepare(TASK, 1, result());
      const later = await results.prepare(TASK, 2, result({ file: null, model: null }));
      deepEqual(await results.find(TASK), later);
      deepEqual(readdirSync(path('staging', TASK)), ['part.json']);
      await results.discard(TASK);
      await results.discard(TASK);
      deepEqual([await results.find(TASK), readdirSync(path('staging'))], [null, []]);
    }));

  it('removes what was staged without a row, and nothing else', () =>
    withResults(async ({ results, path }) => {
      await results.removeLeftovers(); // no folders yet
      await results.prepare(TASK, 1, result());
      const other = 'cd'.repeat(32);
      for (const folder of [path('staging', other), path('results', '.staged', other)]) {
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, 'x'), 'x');
      }
      await results.removeLeftovers();
      deepEqual(readdirSync(path('staging')), [TASK]);
      deepEqual(readdirSync(path('results', '.staged')), [TASK]);
    }));

  it('takes nothing that could not be published', () =>
    withResults(async ({ results }) => {
      const part = { ...PART, ...HEAD, created_at: Number.NaN as unknown as string };
      await rejects(results.prepare(TASK, 1, result({ part })), { name: 'ModelFormatError' });
      for (const name of ['../x.csv', '.x.csv', 'x', 'X.csv', '']) {
        const file = { name, chunks: [] };
        await rejects(results.prepare(TASK, 1, result({ file })), TypeError, name);
      }
      equal(await results.find(TASK), null);
    }));
});
