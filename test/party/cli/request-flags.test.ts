import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { CliContext } from '../../../src/party/cli/command.ts';
import {
  list,
  oneOf,
  parseData,
  parseDatasets,
  parseOf,
  parseParameter,
  providersOf,
  requestFile,
  wholeNumber,
} from '../../../src/party/cli/request-flags.ts';
import { withTemporaryDirectory } from '../../support/temporary-directory.ts';

/** Wrong usage that names the flag. */
const usage = (message: RegExp) => ({ name: 'CliError', exit: 2, message });

describe('request flags', () => {
  it('read a dataset with or without columns, by path or by name', () => {
    const cases: [string, string, string, readonly string[] | null][] = [
      ['bank=a.csv', 'bank', 'a.csv', null],
      ['bank=credit/a.csv:age, income', 'bank', 'credit/a.csv', ['age', 'income']],
      ['bank=dataset:loans', 'bank', 'dataset:loans', null],
      ['bank=dataset:loans:age', 'bank', 'dataset:loans', ['age']],
      ['bank=a=b.csv', 'bank', 'a=b.csv', null],
    ];
    for (const [text, party, path, columns] of cases) {
      deepEqual(parseData(text), { party, path, columns }, text);
    }
  });

  it('refuse datasets that nobody can have meant', () => {
    for (const text of [
      'a.csv',
      '=a.csv',
      'bank=',
      'bank=:age',
      'bank=dataset:',
      'bank=dataset:a/b',
    ]) {
      throws(() => parseData(text), usage(/--data/), text);
    }
    throws(() => parseData('bank=a.csv:age,,x'), usage(/empty entry/));
    throws(() => parseDatasets(['bank=a.csv', 'bank=b.csv']), usage(/names bank twice/));
  });

  it('give each party its dataset, type and key', () => {
    const datasets = parseDatasets(['bank=a.csv', 'shop=b.jsonl', 'lab=dataset:c']);
    deepEqual(providersOf(datasets, { key: ['id', 'shop:customer'], type: ['lab:parquet'] }), [
      { name: 'bank', data_path: 'a.csv', data_type: 'csv', key_column: 'id' },
      { name: 'shop', data_path: 'b.jsonl', data_type: 'json', key_column: 'customer' },
      { name: 'lab', data_path: 'dataset:c', data_type: 'parquet', key_column: 'id' },
    ]);
    deepEqual(providersOf(datasets.slice(0, 1), {}), [
      { name: 'bank', data_path: 'a.csv', data_type: 'csv' },
    ]);
    deepEqual(
      providersOf(datasets.slice(0, 1), { key: ['other:id'] })[0]!.key_column,
      'other:id',
      'a colon in the name of a column',
    );
  });

  it('refuse keys and types of parties that bring nothing', () => {
    const datasets = parseDatasets(['bank=a.csv']);
    throws(() => providersOf(datasets, { type: ['shop:csv'] }), usage(/names shop/));
    throws(() => providersOf(datasets, { type: ['csv'] }), usage(/--type csv/));
  });

  it('make one key of several columns, for all or party by party', () => {
    const datasets = parseDatasets(['bank=a.csv', 'shop=b.csv']);
    const keys = (...key: string[]) =>
      providersOf(datasets, { key }).map(({ key_column: columns }) => columns);
    deepEqual(keys('last', 'born'), [
      ['last', 'born'],
      ['last', 'born'],
    ]);
    deepEqual(keys('bank:last', 'shop:surname', 'bank:born', 'shop:birthday'), [
      ['last', 'born'],
      ['surname', 'birthday'],
    ]);
    deepEqual(keys('last', 'shop:surname', 'born', 'shop:birthday'), [
      ['last', 'born'],
      ['surname', 'birthday'],
    ]);
    deepEqual(keys('bank:id', 'shop:id'), ['id', 'id']);
    throws(() => keys('last', 'born', 'shop:surname'), usage(/2 for bank and 1 for shop/));
    throws(() => keys('bank:id'), usage(/1 for bank and 0 for shop/));
    throws(() => keys('id', 'bank:id', 'shop:id'), usage(/--key id is nobody’s/));
  });

  it('know words from others', () => {
    equal(oneOf('--join', 'left', ['inner', 'left']), 'left');
    throws(() => oneOf('--join', 'outer', ['inner', 'left']), usage(/^--join outer is not known$/));
  });

  it('read hyper-parameters as JSON where they are, else as text', () => {
    const cases: [string, string, unknown][] = [
      ['epochs=20', 'epochs', 20],
      ['use_intercept=false', 'use_intercept', false],
      ['loss=mse', 'loss', 'mse'],
      ['layer_units=[8,1]', 'layer_units', [8, 1]],
      ['note=a=b', 'note', 'a=b'],
    ];
    for (const [text, name, value] of cases) deepEqual(parseParameter(text), [name, value], text);
    throws(() => parseParameter('epochs'), usage(/--param epochs/));
  });

  it('read numbers and lists strictly', () => {
    equal(wholeNumber('--limit', '20'), 20);
    for (const text of ['', '-1', '1.5', '1e3', '0x1', '9'.repeat(16)]) {
      throws(() => wholeNumber('--limit', text), usage(/--limit/), text);
    }
    deepEqual(list('--metrics', 'auc, ks'), ['auc', 'ks']);
    deepEqual(parseOf('--label', 'bank:y'), ['bank', 'y']);
    for (const text of ['y', ':y', 'bank:'])
      throws(() => parseOf('--label', text), usage(/PARTY|no party/));
  });

  it('never fail in another way than by naming the flag', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [parseData, parseParameter, (t: string) => parseOf('--label', t)]) {
          try {
            parse(text);
          } catch (error) {
            equal((error as Error).name, 'CliError');
          }
        }
      }),
    );
  });

  it('take a whole request from a file or from standard input', () =>
    withTemporaryDirectory(async (directory) => {
      const context = { readInput: async () => '{"a": 1}' } as unknown as CliContext;
      const file = join(directory, 'request.json');
      deepEqual(await requestFile('-', context), { a: 1 });
      await writeFile(file, '{"b": 2}');
      deepEqual(await requestFile(file, context), { b: 2 });
      await writeFile(file, '[1]');
      await rejects(requestFile(file, context), usage(/holds no request/));
      await writeFile(file, '{');
      await rejects(requestFile(file, context), usage(/is not JSON/));
      await rejects(requestFile(join(directory, 'none'), context), usage(/cannot be read/));
    }));
});
