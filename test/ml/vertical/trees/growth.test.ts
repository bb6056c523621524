import { deepEqual, equal, ok } from 'node:assert/strict';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { boostingParameters } from '../../../../src/ml/trees/parameters.ts';
import { placeColumns } from '../../../../src/ml/vertical/trees/columns.ts';
import {
  bestOwnSplit,
  checkSides,
  divide,
  maskedVector,
  type OpenNode,
  plant,
} from '../../../../src/ml/vertical/trees/growth.ts';
import { packBits } from '../../../../src/protocols/primitives/bits.ts';

const parameters = boostingParameters({ objective: 'reg:squarederror', learningRate: 0.5 });
const X = matrix(Float64Array.of(1, 1, 2, 2, 3, 9), 6, 1);
const data = placeColumns(
  X,
  { train: Uint32Array.of(0, 1, 2, 3, 4), others: Uint32Array.of(5) },
  8,
);
const gradients = { g: Float64Array.of(-2, -2, 2, 2, 100), h: new Float64Array(5).fill(1) };
/** Row 4 is not sampled, row 5 is held out. */
const rows = { rows: Uint32Array.of(0, 1, 2, 3), others: Uint32Array.of(4, 5) };
const root = (): OpenNode => plant({ number: 7, class: 0 }, gradients, data, rows, [0], parameters);

describe('growth of a tree at the label holder', () => {
  it('starts from the sampled rows alone', () => {
    const { tree, sums } = root();
    deepEqual(sums, { G: 0, H: 4 });
    deepEqual(tree.nodes, [{ split: null, weight: -0, cover: 4 }]);
    equal(tree.number, 7);
    // 4 is the larger sum of g, 4 that of h: 2^28 of each stay below the limit.
    deepEqual(tree.scale, { g: 28, h: 28 });
    deepEqual(
      [...maskedVector(root(), 'g', 5)],
      [-2, -2, 2, 2, 0].map((x) => x * 2 ** 28),
    );
  });

  it('finds its own best split, and sends all rows on', () => {
    const node = root();
    const found = bestOwnSplit(node, data, parameters)!;
    deepEqual([found.feature, found.bin, found.left], [0, 0, { G: -4, H: 2 }]);
    const { left, right } = divide(node, found, { owner: 0, rule: 5 }, data, parameters);
    deepEqual([[...left.rows], [...left.others]], [[0, 1], []]);
    deepEqual(
      [[...right.rows], [...right.others]],
      [
        [2, 3],
        [4, 5],
      ],
    );
    deepEqual(
      node.tree.nodes.map(({ weight }) => weight),
      [-0, 2 / 3, -2 / 3],
    );
    deepEqual(node.tree.nodes[0]!.split, {
      ...{ owner: 0, rule: 5, gain: found.gain },
      ...{ left: 1, right: 2 },
    });
    deepEqual([...right.histogram().G[0]!], [0, 4, 0, 0]);
    equal(right.histogram(), right.histogram(), 'counted once');
    equal(bestOwnSplit(left, data, parameters), null);
  });

  it('checks another party’s split by exact sums', () => {
    const node = root();
    const sides = (...left: number[]): Uint8Array => packBits(left);
    const found = checkSides(node, sides(1, 1, 0, 0, 1, 0), parameters)!;
    deepEqual(found.left, { G: -4, H: 2 });
    const own = bestOwnSplit(node, data, parameters)!;
    equal(found.gain, own.gain);
    ok(!found.isLeft(2) && found.isLeft(4));
    equal(checkSides(node, sides(0, 0, 0, 0, 1, 1), parameters), null, 'empty on one side');
    equal(checkSides(node, sides(1, 0, 1, 0, 0, 0), parameters), null, 'gains nothing');
    const heavy = { ...parameters, minChildWeight: 3 };
    equal(checkSides(node, sides(1, 1, 0, 0, 0, 0), heavy), null, 'too light');
  });
});
