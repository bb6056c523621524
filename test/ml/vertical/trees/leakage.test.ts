import { deepEqual, equal, ok } from 'node:assert/strict';
import {
  FEWEST_MARGIN,
  mostCandidates,
  reconstructionMargin,
  treeLeakage,
  treePredictionLeakage,
} from '../../../../src/ml/vertical/trees/leakage.ts';
import { TREE_DEFAULTS } from '../../../support/boosting-run.ts';

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
        ['split_sums', 'label_holder', 30 * 7 * 2 * (630 + 3)],
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
