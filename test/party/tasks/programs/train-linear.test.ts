import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { parseModelDocument } from '../../../../src/party/models/model-document.ts';
import type { ProgramResult } from '../../../../src/party/tasks/program.ts';
import { trainLinear } from '../../../../src/party/tasks/programs/train-linear.ts';
import { TaskError } from '../../../../src/party/tasks/task-error.ts';
import { ProtocolError } from '../../../../src/protocols/errors.ts';
import {
  type RunNotes,
  tables,
  trainingContract,
  trainingRuns,
} from '../../../support/training-pair.ts';

function both({
  a,
  b,
}: {
  readonly a: RunNotes;
  readonly b: RunNotes;
}): Promise<[ProgramResult, ProgramResult]> {
  return Promise.all([trainLinear(a.context), trainLinear(b.context)]);
}

describe('training of a linear model', () => {
  it('aligns, trains, and publishes to the receivers', async () => {
    const pair = trainingRuns(trainingContract());
    const [atA, atB] = await both(pair);
    for (const { phases, steps } of [pair.a, pair.b]) {
      deepEqual(phases, ['aligning', 'training', 'evaluating', 'publishing']);
      deepEqual(steps, [
        [1, 2],
        [2, 2],
      ]);
    }
    deepEqual([atA.extra.aligned_rows, atB.extra.aligned_rows], [40, 40]);
    deepEqual([atB.model, atB.metrics], [null, null]);
    deepEqual(
      atA.model!.features.map(({ party, column, level }) => [party, column, level]),
      [
        ['orgA', 'age', undefined],
        ['orgB', 'income', undefined],
        ['orgB', 'region', 0],
        ['orgB', 'region', 1],
        ['orgB', 'region', 2],
      ],
    );
    for (const { extra } of [atA, atB]) {
      equal(extra.steps, 2);
      ok((extra.seconds_per_iteration as number) > 0);
    }
    deepEqual(atA.extra.bytes_per_iteration, atB.extra.bytes_per_iteration);
  });

  it('records every opening at both, as the contract declares it', async () => {
    const contract = trainingContract();
    const pair = trainingRuns(contract);
    await both(pair);
    deepEqual(pair.a.disclosures, pair.b.disclosures);
    const declared = contract.leakage.opened.map(({ name }) => name);
    const opened = new Set(pair.a.disclosures.map((disclosure) => disclosure.class));
    ok([...opened].every((name) => declared.includes(name)));
    deepEqual(pair.a.disclosures[0], {
      class: 'intersection',
      to: ['orgA', 'orgB'],
      elements: 40,
    });
  });

  it('trains on the common records alone', async () => {
    const [atA, atB] = await both(trainingRuns(trainingContract(), tables(15)));
    deepEqual([atA.extra.aligned_rows, atB.extra.aligned_rows], [25, 25]);
  });

  it('stops at both when there are too few of them', async () => {
    const { a, b } = trainingRuns(trainingContract(), tables(31));
    const runs = [a, b].map(({ context }) => trainLinear(context));
    for (const run of runs) {
      await rejects(run, (error) => {
        ok(error instanceof TaskError);
        deepEqual(
          [error.code, error.message],
          ['TOO_FEW_ROWS', 'the parties have 9 records in common'],
        );
        return true;
      });
    }
    deepEqual(a.phases, ['aligning']);
  });

  it('aligns by row order without a message about keys', async () => {
    const alignment = {
      method: 'row_order',
      engine: 'ecdh',
      duplicates: 'reject',
      minimumIntersection: 0,
    } as const;
    const pair = trainingRuns(trainingContract({ alignment }));
    const [{ extra }] = await both(pair);
    equal(extra.aligned_rows, 40);
    ok(!pair.a.disclosures.some((disclosure) => disclosure.class === 'intersection'));
  });

  it('opens nothing that the ledger refuses', async () => {
    const { a, b } = trainingRuns(trainingContract());
    const refusal = new ProtocolError('NOT_DECLARED', 'no intersection');
    const context = { ...a.context, ledger: { record: () => Promise.reject(refusal) } };
    const silent = trainLinear(b.context);
    silent.catch(() => {}); // it waits for a message that never comes
    await rejects(trainLinear(context), { code: 'NOT_DECLARED' });
    equal(a.channel.stats.messagesSent, 0);
  });

  it('releases the same model to both when both receive it', async () => {
    const contract = trainingContract({ receivers: ['orgB', 'orgA'] });
    const outcomes = await both(trainingRuns(contract));
    const [one, other] = outcomes.map(({ model }) => model);
    deepEqual(one, other);
    parseModelDocument(JSON.stringify(one));
  });
});
