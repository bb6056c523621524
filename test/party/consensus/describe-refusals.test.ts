import { deepEqual } from 'node:assert/strict';
import { describeRefusals } from '../../../src/party/consensus/describe-refusals.ts';
import { testIdentity } from '../../support/contracts.ts';
import { testAudit } from '../../support/test-audit.ts';

describe('questions about data that were refused', () => {
  it('are recorded with who asked, the same once a minute', async () => {
    let time = 0;
    const audit = testAudit();
    const { signer } = testIdentity('orgB');
    const refusals = describeRefusals({ audit, signer, now: () => time });
    const ask = async (peer: string, code: string, at: number): Promise<void> => {
      time = at;
      await refusals.record(peer, code);
    };
    for (const at of [0, 1, 59_999]) await ask('orgA', 'refused_by_policy', at);
    await ask('orgC', 'refused_by_policy', 59_999);
    await ask('orgA', 'dataset/changed', 59_999);
    await ask('orgA', 'refused_by_policy', 60_000);
    deepEqual(
      audit.trail.of('refusal').map(({ task, body }) => [task, body.from, body.step, body.code]),
      [
        [null, 'orgA', 'describe', 'refused_by_policy'],
        [null, 'orgC', 'describe', 'refused_by_policy'],
        [null, 'orgA', 'describe', 'dataset/changed'],
        [null, 'orgA', 'describe', 'refused_by_policy'],
      ],
    );
  });
});
