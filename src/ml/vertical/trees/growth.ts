/**
 * Local steps of the label holder while trees grow: it knows every row's node, g and h. Splits of its own columns are
 * found as in plain boosting; those of feature holders are checked against the exact sums once the rows' sides are known.
 */
import { bitAt } from '../../../protocols/primitives/bits.ts';
import { takeValues } from '../../data/matrix.ts';
import { type Histogram, histogramOf, subtractHistogram } from '../../trees/histogram.ts';
import type { Gradients } from '../../trees/objective.ts';
import type { BoostingParameters } from '../../trees/parameters.ts';
import {
  bestColumnSplit,
  isWorth,
  leafWeight,
  rest,
  type Sums,
  splitGain,
} from '../../trees/split.ts';
import type { BinSplit, PlacedColumns } from './columns.ts';
import type { JointNode, JointSplit } from './joint-tree.ts';
import { fractionalBits, toFixedPoint } from './objective-scaling.ts';
import type { Scale } from './split-finding.ts';

/** A tree while it grows. */
export interface GrowingTree {
  /** Number of the tree in the model. */
  readonly number: number;
  /** Its place in the round. */
  readonly class: number;
  readonly nodes: JointNode[];
  readonly gradients: Gradients;
  /** g and h in fixed point. */
  readonly fixed: { readonly g: Int32Array; readonly h: Int32Array };
  readonly scale: Scale;
  /** Of the label holder's columns those that this tree may use. */
  readonly columns: readonly number[];
}

/** A node that may still be split. */
export interface OpenNode {
  readonly tree: GrowingTree;
  readonly id: number;
  /** Training rows that count. */
  readonly rows: Uint32Array;
  /** Rows that only follow: not sampled, or held out. */
  readonly others: Uint32Array;
  readonly sums: Sums;
  /** Of own columns: counted when it is first asked for. */
  readonly histogram: () => Histogram;
}

/** How a node is split, found and checked. */
export interface Division {
  readonly gain: number;
  readonly left: Sums;
  readonly isLeft: (row: number) => boolean;
}

/** A split of one of the label holder's columns. */
export interface OwnSplit extends Division, BinSplit {}

/** A tree of a root alone, and the root. rows: those that count, of them only g and h are read. */
export function plant(
  place: Pick<GrowingTree, 'number' | 'class'>,
  gradients: Gradients,
  data: PlacedColumns,
  { rows, others }: Pick<OpenNode, 'rows' | 'others'>,
  columns: readonly number[],
  parameters: BoostingParameters,
): OpenNode {
  const sampled = { g: takeValues(gradients.g, rows), h: takeValues(gradients.h, rows) };
  const scale = { g: fractionalBits(sampled.g), h: fractionalBits(sampled.h) };
  const fixed = {
    g: toFixedPoint(gradients.g, scale.g),
    h: toFixedPoint(gradients.h, scale.h),
  };
  const tree = { ...place, nodes: [], gradients, fixed, scale, columns };
  const sums = sumOf(gradients, rows);
  const histogram = once(() => histogramOf(data, gradients, rows, columns));
  return { tree, id: addNode(tree, sums, parameters), rows, others, sums, histogram };
}

/** g or h of a node's rows in fixed point, 0 for all others. n: rows that train. */
export function maskedVector({ tree, rows }: OpenNode, which: 'g' | 'h', n: number): Int32Array {
  const values = tree.fixed[which];
  const x = new Int32Array(n);
  for (let k = 0; k < rows.length; k++) x[rows[k]!] = values[rows[k]!]!;
  return x;
}

