import type { ModelDocument } from '../../../src/party/models/model-document.ts';
import { modelId } from '../../../src/party/models/model-id.ts';
import {
  encodeShareWords,
  type ModelShareDocument,
} from '../../../src/party/models/model-share-document.ts';

const CREATED_AT = '2026-02-03T12:00:00.000Z';

const HEAD = {
  model_id: modelId('task-1', CREATED_AT),
  task_id: 'task-1',
  created_at: CREATED_AT,
  algorithm: 'logistic_regression' as const,
  label: { party: 'bank', column: 'default' },
  threshold: 0.5,
  open_bits: 10,
  metrics: { auc: 0.75, loss: null },
};

/** A small model with a numeric column at each party and a categorical one. */
export const MODEL: ModelDocument = {
  format: 'entente/model/v1',
  ...HEAD,
  features: [
    { party: 'bank', column: 'x', weight: 2 },
    { party: 'shop', column: 'x', weight: -0.5 },
    { party: 'shop', column: 'city', category: 'A', weight: 1 },
    { party: 'shop', column: 'city', category: 'B', weight: 0.25 },
  ],
  intercept: -1,
};

/** The bank's part of a model that nobody sees. */
export const SHARE: ModelShareDocument = {
  format: 'entente/model-share/v1',
  ...HEAD,
  party: 'bank',
  shares: [
    {
      owner: 'bank',
      fraction_bits: 20,
      length: 2,
      words: encodeShareWords(BigUint64Array.of(1n, 2n ** 64n - 1n)),
    },
  ],
  columns: [{ column: 'x' }],
  transformation: { mean: [1], scale: [2], factor: [1] },
};
