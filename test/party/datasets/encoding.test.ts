import { deepEqual, throws } from 'node:assert/strict';
import { MISSING } from '../../../src/party/datasets/cells.ts';
import {
  columnLevels,
  encodeFeatures,
  learnEncoding,
  refuseEmptyFeatures,
  sortLevels,
} from '../../../src/party/datasets/encoding.ts';
import type { RawColumns } from '../../../src/party/datasets/read-table.ts';

const raw = (more: Partial<RawColumns>): RawColumns => ({
  rowCount: 3,
  keys: null,
  payload: [],
  label: null,
  cells: new Float64Array(),
  levels: [[]],
  missing: [0],
  ...more,
});

describe('feature encoding', () => {
  const numeric = { name: 'x', kind: 'numeric' } as const;
  const category = { name: 'c', kind: 'categorical', categories: 1 } as const;

  it('orders numbers by value and texts by code unit', () => {
    deepEqual(sortLevels(['10', '9', '-1', '1.0', '1']), ['-1', '1', '1.0', '9', '10']);
    deepEqual(sortLevels(['b', '10', 'B', '9']), ['10', '9', 'B', 'b']);
  });

  it('gives every level but one a column; a missing value is that one if there is any', () => {
    deepEqual(columnLevels(['b', 'a', 'c'], 0), ['b', 'c']);
    deepEqual(columnLevels(['b', 'a', 'c'], 2), ['a', 'b', 'c']);
    deepEqual(columnLevels(['a'], 0), []);
    deepEqual(columnLevels([], 0), []);
  });

  it('fills a missing number with the mean of the others', () => {
    const columns = raw({ cells: Float64Array.of(1, MISSING, 4), missing: [1] });
    const encoding = learnEncoding([numeric], columns, false);
    deepEqual(encoding, [{ kind: 'numeric', name: 'x', mean: 2.5 }]);
    deepEqual(encodeFeatures(encoding, columns).features, Float64Array.of(1, 2.5, 4));
  });

  it('leaves a missing number missing where the model takes that, and a column without any value', () => {
    const columns = raw({ cells: Float64Array.of(1, MISSING, 4), missing: [1] });
    const encoding = learnEncoding([numeric], columns, true);
    deepEqual(encoding, [{ kind: 'numeric', name: 'x', mean: null }]);
    deepEqual(encodeFeatures(encoding, columns).features, Float64Array.of(1, Number.NaN, 4));

    const empty = raw({ cells: new Float64Array(3).fill(MISSING), missing: [3] });
    deepEqual(encodeFeatures(encoding, empty).features, new Float64Array(3).fill(Number.NaN));
    const levels = raw({ cells: new Float64Array(3).fill(MISSING), missing: [3], levels: [[]] });
    deepEqual(learnEncoding([category], levels, true), [
      { kind: 'categorical', name: 'c', levels: [] },
    ]);
  });

  it('places columns of mixed features row by row', () => {
    const columns = raw({
      cells: Float64Array.of(0, 1, 1, MISSING, 2, 3),
      levels: [['b', 'a', 'z'], []],
      missing: [0, 1],
    });
    const encoding = [
      { kind: 'categorical', name: 'c', levels: ['b', 'z'] },
      { kind: 'numeric', name: 'x', mean: 9 },
    ] as const;
    deepEqual(encodeFeatures(encoding, columns), {
      features: Float64Array.of(1, 0, 1, 0, 0, 9, 0, 1, 3),
      columnNames: ['c=b', 'c=z', 'x'],
    });
  });

  it('leaves no column for a category of one level', () => {
    const columns = raw({ cells: Float64Array.of(0, 0, 0), levels: [['a']] });
    const encoding = learnEncoding([category], columns, false);
    deepEqual(encodeFeatures(encoding, columns), { features: new Float64Array(), columnNames: [] });
  });

  it('refuses a feature without a single value', () => {
    throws(() => refuseEmptyFeatures('f', [numeric], raw({ missing: [3] })), {
      code: 'missing_values',
      message: 'f: column x is empty',
    });
    refuseEmptyFeatures('f', [numeric], raw({ missing: [2] }));
  });
});
