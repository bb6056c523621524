import { deepEqual, rejects } from 'node:assert/strict';
import { auditedDatasets, recordAccess, termsOf } from '../../src/party/audited-datasets.ts';
import { taskIdOf } from '../../src/party/consensus/contract-check.ts';
import type { OfferedDatasets } from '../../src/party/consensus/offered-datasets.ts';
import { sampleContract, testIdentity } from '../support/contracts.ts';
import { memoryTrail } from '../support/memory-trail.ts';

const signers = ['orgA', 'orgB'].map((name) => testIdentity(name).signer);
const contract = sampleContract(signers);
const terms = termsOf(contract, 'orgB');

function audited(answers: Partial<OfferedDatasets>) {
  const trail = memoryTrail();
  return { trail, datasets: auditedDatasets(answers as OfferedDatasets, trail) };
}

describe('audited datasets', () => {
  it('have an entry of how much was read, for whom, before it is verified', async () => {
    const order: string[] = [];
    const { trail, datasets } = audited({
      verify: async () => void order.push(`verified after ${trail.entries.length}`),
      describe: async () => ({ terms }),
    });
    await datasets.verify(contract, 'orgB');
    await datasets.describe({} as never, { minimumIntersection: 0 }, 'orgC');
    await recordAccess(trail, terms, { purpose: 'compute', peer: 'orgA', scope: {} });
    deepEqual(order, ['verified after 1']);
    const columns = 1 + terms.features.length;
    const counts = { commitment: terms.commitment, rows: terms.rowCount, columns };
    deepEqual(
      trail.of('data_access').map(({ task, body }) => [task, body]),
      [
        [taskIdOf(contract), { purpose: 'verify', peer: 'orgA', ...counts }],
        [null, { purpose: 'describe', peer: 'orgC', ...counts }],
        [null, { purpose: 'compute', peer: 'orgA', ...counts }],
      ],
    );
  });

  it('leave none of a description that failed', async () => {
    const { trail, datasets } = audited({
      describe: () => Promise.reject(new Error('missing')),
    });
    const described = datasets.describe({} as never, { minimumIntersection: 0 }, 'orgC');
    await rejects(described, /missing/);
    deepEqual(trail.entries, []);
  });
});
