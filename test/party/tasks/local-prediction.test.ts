import { deepEqual, equal, rejects } from 'node:assert/strict';
import type { Datasets, DataTerms } from '../../../src/party/datasets/datasets.ts';
import { parsePredictRequest } from '../../../src/party/http/predict-request.ts';
import type { ModelDocument } from '../../../src/party/models/model-document.ts';
import { draftLocalPrediction } from '../../../src/party/tasks/local-prediction.ts';
import { textColumn } from '../../../src/protocols/psi/text-column.ts';
import { MODEL } from '../models/sample.ts';

/** Two numbers, so that anybody can apply it. */
const NUMERIC: ModelDocument = {
  ...MODEL,
  features: [
    { party: 'orgA', column: 'x', weight: 2 },
    { party: 'orgB', column: 'y', weight: -1 },
  ],
};

const accesses: unknown[] = [];

const deps = {
  self: 'orgA',
  models: {
    get: async (id: string, kind: 'model' | 'part' = 'model') =>
      id === MODEL.model_id && kind === 'model' ? ({ algorithm: MODEL.algorithm } as never) : null,
    load: async () => NUMERIC,
    loadPart: () => Promise.reject(new Error('not asked')),
  },
  accessed: async (taskId: string, { rowCount }: DataTerms) =>
    void accesses.push([taskId, rowCount]),
  datasets: {
    terms: async ({ path, encoding }: { path: string; encoding?: readonly { name: string }[] }) => {
      deepEqual([path, encoding?.map(({ name }) => name)], ['new.csv', ['x', 'y']]);
      return { terms: { rowCount: 2 }, salt: new Uint8Array(32) } as never;
    },
    load: async () => ({
      rowCount: 2,
      keys: [textColumn(['k1', 'k2'])],
      features: Float64Array.of(1, 1, 0, -1),
      columnNames: ['x', 'y'],
      label: null,
      encoding: [],
      missing: [],
    }),
  } as unknown as Pick<Datasets, 'terms' | 'load'>,
};

const request = (changes: object = {}) => ({
  kind: 'predict' as const,
  request: parsePredictRequest({
    data_providers: [{ name: 'orgA', data_path: 'new.csv', data_type: 'csv', key_column: 'id' }],
    result_receivers: ['orgA'],
    model_id: MODEL.model_id,
    ...changes,
  }),
});

describe('local prediction', () => {
  it('scores the rows of one file with a released model', async () => {
    const task = (await draftLocalPrediction(deps, request()))!;
    deepEqual([task.modelId, task.head.algorithm], [MODEL.model_id, MODEL.algorithm]);
    const phases: string[] = [];
    const progress = { phase: (phase: string) => void phases.push(phase), step: () => undefined };
    const { file, model, part } = await task.run('t', progress, new AbortController().signal);
    deepEqual([model, part, phases], [null, null, ['evaluating', 'publishing']]);
    equal(file!.name, 'predictions.csv');
    deepEqual(accesses, [['t', 2]]);
    const text = file!.chunks.map((chunk) => new TextDecoder().decode(chunk)).join('');
    deepEqual(
      text
        .trim()
        .split('\n')
        .map((line) => line.split(',')[0]),
      ['id', 'k1', 'k2'],
    );
  });

  it('is no task for what needs others, or another model', async () => {
    const both = ['orgA', 'orgB'].map((name) => ({
      name,
      data_path: 'new.csv',
      data_type: 'csv',
      key_column: 'id',
    }));
    equal(await draftLocalPrediction(deps, request({ data_providers: both })), null);
    equal(await draftLocalPrediction({ ...deps, self: 'orgB' }, request()), null);
    equal(await draftLocalPrediction(deps, { kind: 'train', request: {} } as never), null);
    await rejects(draftLocalPrediction(deps, request({ model_id: 'model-x' })), {
      code: 'NOT_FOUND',
    });
    await rejects(draftLocalPrediction(deps, request({ result_receivers: ['orgA', 'orgC'] })), {
      code: 'INVALID_REQUEST',
    });
  });
});
