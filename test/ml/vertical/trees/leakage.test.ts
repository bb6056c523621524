import { deepEqual, equal, ok } from 'node:assert/strict';
import { seededGenerator } from '../../../../src/ml/data/random.ts';
import { fitBoostedTrees } from '../../../../src/ml/trees/gradient-boosting.ts';
import {
  FEWEST_MARGIN,
  mostCandidates,
  reconstructionMargin,
  treeLeakage,
  treePredictionLeakage,
} from '../../../../src/ml/vertical/trees/leakage.ts';
import { plainParameters } from '../../../../src/ml/vertical/trees/parameters.ts';
import { boostingTable, pooled, TREE_DEFAULTS } from '../../../support/boosting-run.ts';
import { estimatedSides, openedVectors, shareRight } from '../../../support/sum-regression.ts';

const common = {
  engine: 'ecdh',
  counted: false,
  keys: 40_000,
  alignment: 'psi',
  rows: 30_000,
  labelHolderColumns: 13,
  metrics: 2,
} as const;
const holder = { numeric: 10, indicators: 0 };

describe('leakage of joint boosting', () => {
  it('counts what is left undetermined: much of many records, nothing of few', () => {
    const parameters = { ...TREE_DEFAULTS, num_trees: 30 };
    const many = reconstructionMargin({ parameters, rows: 30_000 });
    ok(many > 5 && many < 7, `${many}`);
    const few = reconstructionMargin({ parameters, rows: 569 });
    ok(few < 0.2 && few < FEWEST_MARGIN, `${few}`);
    const noisy = reconstructionMargin({
      parameters: { ...parameters, noise_multiplier: 16 },
      rows: 569,
    });
    ok(noisy > few);
    const classes = { ...parameters, objective: 'multi:softprob', num_class: 3 } as const;
    ok(Math.abs(reconstructionMargin({ parameters: classes, rows: 30_000 }) - many / 3) < 1e-9);
  });

  it('bounds candidates', () => {
    equal(mostCandidates(TREE_DEFAULTS, holder), 10 * 63);
    equal(mostCandidates(TREE_DEFAULTS, { numeric: 2, indicators: 5 }), 2 * 63 + 5);
    equal(
      mostCandidates({ ...TREE_DEFAULTS, colsample_bytree: 0.5 }, { numeric: 2, indicators: 6 }),
      2 * 63 + 2,
    );
    equal(mostCandidates(TREE_DEFAULTS, { numeric: 0, indicators: 0 }), 1);
  });

  it('declares every class with its bound', () => {
    const parameters = { ...TREE_DEFAULTS, num_trees: 30 };
    const { opened, structural } = treeLeakage({
      ...common,
      parameters,
      featureHolders: [holder, { numeric: 0, indicators: 3 }],
    });
    deepEqual(
      opened.map(({ name, to, most }) => [name, to, most]),
      [
        ['intersection', 'data_holders', 40_000],
        ['split_sums', 'label_holder', 30 * 4 * 2 * (630 + 3)],
        ['winning_splits', 'feature_holder', 30 * 7 * 2],
        ['split_sides', 'label_holder', 30_000 * 30 * 3 * 2],
        ['kept_splits', 'feature_holder', 30 * 7 * 2],
        ['metrics', 'receivers', 2],
        ['trees', 'receivers', 30 * 15],
        ['thresholds', 'receivers', 30 * 7 * 3],
      ],
    );
    ok(
      structural.some((each) => each.startsWith('reconstruction margin 5.')),
      structural.join('\n'),
    );
    const split = treeLeakage({
      ...common,
      parameters: { ...parameters, model_release: 'split' },
      featureHolders: [holder],
    });
    ok(!split.opened.some(({ name }) => name === 'trees' || name === 'thresholds'));
  });

  it('declares predictions', () => {
    const { opened } = treePredictionLeakage({
      ...common,
      ...{ parameters: TREE_DEFAULTS, trees: 3, featureHolders: 2 },
    });
    deepEqual(
      opened.map(({ name, to, most }) => [name, to, most]),
      [
        ['intersection', 'data_holders', 40_000],
        ['split_sides', 'label_holder', 30_000 * 3 * 3 * 2],
        ['prediction_scores', 'receivers', 30_000],
      ],
    );
  });
});

describe('the attack by regression on opened sums', () => {
  it('tells sides of columns that trees use, at a margin above 1 and any noise to be had', () => {
    const table = boostingTable(3000, { widths: [2, 3] });
    const X = pooled(table);
    const parameters = { ...TREE_DEFAULTS, num_trees: 10 };
    ok(reconstructionMargin({ parameters, rows: X.rows }) > FEWEST_MARGIN);
    const model = fitBoostedTrees(X, table.labels, plainParameters(parameters));
    const vectors = openedVectors(model, X, table.labels);
    const next = seededGenerator(11);
    const right = (isLeft: Uint8Array, multiplier: number): number =>
      shareRight(estimatedSides(vectors, isLeft, multiplier, next), isLeft);
    for (const column of [2, 3, 4]) {
      const isLeft = Uint8Array.from({ length: X.rows }, (_, i) =>
        Number(X.values[i * X.columns + column]! < 5 - column),
      );
      for (const multiplier of [1, 16]) {
        const share = right(isLeft, multiplier);
        ok(share > 0.88, `column ${column}, noise times ${multiplier}: ${share}`);
      }
    }
    const unrelated = Uint8Array.from({ length: X.rows }, () => next() & 1);
    const share = right(unrelated, 1);
    ok(share > 0.51 && share < 0.6, `of a column that nothing goes with: ${share}`);
  });
});
