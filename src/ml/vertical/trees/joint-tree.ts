/**
 * A tree that several parties hold: the label holder knows its shape, its weights and whose each split is, and only
 * the owner of a split how it sends rows on.
 */
import type { Tree } from '../../trees/tree.ts';

/** How one party's split sends rows on; known to it alone. */
export interface SplitRule {
  /** Its own column. */
  readonly feature: number;
  /** A 32-bit float: smaller values go to the left. */
  readonly threshold: number;
  /** Where a missing value goes. */
  readonly defaultLeft: boolean;
  /** Number of the tree in the model, and levels above the node: which rows it is asked for. */
  readonly tree: number;
  readonly depth: number;
}

export interface JointSplit {
  /** Place among the data holders; 0 is the label holder. */
  readonly owner: number;
  /** Number of the split among the owner's. */
  readonly rule: number;
  /** Nodes of the same tree. */
  readonly left: number;
  readonly right: number;
  readonly gain: number;
}

/** A node; one without a split is a leaf. */
export interface JointNode {
  readonly split: JointSplit | null;
  /** What the node adds to a row's margin if it is a leaf, the learning rate included. */
  readonly weight: number;
  /** Sum of h of its training rows. */
  readonly cover: number;
}

/** Nodes by level, the root first, each left child just before its sibling. */
export type JointTree = readonly JointNode[];

/** The same tree with its nodes by level, from left to right: a growing one has children in the order that was drawn. */
export function inOrder(tree: JointTree): JointTree {
  const order = [0];
  for (const id of order) {
    const { split } = tree[id]!;
    if (split) order.push(split.left, split.right);
  }
  const numbers = new Uint32Array(tree.length);
  order.forEach((id, number) => {
    numbers[id] = number;
  });
  return order.map((id) => {
    const node = tree[id]!;
    if (!node.split) return node;
    const { left, right } = node.split;
    return { ...node, split: { ...node.split, left: numbers[left]!, right: numbers[right]! } };
  });
}

/** One owner's splits of a level by tree: the numbers of its rules, ascending. */
export function rulesAt(
  rules: readonly Pick<SplitRule, 'tree' | 'depth'>[],
  trees: number,
  depth: number,
): number[][] {
  const found: number[][] = Array.from({ length: trees }, () => []);
  rules.forEach((rule, id) => {
    if (rule.depth === depth) found[rule.tree]!.push(id);
  });
  return found;
}

/** Where an owner's rules stand in the trees: by number. */
export function placesOf(
  trees: readonly JointTree[],
  owner: number,
): Pick<SplitRule, 'tree' | 'depth'>[] {
  const places: Pick<SplitRule, 'tree' | 'depth'>[] = [];
  trees.forEach((nodes, tree) => {
    const depths = new Uint8Array(nodes.length);
    nodes.forEach(({ split }, node) => {
      if (!split) return;
      depths[split.left] = depths[split.right] = depths[node]! + 1;
      if (split.owner === owner) places[split.rule] = { tree, depth: depths[node]! };
    });
  });
  return places;
}

/** Trees over all columns: of each owner its rules, and the number of its first column. */
export function plainTree(
  tree: JointTree,
  owners: readonly {
    readonly rules: readonly Omit<SplitRule, 'tree' | 'depth'>[];
    readonly first: number;
  }[],
): Tree {
  return tree.map(({ split, weight, cover }) => {
    if (!split) return { split, weight, cover };
    const { owner, rule, left, right, gain } = split;
    const { rules, first } = owners[owner]!;
    const { feature, threshold, defaultLeft } = rules[rule]!;
    return {
      split: { feature: first + feature, threshold, defaultLeft, left, right, gain },
      weight,
      cover,
    };
  });
}
