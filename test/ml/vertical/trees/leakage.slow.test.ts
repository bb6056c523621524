import { deepEqual, ok } from 'node:assert/strict';
import { concatColumns } from '../../../../src/ml/data/matrix.ts';
import { seededGenerator } from '../../../../src/ml/data/random.ts';
import { fitBoostedTrees } from '../../../../src/ml/trees/gradient-boosting.ts';
import { reconstructionMargin } from '../../../../src/ml/vertical/trees/leakage.ts';
import { plainParameters } from '../../../../src/ml/vertical/trees/parameters.ts';
import { TREE_DEFAULTS } from '../../../support/boosting-run.ts';
import { estimatedSides, openedVectors, shareRight } from '../../../support/sum-regression.ts';
import { loadTask } from '../../../support/tables.ts';

describe('the attack by regression on opened sums of a real table', function () {
  this.timeout(300_000);

  it('tells the sides of most records at the middle of most columns: default_credit', () => {
    const { blocks, y } = loadTask('default_credit', 'id', 'y');
    const X = concatColumns(blocks);
    const parameters = { ...TREE_DEFAULTS, num_trees: 30 };
    ok(reconstructionMargin({ parameters, rows: X.rows }) > 5);
    const vectors = openedVectors(fitBoostedTrees(X, y, plainParameters(parameters)), X, y);
    const next = seededGenerator(12);
    const shares = Array.from({ length: blocks[1]!.columns }, (_, j) => {
      const column = Float64Array.from({ length: X.rows }, (_, i) => {
        return X.values[i * X.columns + blocks[0]!.columns + j]!;
      });
      const sorted = column.slice().sort();
      const middle = sorted.find((value) => value > sorted[0]! && value >= sorted[X.rows >> 1]!)!;
      const isLeft = column.map((value) => Number(value < middle));
      return shareRight(
        estimatedSides(vectors, Uint8Array.from(isLeft), 1, next),
        Uint8Array.from(isLeft),
      );
    });
    deepEqual(
      shares.map((share) => Math.round(100 * share)),
      [96, 88, 72, 100, 92, 100, 98, 97, 93, 90],
    );
    const unrelated = Uint8Array.from(y, () => next() & 1);
    const share = shareRight(estimatedSides(vectors, unrelated, 1, next), unrelated);
    ok(share > 0.51 && share < 0.55, `of a column that nothing goes with: ${share}`);
  });
});
