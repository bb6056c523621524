/** Trainings that are resumed from every checkpoint, and what must come of it. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import type { TrainingCheckpoint } from '../../src/ml/vertical/linear/checkpoint.ts';
import type { LinearParameters } from '../../src/ml/vertical/linear/parameters.ts';
import { DEFAULTS, syntheticTable, trainInMemory, type VerticalRun } from './vertical-run.ts';

export const OPEN_BITS = 10;

/**
 * The released models agree: both are roundings of nearly one number. The intercept takes up the columns'
 * means times weights as they were rounded, so it is compared at the means.
 */
export function agree(run: VerticalRun, other: VerticalRun, what: string): void {
  const [one, two] = [run, other].map(({ guest, host }) => {
    const units = guest.release!.shares.map((share, i) => share + host.release!.shares[i]!);
    const values = Array.from(units, (word) => Number(BigInt.asIntN(64, word)));
    const parts = [guest, host].flatMap(({ whitening, release }) =>
      [...whitening.scaler.mean].map((mean, j) => mean / 2 ** release!.exponents[j]!),
    );
    const last = parts.length;
    values[last] = parts.reduce((sum, mean, j) => sum + mean * values[j]!, values[last]!);
    return values;
  });
  one!.forEach((value, j) => {
    const units = value - two![j]!;
    ok(Math.abs(units) < 2, `${what}: weight ${j} is off by ${units} x 2^-${OPEN_BITS}`);
  });
}

export const stepsOf = (
  each: readonly (readonly [TrainingCheckpoint, TrainingCheckpoint])[],
): number[] => each.map(([{ step }]) => step);

/** Resumes a small training from each of its checkpoints, under other randomness. */
export async function resumesFromEveryStep(
  algorithm: 'logistic_regression' | 'linear_regression',
  solver: 'auto' | 'sgd',
): Promise<void> {
  const isLinear = algorithm === 'linear_regression';
  const table = syntheticTable(100, 2, 2, isLinear ? 'regression' : 'binary');
  const parameters: LinearParameters = {
    ...DEFAULTS,
    ...{ solver, open_bits: OPEN_BITS, epochs: solver === 'auto' ? 3 : 2 },
    ...{ loss: isLinear ? 'mse' : 'logloss', batch_size: 40, momentum: 0.5 },
  };
  const whole = await trainInMemory(table, algorithm, parameters);
  const { checkpoints } = whole;
  deepEqual(stepsOf(checkpoints), solver === 'auto' ? [1, 2, 3, 4] : [1, 2, 3, 4, 5]);
  for (const [i, resume] of checkpoints.entries()) {
    const { step } = resume[0];
    equal(step, resume[1].step, 'both save at the same steps');
    const run = await trainInMemory(table, algorithm, parameters, {
      resume,
      seed: `after ${step}`,
    });
    agree(run, whole, `after step ${step}`);
    deepEqual(stepsOf(run.checkpoints), stepsOf(checkpoints.slice(i + 1)));
    const opened = run.recorded[0].map((each) => each.class);
    const scoredAgain = opened.filter((name) => name === 'validation_scores').length;
    equal(
      scoredAgain,
      i === checkpoints.length - 1 ? 0 : 1,
      'scores are opened once an attempt, or not again',
    );
    deepEqual(
      Object.keys(run.guest.evaluation!.metrics),
      Object.keys(whole.guest.evaluation!.metrics),
    );
    equal(run.host.evaluation, null);
  }
}
