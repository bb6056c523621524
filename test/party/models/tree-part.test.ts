import { deepEqual, equal, throws } from 'node:assert/strict';
import type { JointTree, SplitRule } from '../../../src/ml/vertical/trees/joint-tree.ts';
import { encodeRounds, encodeRules } from '../../../src/ml/vertical/trees/tree-bytes.ts';
import { forestPart, splitRules } from '../../../src/party/models/forest-part.ts';
import { ModelFormatError } from '../../../src/party/models/model-format-error.ts';
import { parseModelPart, partText } from '../../../src/party/models/model-part.ts';
import type { TreePart } from '../../../src/party/models/tree-part.ts';
import { TREE_DEFAULTS } from '../../support/boosting-run.ts';
import { MODEL } from './sample.ts';

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const leaf = (weight: number) => ({ split: null, weight, cover: 3 });

/** Split by the bank, then on the right by the shop. */
const TREE: JointTree = [
  { split: { owner: 0, rule: 0, left: 1, right: 2, gain: 5 }, weight: 0.5, cover: 6 },
  leaf(-1),
  { split: { owner: 1, rule: 0, left: 3, right: 4, gain: 2 }, weight: 0.25, cover: 3 },
  leaf(1),
  leaf(2),
];
const BANK: SplitRule = { feature: 1, threshold: 0.5, defaultLeft: true, tree: 0, depth: 0 };
const SHOP: SplitRule = { feature: 2, threshold: -3, defaultLeft: false, tree: 0, depth: 1 };

const { format: _, features: __, intercept: ___, ...head } = MODEL;
const COMMON = {
  ...head,
  format: 'entente/tree-part/v1',
  algorithm: 'xgboost',
  holders: ['bank', 'shop'],
  origin: '0f'.repeat(32),
  parameters: { ...TREE_DEFAULTS },
  rounds: 1,
} as const;

const AT_BANK: TreePart = {
  ...COMMON,
  holders: [...COMMON.holders],
  party: 'bank',
  encoding: [
    { kind: 'numeric', name: 'x', mean: null },
    { kind: 'numeric', name: 'z', mean: null },
  ],
  splits: base64(encodeRules([BANK])),
  forest: { trees: base64(encodeRounds([[TREE]])), exponent: -2 },
};
const AT_SHOP: TreePart = {
  ...COMMON,
  holders: [...COMMON.holders],
  party: 'shop',
  encoding: [
    { kind: 'numeric', name: 'x', mean: null },
    { kind: 'categorical', name: 'city', levels: ['A', 'B'] },
  ],
  splits: base64(encodeRules([SHOP])),
  forest: null,
};

describe('tree part', () => {
  it('survives its text and gives what predicts', () => {
    for (const part of [AT_BANK, AT_SHOP]) deepEqual(parseModelPart(partText(part)), part);
    deepEqual(forestPart(AT_BANK), { rounds: [[TREE]], rules: [BANK], exponent: -2 });
    deepEqual(splitRules(AT_SHOP), [SHOP]);
    throws(() => forestPart(AT_SHOP), ModelFormatError);
  });

  it('may have no splits of its own', () => {
    const leaves = { trees: base64(encodeRounds([[[leaf(1)]]])), exponent: 0 };
    const part = { ...AT_BANK, splits: '', forest: leaves, encoding: [] };
    equal(forestPart(parseModelPart(partText(part)) as TreePart).rules.length, 0);
  });

  const rules = (...of: Partial<SplitRule>[]): { readonly splits: string } => ({
    splits: base64(encodeRules(of.map((change) => ({ ...BANK, ...change })))),
  });
  const trees = (...nodes: JointTree): Partial<TreePart> => ({
    forest: { trees: base64(encodeRounds([[nodes]])), exponent: 0 },
  });
  const [root, left, right, ...rest] = TREE;
  const split = root!.split!;
  const wrong: Record<string, object> = {
    'another algorithm': { algorithm: 'linear_regression' },
    'a member more': { more: 1 },
    'a party that is no holder': { party: 'stranger' },
    'a holder twice': { holders: ['bank', 'bank'] },
    'a holder first who has no labels': { holders: ['shop', 'bank'] },
    'no trees at the label holder': { forest: null },
    'more rounds than asked': { rounds: 4 },
    'no rounds': { rounds: 0 },
    'fewer rounds than trees': { forest: { ...AT_BANK.forest, trees: '' } },
    'parameters that cannot be': { parameters: { ...COMMON.parameters, max_depth: 99 } },
    'a parameter less': { parameters: { ...COMMON.parameters, seed: undefined } },
    'a column that is not there': rules({ feature: 2 }),
    'a threshold that is no number': rules({ threshold: Number.NaN }),
    'a tree that is not there': rules({ tree: 1 }),
    'a depth that is not there': rules({ depth: 3 }),
    'a split at another place': rules({ depth: 1 }),
    'a split too many': rules({}, {}),
    'no split': { splits: '' },
    'half a split': { splits: AT_BANK.splits.slice(0, 8) },
    'trees that are none': { forest: { trees: 'AAAA', exponent: 0 } },
    'trees cut short': { forest: { ...AT_BANK.forest, trees: AT_BANK.forest!.trees.slice(0, 40) } },
    'an owner that is not there': trees(
      { ...root!, split: { ...split, owner: 2 } },
      left!,
      right!,
      ...rest,
    ),
    'a cycle': trees({ ...root!, split: { ...split, left: 0, right: 1 } }, left!, right!, ...rest),
    'a split’s number that is not there': trees(
      { ...root!, split: { ...split, rule: 1 } },
      left!,
      right!,
      ...rest,
    ),
    'a weight that is no number': trees(root!, leaf(Number.NaN), right!, ...rest),
  };
  for (const [what, change] of Object.entries(wrong)) {
    it(`is refused with ${what}`, () => {
      throws(() => parseModelPart(JSON.stringify({ ...AT_BANK, ...change })), ModelFormatError);
    });
  }

  it('is refused with trees at a feature holder, or splits that are not its own', () => {
    for (const change of [
      { forest: AT_BANK.forest },
      { rounds: 2, splits: 'AA==' },
      { encoding: [] },
    ]) {
      throws(() => parseModelPart(JSON.stringify({ ...AT_SHOP, ...change })), ModelFormatError);
    }
  });
});
