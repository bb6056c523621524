import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { matrix } from '../../../../src/ml/data/matrix.ts';
import { fitBoostedTrees, predictMargins } from '../../../../src/ml/trees/gradient-boosting.ts';
import type { Tree } from '../../../../src/ml/trees/tree.ts';
import { plainTree } from '../../../../src/ml/vertical/trees/joint-tree.ts';
import {
  plainParameters,
  splitRows,
  type TreeParameters,
} from '../../../../src/ml/vertical/trees/parameters.ts';
import {
  type BoostingRun,
  type BoostingTable,
  boostInMemory,
  boostingTable,
  nameOf,
  pooled,
  rowsOf,
  TREE_DEFAULTS,
} from '../../../support/boosting-run.ts';

/** The joint trees over all columns, put together from everybody's part. */
function jointTrees({ guest, hosts }: BoostingRun, { blocks }: BoostingTable): Tree[][] {
  let first = 0;
  const owners = [guest, ...hosts].map(({ rules }, p) => {
    const owner = { rules, first };
    first += blocks[p]!.columns;
    return owner;
  });
  return guest.rounds.map((round) => round.map((tree) => plainTree(tree, owners)));
}

function near(actual: number, expected: number, what: string): void {
  const off = Math.abs(actual - expected);
  ok(off <= 1e-9 * Math.max(1, Math.abs(expected)), `${what}: ${actual}, expected ${expected}`);
}

/** Trees are the plain ones: splits and directions exactly, sums to rounding. */
function agree(joint: readonly Tree[][], plain: readonly (readonly Tree[])[]): void {
  equal(joint.length, plain.length, 'rounds');
  joint.forEach((round, r) => {
    round.forEach((tree, k) => {
      const where = `round ${r}, tree ${k}`;
      const splits = (of: Tree): object[] => of.map(({ split }) => ({ ...split, gain: undefined }));
      deepEqual(splits(tree), splits(plain[r]![k]!), where);
      tree.forEach(({ weight, cover }, node) => {
        near(weight, plain[r]![k]![node]!.weight, `weight of node ${node}, ${where}`);
        near(cover, plain[r]![k]![node]!.cover, `cover of node ${node}, ${where}`);
      });
    });
  });
}

async function growsPlainTrees(table: BoostingTable, parameters: TreeParameters): Promise<void> {
  const run = await boostInMemory(table, parameters);
  const { train } = splitRows(table.labels.length, parameters);
  const trained = rowsOf(table, train);
  const plain = fitBoostedTrees(pooled(trained), trained.labels, plainParameters(parameters));
  agree(jointTrees(run, table), plain.rounds);
}

describe('joint boosting', () => {
  const few = { widths: [2, 3], values: 6 };
  const cases: Record<string, [BoostingTable, Partial<TreeParameters>]> = {
    'two parties': [boostingTable(700, few), {}],
    'three parties': [boostingTable(700, { widths: [2, 2, 2], values: 6 }), {}],
    'four parties, one without columns that matter': [
      boostingTable(500, { widths: [1, 1, 1, 2], values: 4 }),
      { num_trees: 2 },
    ],
    'a label holder without columns': [boostingTable(500, { widths: [0, 3], values: 6 }), {}],
    'held-out rows': [boostingTable(900, few), { use_validation_set: true }],
    regularisation: [
      boostingTable(800, few),
      { reg_lambda: 3, reg_alpha: 0.5, gamma: 2, min_child_weight: 9, learning_rate: 0.1 },
    ],
    'weights of a class': [boostingTable(700, few), { scale_pos_weight: 3, base_score: 0.3 }],
    regression: [
      boostingTable(700, { ...few, objective: 'reg:squarederror' }),
      { objective: 'reg:squarederror', base_score: -20 },
    ],
    'several classes': [
      boostingTable(900, { ...few, objective: 'multi:softprob', classes: 3, values: 4 }),
      { objective: 'multi:softprob', num_class: 3, num_trees: 2, max_depth: 2 },
    ],
    'a level': [boostingTable(300, few), { max_depth: 1, num_trees: 5 }],
  };
  for (const [name, [table, parameters]] of Object.entries(cases)) {
    it(`grows the plain trees: ${name}`, async () => {
      await growsPlainTrees(table, { ...TREE_DEFAULTS, ...parameters });
    });
  }
});
