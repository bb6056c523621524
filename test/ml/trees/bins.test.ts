import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { matrix } from '../../../src/ml/data/matrix.ts';
import { binMatrix, binOf, fitBins, fitColumn, LARGEST_VALUE } from '../../../src/ml/trees/bins.ts';

const NONE = Number.NaN;
const binsOf = (values: number[], numBins = 256) => {
  const column = fitColumn(Float64Array.from(values), numBins);
  return { column, bins: values.map((value) => binOf(column, value)) };
};

describe('bins', () => {
  it('gives every value its own bin where they are few', () => {
    const { column, bins } = binsOf([3, -1, 3, 0.5, NONE, -1]);
    deepEqual(bins, [2, 0, 2, 1, 3, 0]);
    equal(column.cuts.length, 3);
    deepEqual([...column.cuts.subarray(0, 2)], [0.5, 3]);
    ok(column.cuts[2]! > 3);
  });

  it('has no more bins than asked for, and all rows in one', () => {
    const values = Float64Array.from({ length: 5000 }, (_, i) => (i * 7919) % 5003);
    for (const numBins of [2, 3, 32, 256]) {
      const column = fitColumn(values, numBins);
      equal(column.cuts.length, numBins);
      const counts = new Float64Array(numBins);
      for (const value of values) counts[binOf(column, value)]! += 1;
      for (const [bin, count] of counts.entries()) {
        ok(Math.abs(count / (5000 / numBins) - 1) < 0.6, `${count} in bin ${bin} of ${numBins}`);
      }
    }
  });

  it('takes constant columns, columns without a value, a single row, both zeros', () => {
    deepEqual(binsOf([7, 7, NONE, 7]).bins, [0, 0, 1, 0]);
    const empty = binsOf([NONE, NONE]);
    deepEqual([...empty.bins, empty.column.cuts.length], [1, 1, 1]);
    deepEqual(binsOf([-2]).bins, [0]);
    deepEqual(fitColumn(new Float64Array(0), 4).cuts.length, 1);
    deepEqual(binsOf([0, -0, 1, -1, -0, 0]).bins, [1, 1, 2, 0, 1, 1]);
  });

  it('compares values as 32-bit floats', () => {
    const next = 1 + 2 ** -23;
    deepEqual(binsOf([1, next, 1 + 2 ** -25, next - 2 ** -25]).bins, [0, 1, 0, 1]);
    for (const cut of binsOf([0.1, 0.2, 0.3]).column.cuts) equal(cut, Math.fround(cut));
  });

  it('puts values that were not seen where the cuts say', () => {
    const { column } = binsOf([1, 2, 3]);
    const outside = [-Infinity, -5, 1.5, 2, 2.5, 3, 1e30, Infinity, NONE];
    deepEqual(
      outside.map((value) => binOf(column, value)),
      [0, 0, 0, 1, 1, 2, 2, 2, 3],
    );
  });

  it('has a cut above the largest value, whatever its size', () => {
    for (const largest of [-1e30, -1, -1e-30, 0, 1e-38, 1, 16_777_216, LARGEST_VALUE]) {
      const { cuts } = fitColumn(Float64Array.of(largest, largest - 1e34), 4);
      const last = cuts.at(-1)!;
      ok(last > Math.fround(largest) && Number.isFinite(last), `${last} above ${largest}`);
      equal(last, Math.fround(last));
    }
  });

  it('refuses infinities and what 32 bits cannot hold, by column, without the value', () => {
    for (const value of [Infinity, -Infinity, 1e39, -1e39, 2 * LARGEST_VALUE]) {
      const refuses = (run: () => unknown, name: string) =>
        throws(run, (error) => {
          ok(error instanceof RangeError && error.message.startsWith(`"${name}"`));
          return true;
        });
      refuses(() => fitColumn(Float64Array.of(1, value, NONE), 4), 'values');
      const X = matrix(
        Float64Array.from({ length: 20 }, (_, k) => (k === 19 ? value : 1)),
        2,
        10,
      );
      refuses(() => fitBins(X, 4), 'column 9');
    }
  });

  it('bins a matrix as its columns one by one', () => {
    const cell = fc.oneof(fc.integer({ min: -4, max: 4 }), fc.constant(NONE), fc.float());
    const finite = cell.map((value) => (Math.abs(value) > LARGEST_VALUE ? 1 : value));
    const shape = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 12 }));
    const table = shape.chain(([n, d]) =>
      fc
        .array(finite, { minLength: n * d, maxLength: n * d })
        .map((values) => matrix(Float64Array.from(values), n, d)),
    );
    fc.assert(
      fc.property(table, fc.integer({ min: 2, max: 9 }), (X, numBins) => {
        const columns = fitBins(X, numBins);
        const binned = binMatrix(X, columns);
        equal(binned.rows, X.rows);
        equal(columns.length, X.columns);
        columns.forEach((column, j) => {
          const values = Array.from({ length: X.rows }, (_, i) => X.values[i * X.columns + j]!);
          deepEqual(column, fitColumn(Float64Array.from(values), numBins));
          values.forEach((value, i) => {
            const bin = binned.bins[j]![i]!;
            equal(bin, binOf(column, value));
            if (Number.isNaN(value)) return;
            ok(Math.fround(value) < column.cuts[bin]!, 'below its cut');
            ok(
              bin === 0 || Math.fround(value) >= column.cuts[bin - 1]!,
              'not below the one before',
            );
          });
        });
      }),
      { numRuns: 100 },
    );
  });

  it('refuses bins of another number of columns', () => {
    throws(() => binMatrix(matrix(new Float64Array(6), 2, 3), []), RangeError);
  });
});
