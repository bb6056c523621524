import type { Matrix } from '../data/matrix.ts';

/** How a node sends rows on: x < threshold to the left. */
export interface Split {
  /** Column. */
  readonly feature: number;
  /** A 32-bit float; so is x when it is compared. */
  readonly threshold: number;
  /** Where a missing value goes. */
  readonly defaultLeft: boolean;
  /** Nodes of the same tree. */
  readonly left: number;
  readonly right: number;
  /** What the split took off the loss, twice. */
  readonly gain: number;
}

/** A node; one without a split is a leaf. */
export interface TreeNode {
  readonly split: Split | null;
  /** What the node adds to a row's margin if it is a leaf, the learning rate included. */
  readonly weight: number;
  /** Sum of h of its training rows. */
  readonly cover: number;
}

/** Nodes by level, the root first, each left child just before its sibling. */
export type Tree = readonly TreeNode[];

/** The leaf of a row of X, NaN for missing values. */
export function leafOf(tree: Tree, X: Matrix, row: number): TreeNode {
  let node = tree[0]!;
  while (node.split) {
    const { feature, threshold, defaultLeft, left, right } = node.split;
    const value = X.values[row * X.columns + feature]!;
    const goesLeft = Number.isNaN(value) ? defaultLeft : Math.fround(value) < threshold;
    node = tree[goesLeft ? left : right]!;
  }
  return node;
}

/** Adds the weight of each row's leaf to `margins`, [rows]. */
export function addTree(tree: Tree, X: Matrix, margins: Float64Array): void {
  for (let i = 0; i < X.rows; i++) margins[i]! += leafOf(tree, X, i).weight;
}
