import { deepEqual, equal, rejects } from 'node:assert/strict';
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
  const clock = { now: 0 };
  const identity: OfferedDatasets['identity'] = async ({ path }) => path.replace('./', '');
  const own = { identity, ...answers } as OfferedDatasets;
  return { trail, clock, datasets: auditedDatasets(own, trail, () => clock.now) };
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

  it('have an entry a minute of a file’s descriptions for one peer, and always of the first', async () => {
    const { trail, clock, datasets } = audited({
      describe: async ({ dataset }) => ({ terms: { ...terms, path: dataset.path } }),
    });
    const describeAt = async (now: number, peer: string, path: string): Promise<number> => {
      clock.now = now;
      const before = trail.entries.length;
      await datasets.describe({ dataset: { path } } as never, { minimumIntersection: 0 }, peer);
      return trail.entries.length - before;
    };
    equal(await describeAt(0, 'orgC', 'a.csv'), 1);
    for (const path of ['a.csv', './a.csv']) equal(await describeAt(59_999, 'orgC', path), 0);
    equal(await describeAt(59_999, 'orgC', 'b.csv'), 1, 'another file');
    equal(await describeAt(59_999, 'orgD', 'a.csv'), 1, 'another peer');
    equal(await describeAt(60_000, 'orgC', 'a.csv'), 1);
    equal(await describeAt(60_001, 'orgC', 'b.csv'), 0);
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
