import { deepEqual, equal, match } from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInProcess } from '../../support/cli-run.ts';
import { type FakeNode, startFakeNode } from '../../support/fake-node.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

const MODEL = {
  model_id: 'model-1',
  kind: 'model',
  task_id: 'ab',
  algorithm: 'logistic_regression',
  path: 'results/ab/model.json',
  type: 'json',
  digest: 'cd',
  size_bytes: 2048,
  created_at: '2026',
  metrics: { auc: 0.7 },
};

describe('model', () => {
  let node: FakeNode;
  beforeEach(async () => {
    node = await startFakeNode();
  });
  afterEach(() => node.close());
  const run = (...argv: string[]) => runInProcess(['model', ...argv, '--url', node.url]);

  it('list and show tell where a model comes from', async () => {
    const models = [MODEL, { ...MODEL, kind: 'part' }];
    node.answers.set('GET /api/v1/models', { result: { models } });
    const { out } = await run('list');
    match(out, /model-1 {2}whole +logistic_regression {2}2026 +auc 0\.7000\n/);
    match(out, /model-1 {2}own part {2}/);
    deepEqual((await run('list', '--json')).json, { models });
    node.answers.set('GET /api/v1/models', { result: { models: [] } });
    match((await run('list')).out, /No models yet/);
    node.answers.set('GET /api/v1/models/model-1', { result: MODEL });
    match((await run('show', 'model-1')).out, /here +the whole model\n.*\n/);
    deepEqual((await run('show', 'model-1', '--json')).json, MODEL);
    const feature_importance = [
      {
        ...{ party: 'orgB', column: 'x', feature: 'orgB.x', weight: 3 },
        ...{ gain: 12.5, cover: 40, total_gain: 37.5, total_cover: 120 },
      },
    ];
    const forest = { ...MODEL, algorithm: 'xgboost', feature_importance };
    node.answers.set('GET /api/v1/models/model-1', { result: forest });
    const shown = await run('show', 'model-1');
    match(shown.out, /COLUMN +GAIN +COVER +SPLITS\norgB\.x +12\.5\d* +40\S* +3\n/);
    deepEqual((await run('show', 'model-1', '--json')).json, forest);
    const missing = await run('show', 'model-2');
    deepEqual([missing.code, /model list/.test(missing.err)], [1, true]);
  });

  it('export writes the model and overwrites nothing unasked', async () => {
    await withTemporaryDirectory(async (directory) => {
      const out = join(directory, 'model.json');
      const document = { format: 'entente/model/v1', intercept: 1 };
      node.answers.set('GET /api/v1/models/model-1/document', { result: document });
      const exported = await run('export', 'model-1', '--out', out);
      equal(exported.code, 0, exported.err);
      match(exported.out, /Apply it: entente predict --model/);
      deepEqual(JSON.parse(await readFile(out, 'utf8')), document);
      const again = await run('export', 'model-1', '--out', out);
      deepEqual([again.code, /--force/.test(again.err)], [1, true]);
      equal((await run('export', 'model-1', '--out', out, '--force')).code, 0);
      equal((await run('export', 'model-1')).code, 2);
    });
  });
});
