import { deepEqual, equal } from 'node:assert/strict';
import { ConfigSource, type Environment, variableOf } from '../../src/party/config-source.ts';
import { oneOf, wholeNumber } from '../../src/party/config-values.ts';

const TEXT = `psi:
  workers: 4
log: {level: loud}
colour: red
`;

function sourceOf(env: Environment = {}): ConfigSource {
  return new ConfigSource(TEXT, env, 'node.yaml');
}

describe('source of a configuration', () => {
  it('has a variable for each key', () => {
    equal(variableOf('data.memoryLimit'), 'ENTENTE_DATA_MEMORY_LIMIT');
  });

  it('takes a variable before the file, the file before the default', () => {
    const workers = wholeNumber(1, 64);
    equal(sourceOf().take('psi.workers', workers, 2), 4);
    equal(sourceOf({ ENTENTE_PSI_WORKERS: '8' }).take('psi.workers', workers, 2), 8);
    equal(sourceOf({ ENTENTE_PSI_WORKERS: '' }).take('psi.workers', workers, 2), 4);
    equal(sourceOf().take('psi.others', workers, 2), 2);
  });

  it('collects problems with their places, and what no key was asked for', () => {
    const source = sourceOf({ ENTENTE_PSI_WORKERS: 'many', ENTENTE_SHAPE: 'round' });
    source.take('psi.workers', wholeNumber(1, 64), 2);
    source.take('log.level', oneOf('info', 'warn'), 'info');
    source.refuseUnknown();
    deepEqual(source.problems, [
      'ENTENTE_PSI_WORKERS: psi.workers expected a whole number from 1 to 64',
      'node.yaml:3: log.level expected one of info, warn',
      'node.yaml:4: colour is not a known key',
      'ENTENTE_SHAPE: no key has this variable',
    ]);
  });
});
