import { deepEqual, equal, throws } from 'node:assert/strict';
import type { JointTree, SplitRule } from '../../../../src/ml/vertical/trees/joint-tree.ts';
import {
  decodeRounds,
  decodeRules,
  encodeRounds,
  encodeRules,
} from '../../../../src/ml/vertical/trees/tree-bytes.ts';
import { boostInMemory, boostingTable, TREE_DEFAULTS } from '../../../support/boosting-run.ts';

const MALFORMED = { code: 'MALFORMED_MESSAGE' };
const PARAMETERS = { ...TREE_DEFAULTS, objective: 'multi:softprob', num_class: 3 } as const;

describe('trees and splits as bytes', () => {
  let rounds: readonly (readonly JointTree[])[];
  let rules: readonly SplitRule[];
  before(async () => {
    const table = boostingTable(80, {
      ...{ widths: [2, 2], values: 6, objective: 'multi:softprob', classes: 3 },
    });
    ({ rounds, rules } = (await boostInMemory(table, PARAMETERS)).guest);
  });

  it('survive them', () => {
    deepEqual(decodeRounds(encodeRounds(rounds), PARAMETERS, 2), rounds);
    const bytes = encodeRules(rules);
    equal(bytes.length, 14 * rules.length);
    deepEqual(decodeRules(bytes, PARAMETERS, rounds.length, 2), rules);
    deepEqual(decodeRounds(encodeRounds([]), PARAMETERS, 2), []);
    deepEqual(decodeRules(encodeRules([]), PARAMETERS, 0, 0), []);
  });

  it('are bounded by what a training may have', () => {
    const trees = encodeRounds(rounds);
    throws(() => decodeRounds(trees, { ...PARAMETERS, num_trees: 2 }, 2), MALFORMED);
    throws(() => decodeRounds(trees, { ...PARAMETERS, max_depth: 1 }, 2), MALFORMED);
    throws(() => decodeRounds(trees, { ...PARAMETERS, num_class: 2 }, 2), MALFORMED);
    throws(() => decodeRounds(trees, PARAMETERS, 1), MALFORMED);
    throws(() => decodeRounds(trees.subarray(0, trees.length - 1), PARAMETERS, 2), MALFORMED);
    throws(() => decodeRounds(trees.subarray(0, 3), PARAMETERS, 2), MALFORMED);
    const long = trees.slice();
    new DataView(long.buffer).setUint32(0, 2 ** 32 - 1, true);
    throws(() => decodeRounds(long, PARAMETERS, 2), MALFORMED);

    const splits = encodeRules(rules);
    throws(() => decodeRules(splits, PARAMETERS, 1, 2), MALFORMED);
    throws(() => decodeRules(splits, PARAMETERS, rounds.length, 1), MALFORMED);
    throws(() => decodeRules(splits.subarray(1), PARAMETERS, rounds.length, 2), MALFORMED);
    throws(() => decodeRules(new Uint8Array(14 * 64), PARAMETERS, 3, 2), MALFORMED);
    const odd = splits.slice();
    odd[13] = 2;
    throws(() => decodeRules(odd, PARAMETERS, rounds.length, 2), MALFORMED, 'a direction');
  });
});
