import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict';
import {
  isCheckpoint,
  type StepCheckpoint,
} from '../../../../src/ml/vertical/linear/checkpoint.ts';
import type { LinearParameters } from '../../../../src/ml/vertical/linear/parameters.ts';
import { agree, resumesFromEveryStep } from '../../../support/resumed-run.ts';
import { type Frame, transcript } from '../../../support/transcript.ts';
import {
  DEFAULTS,
  syntheticTable,
  trainInMemory,
  type VerticalRun,
} from '../../../support/vertical-run.ts';

describe('checkpoints of a training', () => {
  it('lead to the same model from every step: logistic regression, auto', () =>
    resumesFromEveryStep('logistic_regression', 'auto'));

  it('lead to the same model from every step: linear regression, sgd', () =>
    resumesFromEveryStep('linear_regression', 'sgd'));

  it('after the evaluation hold what is left to open, to the bit, and nothing is sent', async () => {
    const table = syntheticTable(60, 2, 1, 'binary');
    const parameters = { ...DEFAULTS, epochs: 2 };
    const whole = await trainInMemory(table, 'logistic_regression', parameters);
    let messages = 0;
    const run = await trainInMemory(table, 'logistic_regression', parameters, {
      resume: whole.checkpoints.at(-1)!,
      tapFirst: () => messages++,
    });
    equal(messages, 0);
    deepEqual(run.guest, whole.guest);
    deepEqual(run.host, whole.host);
  });

  it('keep the sums over batches that are too small to be opened', async () => {
    const table = syntheticTable(100, 1, 2, 'binary');
    const parameters: LinearParameters = {
      ...DEFAULTS,
      ...{ solver: 'sgd', batch_size: 20, epochs: 3, use_validation_set: false },
    };
    const whole = await trainInMemory(table, 'logistic_regression', parameters);
    const count = (run: VerticalRun): number =>
      run.recorded[1].filter((each) => each.class === 'domain_guard').length;
    equal(count(whole), 1, 'checks after steps 2, 4, 8 and 12 gather 80 rows');
    const open = whole.checkpoints.find(
      ([first]) => first.phase === 'training' && first.guard.pending.rows === 60,
    )!;
    const [first, second] = open as [StepCheckpoint, StepCheckpoint];
    equal(first.guard.pending.rows, second.guard.pending.rows);
    const edge = BigInt.asIntN(64, first.guard.pending.edge + second.guard.pending.edge);
    ok(Math.abs(Number(edge)) < 2 ** 22, 'the shares of a small sum');
    ok(Math.abs(Number(BigInt.asIntN(64, first.guard.pending.edge))) > 2 ** 40, 'and uniform');

    const run = await trainInMemory(table, 'logistic_regression', parameters, {
      resume: open,
      seed: 'pending',
    });
    agree(run, whole, `after step ${first.step}`);
    equal(count(run), 1, 'lost, they would not be opened');
  });

  it('are one party’s shares: a run from them repeats no message, and their sum is the state', async () => {
    const table = syntheticTable(60, 2, 1, 'binary');
    const parameters = { ...DEFAULTS, epochs: 3 };
    const attempt = async (seed: string, resume?: VerticalRun['checkpoints'][number]) => {
      const { frames, taps } = transcript();
      const run = await trainInMemory(table, 'logistic_regression', parameters, {
        ...taps,
        seed,
        ...(resume && { resume }),
      });
      return { run, frames };
    };
    const first = await attempt('first');
    const resume = first.run.checkpoints[0]!;
    const [one, other] = resume as [StepCheckpoint, StepCheckpoint];
    const isShare = (word: bigint): boolean => Math.abs(Number(BigInt.asIntN(64, word))) > 2 ** 40;
    ok(one.weights.own.some(isShare) && other.weights.peer.some(isShare));
    for (const [j, word] of one.weights.own.entries()) {
      const sum = BigInt.asIntN(64, word + other.weights.peer[j]!);
      ok(Math.abs(Number(sum)) < 2 ** 32, 'a weight is small, its shares are not');
    }
    const seen = new Set(long(first.frames));
    const repeats = async (seed: string): Promise<number> =>
      long((await attempt(seed, resume)).frames).filter((bytes) => seen.has(bytes)).length;
    equal(await repeats('second'), 0);
    ok((await repeats('first')) > 0, 'randomness used twice would show');
    notDeepEqual(one.weights.own, other.weights.peer);
  });

  it('are saved on a schedule that the contract tells', () => {
    const saved = (planned: number, steps = planned): number[] =>
      Array.from({ length: steps }, (_, i) => i + 1).filter((step) =>
        isCheckpoint(step, steps, planned),
      );
    deepEqual(saved(3), [1, 2, 3]);
    deepEqual(saved(20).length, 20);
    deepEqual(saved(21).slice(-3), [18, 20, 21]);
    equal(saved(10_000).length, 20);
    deepEqual(saved(30, 33).slice(-3), [30, 32, 33], 'a run that grew ends with one');
  });
});

/** What is long enough not to repeat by chance. */
function long(frames: readonly Frame[]): string[] {
  return frames
    .filter(({ bytes }) => bytes.length > 32)
    .map(({ bytes }) => Buffer.from(bytes).toString('base64'));
}
