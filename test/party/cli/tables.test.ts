import { deepEqual, equal } from 'node:assert/strict';
import {
  bytes,
  duration,
  facts,
  figure,
  printable,
  printableJson,
  table,
} from '../../../src/party/cli/tables.ts';

describe('tables', () => {
  it('align columns and leave no blanks behind', () => {
    equal(
      table([
        ['A', 'LONG', 'Z'],
        ['bbb', 'x', ''],
      ]),
      'A    LONG  Z\nbbb  x\n',
    );
    equal(table([]), '');
  });

  it('show names and values that are known', () => {
    const entries = [
      ['model', 'm1'],
      ['file', null],
      ['x', ''],
      ['y', undefined],
    ] as const;
    equal(facts(entries), '  model  m1\n');
  });

  it('show nothing that steers a terminal', () => {
    equal(printable('a\u001b[31mb\nc\u202e\u2028d'), 'a?[31mb?c??d');
    equal(table([['\u001b[2J']]), '?[2J\n');
  });

  it('show it in JSON neither, which reads back as it was', () => {
    const value = { 'a\u009b': ['\u202e', '\u{e0041}', '\ud800', '\u007f\n', 1, null] };
    const line = printableJson(value);
    equal(line.search(/[\p{Cc}\p{Cf}\p{Cs}]/u), -1, line);
    deepEqual(JSON.parse(line), value);
  });

  it('show figures, times and sizes as people say them', () => {
    equal(figure(null), '-');
    equal(figure(0.717_16), '0.7172');
    equal(figure(3), '3');
    equal(figure(1234.567), '1235');
    equal(duration(0.4), '0 s');
    equal(duration(95), '95 s');
    equal(duration(720), '12 min');
    equal(duration(12_600), '3.5 h');
    equal(bytes(0), '0 B');
    equal(bytes(999), '999 B');
    equal(bytes(1234), '1.2 kB');
    equal(bytes(999_600), '1.0 MB');
    equal(bytes(25_600_000), '25.6 MB');
    equal(bytes(256_000_000), '256 MB');
    equal(bytes(5e15), '5000 TB');
  });
});
