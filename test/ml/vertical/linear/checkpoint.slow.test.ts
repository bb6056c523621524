import { deepEqual, equal, ok } from 'node:assert/strict';
import type { StepCheckpoint } from '../../../../src/ml/vertical/linear/checkpoint.ts';
import { agree, resumesFromEveryStep } from '../../../support/resumed-run.ts';
import { DEFAULTS, outlierTable, trainInMemory } from '../../../support/vertical-run.ts';

describe('checkpoints of a training, all ways', () => {
  it('lead to the same model from every step: logistic regression, sgd', () =>
    resumesFromEveryStep('logistic_regression', 'sgd'));

  it('lead to the same model from every step: linear regression, auto', () =>
    resumesFromEveryStep('linear_regression', 'auto'));

  it('keep a domain that grew, and the steps that it asked for', async () => {
    const table = outlierTable(1000, 45, 1, 1);
    const parameters = { ...DEFAULTS, l2: 0.1, epochs: 13, use_validation_set: false };
    const whole = await trainInMemory(table, 'logistic_regression', parameters);
    ok(whole.steps > 13, `${whole.steps} steps: the domain grew late`);
    const states = whole.checkpoints.slice(0, -1).map(([first]) => first as StepCheckpoint);
    const grown = states.findIndex(({ guard }) => guard.level > 0);
    ok(grown > 0, 'and not at the first step');
    for (const i of [grown - 1, grown, states.length - 2]) {
      const run = await trainInMemory(table, 'logistic_regression', parameters, {
        resume: whole.checkpoints[i]!,
        seed: `grown ${i}`,
      });
      const { step } = states[i]!;
      equal(run.steps, whole.steps, `after step ${step}`);
      agree(run, whole, `after step ${step}`);
      const last = run.checkpoints.at(-2)?.[0] as StepCheckpoint;
      deepEqual(last.guard.level, states.at(-1)!.guard.level);
    }
  });
});