/** The best split of the label holder's columns that is worth it. */
export function bestOwnSplit(
  { tree, sums, histogram }: OpenNode,
  data: PlacedColumns,
  parameters: BoostingParameters,
): OwnSplit | null {
  let best: (BinSplit & Omit<Division, 'isLeft'>) | null = null;
  const { G, H } = histogram();
  for (const feature of tree.columns) {
    const found = bestColumnSplit(G[feature]!, H[feature]!, sums, parameters);
    if (found && (!best || found.gain > best.gain)) best = { ...found, feature };
  }
  if (!best || !isWorth(best.gain, parameters)) return null;
  const { feature, bin, defaultLeft, gain, left } = best;
  const bins = data.bins[feature]!;
  const missing = data.columns[feature]!.cuts.length;
  const isLeft = (row: number): boolean =>
    bins[row] === missing ? defaultLeft : bins[row]! <= bin;
  return { feature, bin, defaultLeft, gain, left, isLeft };
}

/** A feature holder's split by the sides of the rows, with exact sums; null unless it is worth it. */
export function checkSides(
  { tree, rows, sums }: OpenNode,
  sides: Uint8Array,
  parameters: BoostingParameters,
): Division | null {
  const isLeft = (row: number): boolean => bitAt(sides, row) === 1;
  const left = sumOf(tree.gradients, rows, isLeft);
  const gain = splitGain(sums, left, parameters);
  return gain !== null && isWorth(gain, parameters) ? { gain, left, isLeft } : null;
}

/** What a split makes of a node. */
export interface Children {
  readonly left: OpenNode;
  readonly right: OpenNode;
}

/** Splits a node: adds both children to its tree. by: whose split it is. */
export function divide(
  node: OpenNode,
  { left, gain, isLeft }: Division,
  by: Pick<JointSplit, 'owner' | 'rule'>,
  data: PlacedColumns,
  parameters: BoostingParameters,
): Children {
  const { tree, id, sums } = node;
  const [rows, others] = [partition(node.rows, isLeft), partition(node.others, isLeft)];
  const histograms = once(() => childHistograms(node, rows, data));
  const [first, second] = [left, rest(sums, left)].map((half, side) => ({
    tree,
    id: addNode(tree, half, parameters),
    rows: rows[side]!,
    others: others[side]!,
    sums: half,
    histogram: () => histograms()[side]!,
  }));
  const ids = { left: first!.id, right: second!.id };
  tree.nodes[id] = { ...tree.nodes[id]!, split: { ...by, ...ids, gain } };
  return { left: first!, right: second! };
}

/** The side with fewer rows is counted, the other is what is left. */
function childHistograms(
  { tree, histogram }: OpenNode,
  [left, right]: readonly [Uint32Array, Uint32Array],
  data: PlacedColumns,
): readonly [Histogram, Histogram] {
  const leftIsSmaller = left.length <= right.length;
  const smaller = leftIsSmaller ? left : right;
  const counted = histogramOf(data, tree.gradients, smaller, tree.columns);
  const other = subtractHistogram(histogram(), counted);
  return leftIsSmaller ? [counted, other] : [other, counted];
}

/** `compute`, called at most once, and then forgotten with all that it holds. */
function once<T>(compute: () => T): () => T {
  let pending: (() => T) | null = compute;
  let value: T;
  return () => {
    if (pending) [value, pending] = [pending(), null];
    return value;
  };
}

function addNode(tree: GrowingTree, sums: Sums, parameters: BoostingParameters): number {
  const weight = parameters.learningRate * leafWeight(sums, parameters);
  return tree.nodes.push({ split: null, weight, cover: sums.H }) - 1;
}

function partition(
  rows: Uint32Array,
  isLeft: (row: number) => boolean,
): [Uint32Array, Uint32Array] {
  const [left, right] = [new Uint32Array(rows.length), new Uint32Array(rows.length)];
  let [lefts, rights] = [0, 0];
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k]!;
    if (isLeft(row)) left[lefts++] = row;
    else right[rights++] = row;
  }
  return [left.slice(0, lefts), right.slice(0, rights)];
}

/** Of those rows that count; all unless told. */
function sumOf(
  { g, h }: Gradients,
  rows: Uint32Array,
  counts: (row: number) => boolean = () => true,
): Sums {
  let [G, H] = [0, 0];
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k]!;
    if (!counts(row)) continue;
    G += g[row]!;
    H += h[row]!;
  }
  return { G, H };
}
