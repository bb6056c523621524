import { deepEqual, equal } from 'node:assert/strict';
import {
  alignedFeatures,
  alignedLabels,
  columnsOf,
} from '../../../../src/party/tasks/programs/aligned-table.ts';
import { tables } from '../../../support/training-pair.ts';

describe('aligned table', () => {
  const { orgA, orgB } = tables();

  it('has the aligned rows in their order, and is the table itself where they are all of it', () => {
    const rows = Uint32Array.of(5, 0, 7);
    const { values, rows: n, columns } = alignedFeatures(orgA, rows);
    deepEqual([n, columns], [3, 1]);
    deepEqual(
      [...values],
      [...rows].map((row) => orgA.features[row]!),
    );
    deepEqual(
      [...alignedLabels(orgA, rows)!],
      [...rows].map((row) => orgA.label![row]!),
    );
    equal(alignedLabels(orgB, rows), null);
    const all = Uint32Array.from({ length: orgA.rowCount }, (_, i) => i);
    equal(alignedFeatures(orgA, all).values, orgA.features);
    deepEqual(alignedFeatures(orgA, all.toReversed()).values, orgA.features.toReversed());
    equal(alignedFeatures(orgA, all.subarray(1)).rows, orgA.rowCount - 1);
  });

  it('tells what its columns are', () => {
    deepEqual(columnsOf(orgB.encoding), [
      { column: 'income' },
      ...[0, 1, 2].map((level) => ({ column: 'region', level })),
    ]);
  });
});
