import { deepEqual, equal, rejects } from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { CommittedDisclosure } from '../../../../src/party/audit/value-commitment.ts';
import { type Deferred, deferred } from '../../../../src/party/deferred.ts';
import { recordGate } from '../../../../src/party/tasks/thread/record-gate.ts';
import { ProtocolError } from '../../../../src/protocols/errors.ts';
import { until } from '../../../support/until.ts';

const WEIGHTS: CommittedDisclosure = { class: 'weights', to: ['orgB'], elements: 1, value: null };

/** A gate whose records are kept when the test says so. */
function manualGate() {
  const records: Deferred<void>[] = [];
  const gate = recordGate({
    record() {
      const record = deferred<void>();
      records.push(record);
      return record.promise;
    },
  });
  return { gate, records };
}

describe('record gate', () => {
  it('lets pass what follows kept records alone, in order', async () => {
    const { gate, records } = manualGate();
    const passed: string[] = [];
    gate.after(0, () => passed.push('before all'));
    gate.after(2, () => passed.push('early')); // its records are still to come
    deepEqual(passed, ['before all']);
    gate.record(WEIGHTS);
    gate.after(1, () => passed.push('first'));
    gate.record(WEIGHTS);
    gate.record(WEIGHTS);
    gate.after(2, () => passed.push('second'));
    gate.after(3, () => passed.push('third'));
    records[1]!.resolve(); // not the first one yet
    records[0]!.resolve();
    await until('the second record', () => passed.includes('second'));
    deepEqual(passed, ['before all', 'first', 'early', 'second']);
    gate.after(2, () => passed.push('at once'));
    equal(passed.at(-1), 'at once');
    records[2]!.resolve();
    await gate.settled();
    equal(passed.at(-1), 'third');
  });

  it('lets nothing pass that follows a refused record', async () => {
    const { gate, records } = manualGate();
    const passed: number[] = [];
    for (const count of [1, 2, 3]) {
      gate.record(WEIGHTS);
      gate.after(count, () => passed.push(count));
    }
    records[0]!.resolve();
    const refusal = new ProtocolError('NOT_DECLARED', 'the contract opens no weights');
    records[1]!.reject(refusal);
    records[2]!.resolve();
    await rejects(gate.refused, refusal);
    await rejects(gate.settled(), refusal);
    deepEqual(passed, [1]);
  });

  it('keeps a refusal for those who ask', async () => {
    const { gate, records } = manualGate();
    gate.record(WEIGHTS);
    records[0]!.reject(new ProtocolError('NOT_DECLARED', 'the contract opens no weights'));
    await setImmediate(); // whoever runs this would hear of a rejection that nobody handles
    await rejects(gate.settled(), { code: 'NOT_DECLARED' });
    await rejects(gate.refused, { code: 'NOT_DECLARED' });
  });
});
