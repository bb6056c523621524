import { deepEqual, equal, throws } from 'node:assert/strict';
import { parseArgs } from 'node:util';
import { isOptionError, oneOf, readOptions, wholeNumber } from '../../bench/options.ts';

const DECLARED = {
  n: { type: 'string', default: '10' },
  check: { type: 'boolean', default: true },
} as const;

describe('bench options', () => {
  it('reads values, defaults and negations', () => {
    deepEqual({ ...readOptions([], DECLARED) }, { n: '10', check: true });
    deepEqual({ ...readOptions(['--n', '7', '--no-check'], DECLARED) }, { n: '7', check: false });
  });

  it('refuses unknown names, missing values and stray words, naming the options', () => {
    for (const args of [['--m', '1'], ['--n'], ['word'], ['--no-n']]) {
      throws(() => readOptions(args, DECLARED), {
        name: 'OptionError',
        message: /; the options are --n, --check$/,
      });
    }
  });

  it('reads whole numbers and one of several values, and nothing else', () => {
    equal(wholeNumber('n', '12'), 12);
    equal(wholeNumber('n', '1e6'), 1_000_000);
    for (const text of ['', ' ', '0', '-1', '1.5', 'x', '1e300']) {
      throws(() => wholeNumber('n', text), { name: 'OptionError' }, text);
    }
    equal(oneOf('way', 'there', ['here', 'there']), 'there');
    throws(() => oneOf('way', 'up', ['here', 'there']), { name: 'OptionError' });
  });

  it('tells a wrong command line from failed work', () => {
    throws(() => parseArgs({ args: ['--x'], options: {} }), isOptionError);
    equal(isOptionError(new RangeError('"n" expected 1')), false);
  });
});
