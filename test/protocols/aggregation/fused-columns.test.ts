import { deepEqual, equal } from 'node:assert/strict';
import { addCombinations, fuseColumns } from '../../../src/protocols/aggregation/fused-columns.ts';
import { sumsByBucket } from '../../support/bucket-noise.ts';
import { hintKernel, randomColumns, randomVector } from '../../support/bucket-run.ts';

describe('columns in one', () => {
  it('are as many as have few enough combinations', () => {
    const groups = (...counts: number[]) =>
      fuseColumns(randomColumns(3, counts, 1)).map((group) => group.counts.length);
    deepEqual(groups(33, 33, 33, 33, 33), [2, 2, 1]);
    deepEqual(groups(1, 64, 64, 2, 5000, 1), [3, 1, 1, 1]);
    deepEqual(groups(...Array.from({ length: 13 }, () => 2)), [12, 1]);
    deepEqual(groups(65_535), [1]);
  });

  for (const [rows, counts] of [
    [1, [1]],
    [500, [3, 1, 7, 40, 4097, 2, 2]],
    [3000, [64, 64, 33, 33]],
  ] as const) {
    it(`give the sums of each column: ${rows} rows, ${counts.join()} bins`, () => {
      const columns = randomColumns(rows, counts, 'fused');
      const x = randomVector(rows, 32, 'x');
      const sums = counts.map((count) => new Uint32Array(count));
      for (const group of fuseColumns(columns)) {
        const combinations = new Uint32Array(group.combinations);
        hintKernel.addByBin([combinations], new Uint32Array(x.buffer), [group.bins]);
        const end = group.first + group.counts.length;
        addCombinations(group, combinations, sums.slice(group.first, end));
      }
      const expected = Uint32Array.from(sumsByBucket(x, columns));
      deepEqual(
        sums.flatMap((each) => [...each]),
        [...expected],
      );
      equal(
        expected.length,
        counts.reduce<number>((a, b) => a + b, 0),
      );
    });
  }
});
