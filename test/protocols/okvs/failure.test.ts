import { equal, ok } from 'node:assert/strict';
import { OkvsFailure } from '../../../src/protocols/okvs/failure.ts';

describe('OKVS failure', () => {
  it('tells the condition and what to do', () => {
    for (const reason of ['overflow', 'gap', 'rank'] as const) {
      const failure = new OkvsFailure(reason);
      equal(failure.reason, reason);
      equal(failure.name, 'OkvsFailure');
      ok(failure.message.includes(reason) && failure.message.includes('fresh'));
    }
  });
});
