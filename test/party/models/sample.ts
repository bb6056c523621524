import type { LinearPart } from '../../../src/party/models/linear-part.ts';
import type { LinearDocument } from '../../../src/party/models/model-document.ts';
import { modelId } from '../../../src/party/models/model-id.ts';
import { encodeShareWords } from '../../../src/party/models/share-words.ts';

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
export const MODEL: LinearDocument = {
  format: 'entente/model/v1',
  ...HEAD,
  features: [
    { party: 'bank', column: 'x', weight: 2 },
    { party: 'shop', column: 'x', weight: -0.5 },
    { party: 'shop', column: 'city', level: 0, weight: 1 },
    { party: 'shop', column: 'city', level: 1, weight: 0.25 },
  ],
  intercept: -1,
};

/** The shop's part of a model that nobody sees. */
export const PART: LinearPart = {
  format: 'entente/model-part/v2',
  ...HEAD,
  party: 'shop',
  origin: '0f'.repeat(32),
  encoding: [
    { kind: 'numeric', name: 'x', mean: 3.5 },
    { kind: 'categorical', name: 'city', levels: ['A', 'B'] },
  ],
  transformation: {
    mean: [1, 0, 0],
    scale: [2, 1, 1],
    unused: [2],
    map: [1, 0.5, 0, 0, 1, 0, 0, 0, 0],
    intercept: 0,
  },
  target: null,
  shares: [
    {
      owner: 'shop',
      fraction_bits: 26,
      length: 3,
      words: encodeShareWords(BigUint64Array.of(1n, 2n, 3n)),
    },
    {
      owner: 'bank',
      fraction_bits: 26,
      length: 2,
      words: encodeShareWords(BigUint64Array.of(1n, 2n ** 64n - 1n)),
    },
  ],
};
