import { deepEqual, throws } from 'node:assert/strict';
import { oneHot, oneHotNames } from '../../../src/ml/data/one-hot.ts';

describe('one-hot', () => {
  it('gives a column to every declared category, present or not', () => {
    const X = oneHot(['b', 'a', 'b'], ['a', 'b', 'c']);
    deepEqual([X.rows, X.columns], [3, 3]);
    deepEqual([...X.values], [0, 1, 0, 1, 0, 0, 0, 1, 0]);
    deepEqual(oneHotNames('SEX', [1, 2]), ['SEX=1', 'SEX=2']);
  });

  it('does not confuse 1 with "1"', () => {
    deepEqual([...oneHot([1, '1'], ['1', 1]).values], [0, 1, 1, 0]);
  });

  it('refuses an undeclared value by row, or zeroes it when told', () => {
    throws(() => oneHot(['a', 'x'], ['a']), /row 1/);
    throws(() => oneHot(['a', null], ['a']), /row 1/);
    throws(() => oneHot([], ['a', 'a']), /duplicate/);
    deepEqual([...oneHot(['x', null, 'a'], ['a'], { unknown: 'zero' }).values], [0, 0, 1]);
  });
});
