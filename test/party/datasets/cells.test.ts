import { deepEqual, equal } from 'node:assert/strict';
import { DuckDBInstance } from '@duckdb/node-api';
import {
  binaryCell,
  canonicalKey,
  categoricalCell,
  numericCell,
} from '../../../src/party/datasets/cells.ts';

async function evaluate(expression: string, texts: readonly (string | null)[]): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  const rows = texts.map((text) =>
    text === null ? '(NULL)' : `('${text.replaceAll("'", "''")}')`,
  );
  const result = await connection.runAndReadAll(
    `SELECT ${expression} FROM (VALUES ${rows.join(', ')}) t(c)`,
  );
  const values = result.getRows().map(([value]) => value);
  connection.closeSync();
  return values;
}

describe('dataset cells', () => {
  it('reads numbers, and tells missing, infinite and other texts apart', async () => {
    const cases: [string | null, number][] = [
      ['0', 0],
      [' -1.5e3 ', -1500],
      ['+.5', 0.5],
      ['0.1', 0.1],
      ['123456789.123456789', 123456789.12345679],
      ['5e-324', 5e-324],
      [null, Infinity],
      ['', Infinity],
      [' \t', Infinity],
      ['NA', Infinity],
      ['n/a', Infinity],
      [' Null ', Infinity],
      ['inf', -Infinity],
      ['-Infinity', -Infinity],
      ['NaN', -Infinity],
      ['1e400', -Infinity],
      ['1_000', NaN],
      ['1,5', NaN],
      ['0x10', NaN],
      ['12a', NaN],
      ['true', NaN],
      ['١', NaN],
    ];
    const values = await evaluate(
      numericCell('c', 'text'),
      cases.map(([text]) => text),
    );
    deepEqual(
      values,
      cases.map(([, value]) => value),
    );
  });

  it('reads true and false of a label as 1 and 0', async () => {
    const texts = ['true', ' FALSE', '1', 'yes', ''];
    deepEqual(await evaluate(binaryCell('c', 'text'), texts), [1, 0, 1, NaN, Infinity]);
  });

  it('takes a category as trimmed text, and nothing but emptiness as missing', async () => {
    const texts = [' a b ', 'NA', '', ' ', null];
    deepEqual(await evaluate(categoricalCell('c', 'text'), texts), ['a b', 'NA', null, null, null]);
  });

  it('compares keys trimmed, composed, and otherwise as they stand', () => {
    equal(canonicalKey(' 12\t'), '12');
    equal(canonicalKey('\u00a0012'), '012');
    equal(canonicalKey('e\u0301'), '\u00e9');
    equal(canonicalKey('\u212b'), '\u00c5');
    equal(canonicalKey('Ab c'), 'Ab c');
  });
});
