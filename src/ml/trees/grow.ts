/** One tree, level by level, [CG16] §2.2 and §3.3 on histograms. */
import type { BinnedMatrix } from './bins.ts';
import { type Histogram, histogramOf, subtractHistogram } from './histogram.ts';
import type { Gradients } from './objective.ts';
import type { BoostingParameters } from './parameters.ts';
import {
  bestColumnSplit,
  type ColumnSplit,
  isWorth,
  leafWeight,
  rest,
  type Sums,
} from './split.ts';
import type { Split, Tree, TreeNode } from './tree.ts';

/** A node that may still be split. */
interface OpenNode {
  readonly id: number;
  readonly rows: Uint32Array;
  readonly sums: Sums;
  readonly histogram: Histogram;
}

type FoundSplit = ColumnSplit & { readonly feature: number };

/**
 * Grows a tree on the given rows and columns.
 *
 * @param rows - ascending
 */
export function growTree(
  data: BinnedMatrix,
  gradients: Gradients,
  parameters: BoostingParameters,
  rows: Uint32Array,
  columns: readonly number[],
): Tree {
  const nodes: TreeNode[] = [];
  const add = (sums: Sums): number => {
    const weight = parameters.learningRate * leafWeight(sums, parameters);
    return nodes.push({ split: null, weight, cover: sums.H }) - 1;
  };
  const sums = sumOf(gradients, rows);
  const histogram = histogramOf(data, gradients, rows, columns);
  let level: OpenNode[] = [{ id: add(sums), rows, sums, histogram }];
  for (let depth = 0; depth < parameters.maxDepth && level.length > 0; depth++) {
    const next: OpenNode[] = [];
    for (const node of level) {
      const found = bestSplit(node, columns, parameters);
      if (!found) continue;
      const { feature, bin, defaultLeft, gain, left } = found;
      const [leftRows, rightRows] = partition(data, node.rows, found);
      const right = rest(node.sums, left);
      const ids = [add(left), add(right)] as const;
      const threshold = data.columns[feature]!.cuts[bin]!;
      const split: Split = {
        ...{ feature, threshold, defaultLeft, gain },
        ...{ left: ids[0], right: ids[1] },
      };
      nodes[node.id] = { ...nodes[node.id]!, split };
      if (depth + 1 === parameters.maxDepth) continue;
      // The smaller side is counted, the larger is what is left.
      const leftIsSmaller = leftRows.length <= rightRows.length;
      const smaller = leftIsSmaller ? leftRows : rightRows;
      const counted = histogramOf(data, gradients, smaller, columns);
      const other = subtractHistogram(node.histogram, counted);
      next.push(
        {
          ...{ id: ids[0], rows: leftRows, sums: left },
          histogram: leftIsSmaller ? counted : other,
        },
        {
          ...{ id: ids[1], rows: rightRows, sums: right },
          histogram: leftIsSmaller ? other : counted,
        },
      );
    }
    level = next;
  }
  return nodes;
}

/** The best split of a node that is worth it, of the first column among equals. */
function bestSplit(
  { sums, histogram }: OpenNode,
  columns: readonly number[],
  parameters: BoostingParameters,
): FoundSplit | null {
  let best: FoundSplit | null = null;
  for (const feature of columns) {
    const { G, H } = histogram;
    const found = bestColumnSplit(G[feature]!, H[feature]!, sums, parameters);
    if (found && (!best || found.gain > best.gain)) best = { ...found, feature };
  }
  return best && isWorth(best.gain, parameters) ? best : null;
}

/** The rows that go left and right, each in their order. */
function partition(
  data: BinnedMatrix,
  rows: Uint32Array,
  { feature, bin, defaultLeft }: FoundSplit,
): readonly [Uint32Array, Uint32Array] {
  const bins = data.bins[feature]!;
  const missing = data.columns[feature]!.cuts.length;
  const left = new Uint32Array(rows.length);
  const right = new Uint32Array(rows.length);
  let [lefts, rights] = [0, 0];
  for (let k = 0; k < rows.length; k++) {
    const row = rows[k]!;
    const of = bins[row]!;
    if (of === missing ? defaultLeft : of <= bin) left[lefts++] = row;
    else right[rights++] = row;
  }
  return [left.slice(0, lefts), right.slice(0, rights)];
}

function sumOf({ g, h }: Gradients, rows: Uint32Array): Sums {
  let [G, H] = [0, 0];
  for (const row of rows) {
    G += g[row]!;
    H += h[row]!;
  }
  return { G, H };
}
