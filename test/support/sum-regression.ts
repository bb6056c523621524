/** What least squares make of opened sums: the side of every record at a candidate. For tests of what boosting tells. */
import type { Matrix } from '../../src/ml/data/matrix.ts';
import type { Next } from '../../src/ml/data/random.ts';
import { type BoostedTrees, startMargins } from '../../src/ml/trees/gradient-boosting.ts';
import { gradients } from '../../src/ml/trees/objective.ts';
import { addTree, type Tree } from '../../src/ml/trees/tree.ts';
import { fractionalBits, toFixedPoint } from '../../src/ml/vertical/trees/objective-scaling.ts';
import { ROW_VARIANCE } from '../../src/protocols/aggregation/parameters.ts';

/** The vectors whose sums are opened: g and h of every node that is computed, in fixed point. */
export interface OpenedVectors {
  /** [vectors] x [n] */
  readonly values: readonly Float32Array[];
  /** Products of each two. */
  readonly products: readonly Float64Array[];
}

/** All computed nodes above the last level, of trees of one class. X: of all parties. */
export function openedVectors(model: BoostedTrees, X: Matrix, y: Float64Array): OpenedVectors {
  const { parameters } = model;
  const margins = startMargins(parameters, X.rows);
  const values: Float32Array[] = [];
  for (const [tree] of model.rounds) {
    const { g, h } = gradients(parameters, margins, y)[0]!;
    const fixed = [g, h].map((each) => toFixedPoint(each, fractionalBits(each)));
    for (const rows of computedNodes(tree!, X, parameters.maxDepth)) {
      for (const x of fixed) {
        const vector = new Float32Array(X.rows);
        for (const row of rows) vector[row] = x[row]!;
        values.push(vector);
      }
    }
    addTree(tree!, X, margins[0]!);
  }
  const products = values.map((v, i) =>
    Float64Array.from(values.slice(0, i + 1), (w) => product(v, w)),
  );
  return { values, products };
}

/** Rows of the root, and of the left one of any two children: what the right one has follows. */
function computedNodes(tree: Tree, X: Matrix, maxDepth: number): (readonly number[])[] {
  const found: (readonly number[])[] = [];
  const visit = (id: number, depth: number, rows: readonly number[], isComputed: boolean): void => {
    if (depth === maxDepth) return;
    if (isComputed) found.push(rows);
    const { split } = tree[id]!;
    if (!split) return;
    const sides: [number[], number[]] = [[], []];
    for (const row of rows) {
      const value = Math.fround(X.values[row * X.columns + split.feature]!);
      sides[value < split.threshold ? 0 : 1].push(row);
    }
    visit(split.left, depth + 1, sides[0], true);
    visit(split.right, depth + 1, sides[1], false);
  };
  const all = Array.from({ length: X.rows }, (_, row) => row);
  visit(0, 0, all, true);
  return found;
}

/**
 * Estimates of one candidate's sides from its sums with all noise: the posterior mean if sides were independent and
 * normal. It uses neither the errors that the label holder knows nor the sides that it is told.
 * @param multiplier - of either part of the holder's own noise
 */
export function estimatedSides(
  { values, products }: OpenedVectors,
  isLeft: Uint8Array,
  multiplier: number,
  next: Next,
): Float64Array {
  const n = isLeft.length;
  const rows = isLeft.reduce((sum, bit) => sum + bit, 0);
  const share = rows / n;
  const variance = share * (1 - share);
  const noise = ROW_VARIANCE * rows * (1 + 2 * multiplier ** 2);
  const apart = Float64Array.from(isLeft, (bit) => bit - share);
  const residual = values.map((v) => product(v, apart) + Math.sqrt(noise) * normal(next));
  const K = products.map((row, i) =>
    row.map((value, j) => variance * value + (i === j ? noise : 0)),
  );
  const z = solve(K, residual);
  const sides = new Float64Array(n).fill(share);
  values.forEach((v, k) => {
    for (let i = 0; i < n; i++) sides[i]! += variance * v[i]! * z[k]!;
  });
  return sides;
}

/** The share of records whose side is the nearer one to its estimate. */
export function shareRight(sides: Float64Array, isLeft: Uint8Array): number {
  return (
    isLeft.reduce((sum, bit, i) => sum + Number(sides[i]! > 0.5 === (bit === 1)), 0) / isLeft.length
  );
}

function product(v: Float32Array | Float64Array, w: Float32Array | Float64Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += v[i]! * w[i]!;
  return sum;
}

function normal(next: Next): number {
  const [u, v] = [(next() + 1) / (2 ** 32 + 1), next() / 2 ** 32];
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
}

/** K z = y by Cholesky's method; K positive definite, its lower triangle. Overwrites both. */
function solve(K: readonly Float64Array[], y: number[]): number[] {
  for (let i = 0; i < y.length; i++) {
    const row = K[i]!;
    for (let j = 0; j <= i; j++) {
      const above = K[j]!;
      let rest = row[j]!;
      for (let k = 0; k < j; k++) rest -= row[k]! * above[k]!;
      row[j] = i === j ? Math.sqrt(rest) : rest / above[j]!;
    }
    for (let k = 0; k < i; k++) y[i]! -= row[k]! * y[k]!;
    y[i]! /= row[i]!;
  }
  for (let i = y.length - 1; i >= 0; i--) {
    y[i]! /= K[i]![i]!;
    for (let k = 0; k < i; k++) y[k]! -= K[i]![k]! * y[i]!;
  }
  return y;
}
