import { deepEqual, ok } from 'node:assert/strict';
import { concatColumns, type Matrix } from '../../../../src/ml/data/matrix.ts';
import { seededGenerator } from '../../../../src/ml/data/random.ts';
import { fitBoostedTrees } from '../../../../src/ml/trees/gradient-boosting.ts';
import { reconstructionMargin } from '../../../../src/ml/vertical/trees/leakage.ts';
import { plainParameters } from '../../../../src/ml/vertical/trees/parameters.ts';
import { TREE_DEFAULTS } from '../../../support/boosting-run.ts';
import {
  estimatedSides,
  type OpenedVectors,
  openedVectors,
  shareRight,
} from '../../../support/sum-regression.ts';
import { loadTask } from '../../../support/tables.ts';

describe('the attack by regression on opened sums of a real table, default_credit', function () {
  this.timeout(600_000);
  const { blocks, y } = loadTask('default_credit', 'id', 'y');
  const X = concatColumns(blocks);
  const host = blocks[1]!;
  let vectors: OpenedVectors;
  before(() => {
    const parameters = { ...TREE_DEFAULTS, num_trees: 30 };
    ok(reconstructionMargin({ parameters, rows: X.rows }) > 5);
    vectors = openedVectors(fitBoostedTrees(X, y, plainParameters(parameters)), X, y);
  });

  const columnOf = ({ values, rows, columns }: Matrix, j: number): Float64Array =>
    Float64Array.from({ length: rows }, (_, i) => values[i * columns + j]!);

  it('tells the sides of most records at the middle of most columns', () => {
    const next = seededGenerator(12);
    const right = (isLeft: Uint8Array): number =>
      shareRight(estimatedSides(vectors, isLeft, 1, next), isLeft);
    const shares = Array.from({ length: host.columns }, (_, j) => {
      const column = columnOf(host, j);
      const sorted = column.slice().sort();
      const middle = sorted.find((value) => value > sorted[0]! && value >= sorted[X.rows >> 1]!)!;
      return right(Uint8Array.from(column, (value) => Number(value < middle)));
    });
    deepEqual(
      shares.map((share) => Math.round(100 * share)),
      [96, 88, 72, 100, 92, 100, 98, 97, 93, 90],
    );
    const share = right(Uint8Array.from(y, () => next() & 1));
    ok(share > 0.51 && share < 0.55, `of a column that nothing goes with: ${share}`);
  });
});
