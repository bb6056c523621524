import { deepEqual, equal, notDeepEqual } from 'node:assert/strict';
import { matrix, takeRows } from '../../../../src/ml/data/matrix.ts';
import { permutation, seededGenerator } from '../../../../src/ml/data/random.ts';
import {
  binBits,
  placeColumns,
  thresholdOf,
  valueBits,
} from '../../../../src/ml/vertical/trees/columns.ts';
import { bitAt } from '../../../../src/protocols/primitives/bits.ts';
import { rowNumbers } from '../../../../src/protocols/primitives/rows.ts';

const X = matrix(Float64Array.of(1, 9, Number.NaN, 2, 3, 1e6, -1e6, Number.NaN, 2.5), 9, 1);
const rows = { train: Uint32Array.of(0, 2, 3, 4), others: Uint32Array.of(1, 5, 6, 7, 8) };

const NONE = new Uint32Array();

describe('placed columns', () => {
  const data = placeColumns(X, rows, 8);

  it('have the bins of the training rows, and rows beyond them on the right', () => {
    deepEqual([...data.columns[0]!.cuts.slice(0, 2)], [2, 3]);
    deepEqual([...data.bins[0]!], [0, 3, 1, 2, 4, 4, 0, 3, 1]);
  });

  it('send rows by bin as their values do', () => {
    for (const bin of [0, 1, 2]) {
      for (const defaultLeft of [true, false]) {
        const split = { feature: 0, bin, defaultLeft };
        const threshold = thresholdOf(data.columns, split);
        const byValue = valueBits(X, { ...split, threshold, tree: 0, depth: 0 }, 0, 9);
        const byBin = binBits(data, split, 0, 9);
        [...rows.train, ...rows.others].forEach((row, at) => {
          equal(bitAt(byBin, at), bitAt(byValue, row), `bin ${bin}, row ${row}`);
        });
        deepEqual(binBits(data, split, 8, 1), Uint8Array.of(bitAt(byBin, 8)));
      }
    }
  });

  it('have bins that depend on the table and not on the order in which its rows were matched', () => {
    const n = 5000;
    const next = seededGenerator(4);
    const values = Float64Array.from({ length: n }, () => next() / 2 ** 32);
    const table = matrix(values, n, 1);
    const inFile = { train: rowNumbers(n).filter((row) => row % 5 > 0), others: NONE };
    const expected = placeColumns(table, inFile, 16).columns;
    const order = Uint32Array.from(permutation(n, next));
    const matched = takeRows(table, order);
    const train = rowNumbers(n).filter((row) => order[row]! % 5 > 0);
    const found = placeColumns(matched, { train, others: NONE }, 16, order).columns;
    deepEqual(found, expected);
    notDeepEqual(placeColumns(matched, { train, others: NONE }, 16).columns, expected);
  });
});
