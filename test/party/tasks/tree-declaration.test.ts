import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { checkContract } from '../../../src/party/consensus/contract-check.ts';
import { declareAlgorithms } from '../../../src/party/tasks/declaration.ts';
import {
  lowMargin,
  objectionToTrees,
  scoresTrees,
  treeLeakageOf,
  treePredictionLeakageOf,
} from '../../../src/party/tasks/tree-declaration.ts';
import { changed, type Json } from '../../support/changed-contract.ts';
import { sampleTreePrediction, sampleTrees, testIdentity } from '../../support/contracts.ts';

const [a, b, c] = ['orgA', 'orgB', 'orgC'].map((name) => testIdentity(name).signer);
const CODE = 'ab'.repeat(32);

const columns = (n: number): Json =>
  Array.from({ length: n }, (_, i) => ({ name: `f${i}`, kind: 'numeric' }));

describe('declaration of trees', () => {
  const declare = declareAlgorithms(CODE);
  const contract = sampleTrees([a!, b!, c!]);

  it('counts columns of each holder, categories by their levels', () => {
    const { opened } = treeLeakageOf(contract);
    const most = new Map(opened.map(({ name, most: bound }) => [name, bound]));
    // Of each holder a number with 2 x 16 - 1 splits and three levels; 5 trees of 3 nodes, 2 of them computed.
    equal(most.get('split_sums'), 5 * 2 * 2 * 2 * (31 + 3));
    equal(most.get('split_sides'), 1000 * 5 * 2 * 2);
    equal(most.get('metrics'), 2);
    deepEqual(declare(contract), { implementation: CODE, leakage: treeLeakageOf(contract) });
  });

  it('opens no tree of a model that stays split', () => {
    const split = changed('parameters/model_release', 'split', contract);
    const names = treeLeakageOf(split).opened.map(({ name }) => name);
    ok(!names.includes('trees') && !names.includes('thresholds'));
  });

  it('is of a prediction by the bounds of its training', () => {
    const prediction = sampleTreePrediction([a!, b!, c!]);
    const { opened } = treePredictionLeakageOf(prediction);
    const most = new Map(opened.map(({ name, most: bound }) => [name, bound]));
    equal(most.get('split_sides'), 1000 * 5 * 2 * 2);
    equal(most.get('prediction_scores'), 1000);
    deepEqual(declare(prediction), {
      implementation: CODE,
      leakage: treePredictionLeakageOf(prediction),
    });
  });

  it('is missing for what takes more memory than a node has, naming what to change', () => {
    const wide = changed('parties/1/dataset/features', columns(1100), contract);
    const most = changed('parties/1/dataset/features', columns(1040), contract);
    const bins = (n: number, of = most) => changed('parameters/num_bins', n, of);
    const depth = changed('parameters/max_depth', 16, contract);
    const several = changed(
      'parameters/num_class',
      200,
      changed('parameters/objective', 'multi:softprob', contract),
    );
    for (const [each, message] of [
      [bins(32, wide), /^num_bins: the columns of orgB may have more than 65536/],
      [bins(31, wide), /^num_bins: /],
      [changed('parameters/num_trees', 1000, depth), /^max_depth: .* nodes$/],
      [changed('parameters/max_depth', 12, bins(31)), /^max_depth: .* of orgB take too much/],
      [
        ['parties/0', 'parties/1', 'parties/2'].reduce(
          (all, party) => changed(`${party}/dataset/rowCount`, 2 ** 20, all),
          several,
        ),
        /^num_class: /,
      ],
    ] as const) {
      checkContract(each);
      match(objectionToTrees(each) ?? 'none', message);
      equal(declare(each), undefined);
    }
    for (const each of [bins(31), depth, several]) {
      equal(objectionToTrees(each), null);
      ok(declare(each)!.leakage.opened.every((one) => Number.isSafeInteger(one.most)));
    }
  });

  it('is missing for predictions of more margins than fit in memory', () => {
    const prediction = sampleTreePrediction([a!, b!]);
    const large = ['parties/0', 'parties/1'].reduce(
      (all, party) => changed(`${party}/dataset/rowCount`, 2 ** 27 + 1, all),
      prediction,
    );
    equal(scoresTrees(prediction), true);
    equal(scoresTrees(large), false);
    equal(declare(large), undefined);
  });

  it('tells a margin that policies refuse', () => {
    equal(lowMargin(contract), null);
    const few = changed('parties/1/dataset/rowCount', 100, contract);
    match(lowMargin(few)!, /^0\.\d+$/);
  });
});
