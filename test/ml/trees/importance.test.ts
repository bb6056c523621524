import { deepEqual } from 'node:assert/strict';
import { featureImportance } from '../../../src/ml/trees/importance.ts';
import { boostingParameters } from '../../../src/ml/trees/parameters.ts';
import type { Tree, TreeNode } from '../../../src/ml/trees/tree.ts';

const leaf = (cover: number): TreeNode => ({ split: null, weight: 1, cover });
const node = (feature: number, gain: number, cover: number, left: number): TreeNode => ({
  split: { feature, threshold: 0, defaultLeft: false, left, right: left + 1, gain },
  weight: 0,
  cover,
});

describe('feature importance', () => {
  it('counts, adds and averages the splits of each feature, over all trees and classes', () => {
    const trees: Tree[] = [
      [node(1, 10, 8, 1), node(0, 4, 5, 3), leaf(3), leaf(2), leaf(3)],
      [node(1, 6, 4, 1), leaf(2), leaf(2)],
    ];
    const parameters = boostingParameters({ objective: 'multi:softprob', numClass: 2 });
    const importance = featureImportance({ parameters, features: 3, rounds: [trees, [[leaf(9)]]] });
    deepEqual(importance, [
      { weight: 1, gain: 4, cover: 5, totalGain: 4, totalCover: 5 },
      { weight: 2, gain: 8, cover: 6, totalGain: 16, totalCover: 12 },
      { weight: 0, gain: 0, cover: 0, totalGain: 0, totalCover: 0 },
    ]);
  });
});
