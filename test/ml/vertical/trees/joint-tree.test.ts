import { deepEqual } from 'node:assert/strict';
import {
  inOrder,
  type JointTree,
  placesOf,
  plainTree,
  rulesAt,
} from '../../../../src/ml/vertical/trees/joint-tree.ts';

const leaf = (weight: number) => ({ split: null, weight, cover: 1 });
const inner = (owner: number, rule: number, left: number, right: number) => ({
  ...{ split: { owner, rule, left, right, gain: 1 }, weight: 0, cover: 2 },
});

/** Its second level was grown from the right. */
const grown: JointTree = [
  inner(1, 0, 1, 2),
  inner(0, 1, 5, 6),
  inner(0, 0, 3, 4),
  ...[3, 4, 1, 2].map(leaf),
];

describe('a joint tree', () => {
  const tree = inOrder(grown);

  it('has its nodes by level, from left to right', () => {
    deepEqual(tree, [
      inner(1, 0, 1, 2),
      inner(0, 1, 3, 4),
      inner(0, 0, 5, 6),
      ...[1, 2, 3, 4].map(leaf),
    ]);
    deepEqual(inOrder(tree), tree);
  });

  it('tells where an owner’s rules stand, and finds them by level', () => {
    const places = placesOf([[leaf(1)], tree], 0);
    deepEqual(places, [
      { tree: 1, depth: 1 },
      { tree: 1, depth: 1 },
    ]);
    deepEqual(placesOf([tree], 1), [{ tree: 0, depth: 0 }]);
    deepEqual(rulesAt(places, 2, 1), [[], [0, 1]]);
    deepEqual(rulesAt(places, 2, 0), [[], []]);
  });

  it('becomes a plain one over all columns', () => {
    const rule = (feature: number, threshold: number) => ({
      ...{ feature, threshold, defaultLeft: false },
    });
    const plain = plainTree(tree, [
      { rules: [rule(1, 5), rule(0, 6)], first: 0 },
      { rules: [rule(2, 7)], first: 2 },
    ]);
    deepEqual(
      plain.map(({ split }) => split && [split.feature, split.threshold]),
      [[4, 7], [0, 6], [1, 5], null, null, null, null],
    );
  });
});
