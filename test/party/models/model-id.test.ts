import { equal, notEqual, ok, throws } from 'node:assert/strict';
import { isModelId, modelId } from '../../../src/party/models/model-id.ts';

describe('model id', () => {
  it('is a lower-case ULID of the time', () => {
    // The example of the ULID specification: 01ARYZ6S41 is 1469918176385 ms.
    const id = modelId('task', new Date(1469918176385).toISOString());
    equal(id.slice(0, 16), 'model-01aryz6s41');
    equal(id.length, 'model-'.length + 26);
    ok(isModelId(id));
  });

  it('is the same at every party and another for every task', () => {
    const time = '2026-02-03T12:00:00.000Z';
    equal(modelId('a', time), modelId('a', time));
    notEqual(modelId('a', time), modelId('b', time));
    ok(modelId('a', time) < modelId('a', '2026-02-03T12:00:00.001Z'));
  });

  it('refuses what is no id and no time', () => {
    for (const text of [
      '',
      'model-',
      'model-01ARYZ6S41TSV4RRFFQ69G5FAV',
      `model-${'8'.repeat(26)}`,
    ]) {
      equal(isModelId(text), false, text);
    }
    throws(() => modelId('a', 'yesterday'), RangeError);
  });
});
