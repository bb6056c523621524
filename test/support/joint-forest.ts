/** Joint trees compared with plain ones. */
import { deepEqual, equal, ok } from 'node:assert/strict';
import { fitBoostedTrees } from '../../src/ml/trees/gradient-boosting.ts';
import type { Tree } from '../../src/ml/trees/tree.ts';
import { plainTree } from '../../src/ml/vertical/trees/joint-tree.ts';
import {
  plainParameters,
  splitRows,
  type TreeParameters,
} from '../../src/ml/vertical/trees/parameters.ts';
import {
  type BoostingRun,
  type BoostingTable,
  boostInMemory,
  pooled,
  rowsOf,
} from './boosting-run.ts';

/** The joint trees over all columns, put together from everybody's part. */
export function jointTrees({ guest, hosts }: BoostingRun, { blocks }: BoostingTable): Tree[][] {
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

/** Splits and directions are the same, weights and covers but for rounding. */
export function areSame(
  joint: readonly (readonly Tree[])[],
  plain: readonly (readonly Tree[])[],
): void {
  equal(joint.length, plain.length, 'rounds');
  joint.forEach((round, r) => {
    round.forEach((tree, k) => {
      const where = `round ${r}, tree ${k}`;
      const splits = (of: Tree): object[] => of.map(({ split }) => ({ ...split, gain: undefined }));
      deepEqual(splits(tree), splits(plain[r]![k]!), where);
      tree.forEach(({ weight, cover, split }, node) => {
        const other = plain[r]![k]![node]!;
        near(weight, other.weight, `weight of node ${node}, ${where}`);
        near(cover, other.cover, `cover of node ${node}, ${where}`);
        const [gain, expected] = [split?.gain ?? 0, other.split?.gain ?? 0];
        ok(
          Math.abs(gain - expected) <= 1e-4 * Math.max(1, expected),
          `gain of node ${node}, ${where}`,
        );
      });
    });
  });
}

/** Trains jointly without own noise and plainly on the same training rows: the same trees. */
export async function growsPlainTrees(
  table: BoostingTable,
  parameters: TreeParameters,
): Promise<BoostingRun> {
  const run = await boostInMemory(table, parameters);
  const { train } = splitRows(table.labels.length, parameters);
  const trained = rowsOf(table, train);
  const plain = fitBoostedTrees(pooled(trained), trained.labels, plainParameters(parameters));
  areSame(jointTrees(run, table), plain.rounds);
  return run;
}
