import { deepEqual } from 'node:assert/strict';
import { ignoredParameters } from '../../../src/party/http/ignored-parameters.ts';

describe('ignored parameters', () => {
  it('are the given keys that the algorithm does not read, or not here', () => {
    const warnings = ignoredParameters(
      'lr',
      { hyper: { epochs: 3, l2: 1, seed: 1 }, modelConfig: {} },
      ['l2', 'seed'],
      [
        ['seed', true, 'without batches'],
        ['l2', false, 'ever'],
        ['momentum', true, 'as it is not given'],
      ],
    );
    deepEqual(warnings, [
      {
        code: 'HYPER_PARAMETER_IGNORED',
        message: 'hyper_params.epochs has no effect on lr',
      },
      {
        code: 'HYPER_PARAMETER_IGNORED',
        message: 'hyper_params.seed has no effect without batches',
      },
      { code: 'MODEL_CONFIG_IGNORED', message: 'model_config has no effect on lr' },
    ]);
    deepEqual(ignoredParameters('lr', { hyper: { l2: 1 }, modelConfig: null }, ['l2'], []), []);
  });
});
