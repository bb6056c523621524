import { deepEqual, equal, match, ok } from 'node:assert/strict';
import type { ModelService } from '../../../src/party/http/services.ts';
import { forestText } from '../../../src/party/models/forest-document.ts';
import { columnImportance } from '../../../src/party/models/importance.ts';
import { ModelFormatError } from '../../../src/party/models/model-format-error.ts';
import type { ModelManifest } from '../../../src/party/models/model-registry.ts';
import { as, DOCUMENT, errorOf, fakeServer, MANIFEST, MODELS } from '../../support/http-server.ts';
import { sampleForest } from '../models/sample-forest.ts';

const url = '/api/v1/models';
const headers = as('coordinator');
const MODEL = {
  model_id: 'model-01',
  kind: 'model',
  task_id: 'task-1',
  algorithm: 'logistic_regression',
  path: 'results/task-1/model.json',
  type: 'json',
  digest: 'ab'.repeat(32),
  size_bytes: 512,
  created_at: '2026-02-03T12:01:00.000Z',
  metrics: { auc: 0.75 },
};

describe('model routes', () => {
  it('list and show models and parts', async () => {
    const { app } = fakeServer();
    const part = { ...MODEL, model_id: 'model-02', kind: 'part' };
    deepEqual((await app.inject({ url, headers })).json().result, { models: [MODEL, part] });
    deepEqual((await app.inject({ url: `${url}/model-01`, headers })).json().result, MODEL);
    deepEqual((await app.inject({ url: `${url}/model-02`, headers })).json().result, part);
    equal(errorOf(await app.inject({ url: `${url}/model-03`, headers })).code, 'NOT_FOUND');
    equal(errorOf(await app.inject({ url: `${url}/..%2fx`, headers })).status, 400);
  });

  it('give a released model as it is, and no other', async () => {
    const { app } = fakeServer();
    const reply = await app.inject({ url: `${url}/model-01/document`, headers });
    equal(reply.statusCode, 200);
    deepEqual(reply.json(), DOCUMENT);
    equal(reply.headers['content-disposition'], 'attachment; filename="model-01.json"');
    const part = errorOf(await app.inject({ url: `${url}/model-02/document`, headers }));
    equal(part.status, 404);
    match(part.msg, /its part of this model only: the model was not released to it$/);
    equal(errorOf(await app.inject({ url: `${url}/model-03/document`, headers })).status, 404);
  });

  it('say of a released forest what its columns do, and give its file to the letter', async () => {
    const { document } = sampleForest('binary');
    const manifest: ModelManifest = { ...MANIFEST, algorithm: 'xgboost' };
    const models: ModelService = {
      list: async () => [manifest],
      get: async (_, kind) => (kind === 'model' ? manifest : null),
      load: async () => document,
      text: async () => forestText(document),
    };
    const { app } = fakeServer({ models });
    const { result } = (await app.inject({ url: `${url}/model-01`, headers })).json();
    deepEqual(result, {
      ...MODEL,
      algorithm: 'xgboost',
      feature_importance: columnImportance(document),
    });
    const reply = await app.inject({ url: `${url}/model-01/document`, headers });
    equal(reply.body, forestText(document));
    match(String(reply.headers['content-type']), /^application\/json/);
    const part = { ...models, get: async () => ({ ...manifest, kind: 'part' as const }) };
    const other = await fakeServer({ models: part }).app.inject({
      url: `${url}/model-01`,
      headers,
    });
    ok(!('feature_importance' in other.json().result));
  });

  it('tell nothing of a file that was changed', async () => {
    const text = () => Promise.reject(new ModelFormatError('/srv/models/secret'));
    const { app } = fakeServer({ models: { ...MODELS, text } });
    const reply = await app.inject({ url: `${url}/model-01/document`, headers });
    equal(errorOf(reply).status, 500);
    ok(!reply.body.includes('secret'));
  });
});
