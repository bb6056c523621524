import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict';
import { parseModelDocument } from '../../../src/party/models/model-document.ts';
import { modelDocument } from '../../../src/party/tasks/model-documents.ts';
import {
  dataHolders,
  runTraining,
  type TrainingOutcome,
} from '../../../src/party/tasks/run-training.ts';
import { TaskError } from '../../../src/party/tasks/task-error.ts';
import { ProtocolError } from '../../../src/protocols/errors.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import {
  type RunNotes,
  tables,
  trainingContract,
  trainingRuns,
} from '../../support/training-pair.ts';

function both({
  a,
  b,
}: {
  readonly a: RunNotes;
  readonly b: RunNotes;
}): Promise<[TrainingOutcome, TrainingOutcome]> {
  return Promise.all([runTraining(a.run, systemRng), runTraining(b.run, systemRng)]);
}

describe('run of a training', () => {
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
    deepEqual([atA.alignedRows, atB.alignedRows], [40, 40]);
    equal(atB.publication, null);
    deepEqual(
      atA.publication!.model!.features.map(({ party, column, level }) => [party, column, level]),
      [
        ['orgA', 'age', undefined],
        ['orgB', 'income', undefined],
        ['orgB', 'region', 0],
        ['orgB', 'region', 1],
        ['orgB', 'region', 2],
      ],
    );
    deepEqual(atB.columns, [
      { column: 'income' },
      { column: 'region', level: 0 },
      { column: 'region', level: 1 },
      { column: 'region', level: 2 },
    ]);
    for (const { timings } of [atA, atB]) {
      equal(timings.steps, 2);
      ok(timings.secondsPerIteration > 0 && timings.bytesSentPerIteration > 0);
    }
    equal(atA.timings.bytesSentPerIteration, atB.timings.bytesReceivedPerIteration);
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
    deepEqual([atA.alignedRows, atB.alignedRows], [25, 25]);
  });

  it('stops at both when there are too few of them', async () => {
    const { a, b } = trainingRuns(trainingContract(), tables(31));
    const runs = [a, b].map(({ run }) => runTraining(run, systemRng));
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
    const [{ alignedRows }] = await both(pair);
    equal(alignedRows, 40);
    ok(!pair.a.disclosures.some((disclosure) => disclosure.class === 'intersection'));
  });

  it('opens nothing that the ledger refuses', async () => {
    const { a, b } = trainingRuns(trainingContract());
    const refusal = new ProtocolError('NOT_DECLARED', 'no intersection');
    const run = { ...a.run, ledger: { record: () => Promise.reject(refusal) } };
    const silent = runTraining(b.run, systemRng);
    silent.catch(() => {}); // it waits for a message that never comes
    await rejects(runTraining(run, systemRng), { code: 'NOT_DECLARED' });
    equal(run.session.channel.stats.messagesSent, 0);
  });

  it('releases the same model to both when both receive it', async () => {
    const contract = trainingContract({ receivers: ['orgB', 'orgA'] });
    const outcomes = await both(trainingRuns(contract));
    const [one, other] = outcomes.map((outcome) =>
      modelDocument(contract, 'ab'.repeat(32), outcome),
    );
    deepEqual(one, other);
    parseModelDocument(JSON.stringify(one));
  });
});

describe('data holders', () => {
  it('are the two parties with data, seen from one of them', () => {
    const contract = trainingContract();
    const { own, peer } = dataHolders(contract, 'orgB');
    deepEqual([own.name, peer.name], ['orgB', 'orgA']);
  });

  it('must be two, this node among them', () => {
    const contract = trainingContract();
    const [first, second] = contract.parties;
    const third = { ...second!, name: 'orgC' };
    throws(() => dataHolders(contract, 'orgC'), { code: 'NOT_AVAILABLE' });
    throws(() => dataHolders({ ...contract, parties: [first!] }, 'orgA'), {
      code: 'NOT_AVAILABLE',
    });
    const three = { ...contract, parties: [first!, second!, third] };
    throws(() => dataHolders(three, 'orgA'), { code: 'NOT_AVAILABLE' });
  });
});
