import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { parseModelDocument } from '../../../../src/party/models/model-document.ts';
import {
  type Checkpoint,
  PHASE_STEPS,
  type ProgramResult,
} from '../../../../src/party/tasks/program.ts';
import { predictLinear } from '../../../../src/party/tasks/programs/predict-linear.ts';
import { trainLinear } from '../../../../src/party/tasks/programs/train-linear.ts';
import { TaskError } from '../../../../src/party/tasks/task-error.ts';
import { ProtocolError } from '../../../../src/protocols/errors.ts';
import {
  predictionContract,
  programRuns,
  type RunNotes,
  tables,
  trainingContract,
  trainingRuns,
} from '../../../support/training-pair.ts';

type LinearResult = Awaited<ReturnType<typeof trainLinear>>;

function both({
  a,
  b,
}: {
  readonly a: RunNotes;
  readonly b: RunNotes;
}): Promise<[LinearResult, LinearResult]> {
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
          ['TOO_FEW_ROWS', 'the parties have fewer than 10 records in common: too few to train on'],
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

  describe('that resumes', () => {
    const contract = trainingContract({
      parameters: { ...trainingContract().parameters, epochs: 2, l2: 1, model_release: 'split' },
    });
    let whole: RunNotes;
    let wholeB: RunNotes;
    let results: [ProgramResult, ProgramResult];
    before(async () => {
      ({ a: whole, b: wholeB } = programRuns(contract, { session: 'first' }));
      results = await both({ a: whole, b: wholeB });
    });

    const pairAt = (i: number): readonly [Checkpoint, Checkpoint] => [
      whole.saved[i]!,
      wholeB.saved[i]!,
    ];

    it('saves right after the alignment, then as the training does', () => {
      const steps = [whole, wholeB].map(({ saved }) => saved.map(({ step }) => step));
      deepEqual(steps, [
        [0, 1, 2, 3],
        [0, 1, 2, 3],
      ]);
    });

    it('matches no keys again, takes the steps that are left, and scores records alike', async () => {
      const scores = async (parts: readonly ProgramResult[], session: string): Promise<string> => {
        const { a, b } = programRuns(predictionContract(contract), {
          parts: { orgA: parts[0]!.part!, orgB: parts[1]!.part! },
          session,
        });
        const [atA] = await Promise.all([predictLinear(a.context), predictLinear(b.context)]);
        return Buffer.concat(atA!.file!.chunks).toString();
      };
      const logits = (text: string): number[] =>
        text
          .trimEnd()
          .split('\n')
          .slice(1)
          .map((line) => Number(line.split(',')[1]))
          .map((p) => Math.log(p / (1 - p)));
      const expected = logits(await scores(results, 'prediction'));
      equal(expected.length, 40);
      for (const [i, left] of [2, 1, 0, 0].entries()) {
        const pair = programRuns(contract, { resume: pairAt(i), session: `after ${i}` });
        const resumed = await both(pair);
        deepEqual(pair.a.phases, ['aligning', 'training', 'evaluating', 'publishing']);
        equal(pair.a.steps.length, left);
        const opened = pair.b.disclosures.map((disclosure) => disclosure.class);
        ok(!opened.includes('intersection'), opened.join());
        equal(resumed[0].extra.steps, 2);
        equal(resumed[0].extra.aligned_rows, 40);
        deepEqual(Object.keys(resumed[0].metrics!), Object.keys(results[0].metrics!));
        equal(resumed[0].part!.origin, resumed[1].part!.origin);
        const isDone = i === 3;
        equal(resumed[0].part!.origin === results[0].part!.origin, isDone);
        const saved = pair.a.saved.map(({ step }) => step);
        deepEqual(saved, [1, 2, 3].slice(i), `after ${i}`);
        const again = logits(await scores(resumed, `prediction ${i}`));
        again.forEach((z, row) => {
          const off = Math.abs(z - expected[row]!);
          // Neighbouring numbers, each rounded up or down.
          ok(off < 2.5 * 2 ** -10, `after ${i}: row ${row} is off by ${off}`);
        });
      }
    });

    it('after the evaluation leaves the very same model', async () => {
      const again = await both(programRuns(contract, { resume: pairAt(3), session: 'last' }));
      deepEqual(again[0].part, results[0].part);
      deepEqual(again[1].part, results[1].part);
      deepEqual(again[0].metrics, results[0].metrics);
    });

    it('goes on within an alignment of several buckets, and after it', async () => {
      const options = { bucketCount: () => 3 };
      const train = (pair: ReturnType<typeof programRuns>) =>
        Promise.all([pair.a, pair.b].map(({ context }) => trainLinear(context as never, options)));
      const stepsOf = (saved: readonly Checkpoint[]): number[] => saved.map(({ step }) => step);
      const phased = programRuns(contract, { session: 'phased' });
      await train(phased);
      const own = [0, 1, 2, 3].map((step) => PHASE_STEPS + step);
      deepEqual(stepsOf(phased.a.saved), [1, 2, 3, ...own]);
      deepEqual(stepsOf(phased.b.saved), [1, 2, 3, ...own]);
      for (const i of [0, 2, 3, 5]) {
        const resume = [phased.a.saved[i]!, phased.b.saved[i]!] as const;
        const pair = programRuns(contract, { resume, session: `phased after ${i}` });
        const [atA] = await train(pair);
        deepEqual(stepsOf(pair.a.saved), [1, 2, 3, ...own].slice(i + 1), `after ${i}`);
        equal(atA!.extra.aligned_rows, 40);
        equal(atA!.extra.steps, 2);
      }
    });

    it('does not go on from checkpoints of different attempts', async () => {
      const other = programRuns(contract, { resume: pairAt(1), session: 'second' });
      await both(other);
      const mixed = programRuns(contract, {
        resume: [whole.saved[2]!, other.b.saved[0]!],
        session: 'third',
      });
      equal(other.b.saved[0]!.step, 2);
      for (const run of [mixed.a, mixed.b].map(({ context }) => trainLinear(context))) {
        await rejects(run, { code: 'CHECKPOINT_UNUSABLE' });
      }
    });

    it('does not go on from a damaged one, and sends nothing', async () => {
      const [first, second] = pairAt(1);
      const bytes = first.bytes.slice();
      bytes[bytes.length >> 1]! ^= 1;
      const { a } = programRuns(contract, { resume: [{ ...first, bytes }, second] });
      await rejects(trainLinear(a.context), { code: 'CHECKPOINT_UNUSABLE' });
      equal(a.channel.stats.messagesSent, 0);
    });

    it('has a released model that was opened already, to the bit', async () => {
      const full = trainingContract();
      const first = programRuns(full, { session: 'full' });
      const [atA] = await both(first);
      const resume = [first.a.saved.at(-1)!, first.b.saved.at(-1)!] as const;
      const [again] = await both(programRuns(full, { resume, session: 'full again' }));
      deepEqual(again.model, atA.model);
    });
  });
});
