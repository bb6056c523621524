import { deepEqual, equal, rejects } from 'node:assert/strict';
import { requestTrail } from '../../../src/party/http/request-trail.ts';
import type { TaskOutcome } from '../../../src/party/tasks/task-view.ts';
import { SAMPLE_TASK } from '../../support/audit-entries.ts';
import { memorySalts } from '../../support/memory-salts.ts';
import { memoryTrail } from '../../support/memory-trail.ts';

const CALLER = { id: 'token-1f', role: 'admin' } as const;
const OUTCOME = { metrics: { auc: 0.8125 } } as unknown as TaskOutcome;

describe('callers in the audit log', () => {
  it('are named by their token, with what they changed', async () => {
    const trail = memoryTrail();
    const requests = requestTrail(trail, memorySalts());
    await requests.administered(CALLER, 'token_created', { subject: 'token-2e', role: 'auditor' });
    await requests.administered(CALLER, 'dataset_removed', { subject: 'loans' });
    const actor = { via: 'http', id: 'token-1f' };
    deepEqual(
      trail.of('administration').map(({ body }) => body),
      [
        { action: 'token_created', actor, subject: 'token-2e', role: 'auditor', digest: null },
        { action: 'dataset_removed', actor, subject: 'loans', role: null, digest: null },
      ],
    );
  });

  it('are told metrics once, and take models as often as they do; neither stands in the log', async () => {
    const [trail, salts] = [memoryTrail(), memorySalts()];
    const requests = requestTrail(trail, salts);
    for (let i = 0; i < 2; i++) {
      await requests.toldOutcome(CALLER, SAMPLE_TASK, OUTCOME);
      await requests.tookModel(CALLER, SAMPLE_TASK, '{"weights":[0.8125]}');
    }
    await requests.toldOutcome({ ...CALLER, id: 'token-3' }, SAMPLE_TASK, OUTCOME);
    await requests.toldOutcome(CALLER, SAMPLE_TASK, { ...OUTCOME, metrics: {} });
    const entries = trail.of('delivery');
    deepEqual(
      entries.map(({ task, body }) => [task, body.to.id, body.what]),
      [
        [SAMPLE_TASK, 'token-1f', 'reply'],
        [SAMPLE_TASK, 'token-1f', 'model'],
        [SAMPLE_TASK, 'token-1f', 'model'],
        [SAMPLE_TASK, 'token-3', 'reply'],
      ],
    );
    const model = Buffer.from(salts.values.get(entries[1]!.body.value!)!).toString();
    deepEqual([model, entries[1]!.body.bytes], ['{"weights":[0.8125]}', model.length]);
    equal(JSON.stringify(trail.entries).includes('0.8125'), false);
  });

  it('get nothing that could not be recorded, and are asked about again', async () => {
    const [trail, salts] = [memoryTrail(), memorySalts()];
    let broken = true;
    const requests = requestTrail(
      {
        record: (kind, scope, body) =>
          broken ? Promise.reject(new Error('disk full')) : trail.record(kind, scope, body),
      },
      salts,
    );
    await rejects(requests.toldOutcome(CALLER, SAMPLE_TASK, OUTCOME), /disk full/);
    broken = false;
    await requests.toldOutcome(CALLER, SAMPLE_TASK, OUTCOME);
    equal(trail.of('delivery').length, 1);
  });
});
