import { deepEqual, equal, ok } from 'node:assert/strict';
import { alignRows } from '../../../../src/party/tasks/programs/alignment.ts';
import { tables, trainingContract, trainingRuns } from '../../../support/training-pair.ts';

describe('alignment of rows', () => {
  it('gives both parties the same records in the same order', async () => {
    const data = tables(15);
    const { a, b } = trainingRuns(trainingContract(), data);
    const [atA, atB] = await Promise.all([
      alignRows(a.context, data.orgA),
      alignRows(b.context, data.orgB),
    ]);
    equal(atA.length, 25);
    deepEqual(
      [...atA].map((row) => data.orgA.keys![row]),
      [...atB].map((row) => data.orgB.keys![row]),
    );
  });

  it('of row order sends nothing', async () => {
    const alignment = {
      method: 'row_order',
      engine: 'ecdh',
      duplicates: 'reject',
      minimumIntersection: 0,
    } as const;
    const { a } = trainingRuns(trainingContract({ alignment }));
    const rows = await alignRows(a.context, tables().orgA);
    ok(rows.every((row, i) => row === i));
    equal(a.channel.stats.messagesSent, 0);
  });
});
