import { deepEqual, equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type Matrix, matrix } from '../../../src/ml/data/matrix.ts';

import {
  type BoostingOptions,
  fitBoostedTrees,
  predictBoosted,
} from '../../../src/ml/trees/gradient-boosting.ts';
import { featureImportance } from '../../../src/ml/trees/importance.ts';
import { toXgboostJson, type XgboostModel } from '../../../src/ml/trees/xgboost-json.ts';

interface ReferenceCase {
  readonly name: string;
  readonly parameters: Readonly<Record<string, number | string>>;
  readonly rounds: number;
  readonly X: readonly (readonly (number | null)[])[];
  readonly y: readonly number[];
  readonly predictions: readonly (number | readonly number[])[];
  readonly importance: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly model: XgboostModel;
}

const { cases } = JSON.parse(readFileSync('test/vectors/xgboost/reference.json', 'utf8')) as {
  readonly cases: readonly ReferenceCase[];
};

const NAMES: Readonly<Record<string, keyof BoostingOptions>> = {
  objective: 'objective',
  num_class: 'numClass',
  max_depth: 'maxDepth',
  eta: 'learningRate',
  gamma: 'gamma',
  min_child_weight: 'minChildWeight',
  lambda: 'regLambda',
  alpha: 'regAlpha',
  scale_pos_weight: 'scalePosWeight',
  base_score: 'baseScore',
};

function tableOf(rows: ReferenceCase['X']): Matrix {
  const values = Float64Array.from(rows.flat(), (value) => value ?? Number.NaN);
  return matrix(values, rows.length, rows[0]!.length);
}

function optionsOf({ parameters, rounds }: ReferenceCase): BoostingOptions {
  const named = Object.entries(parameters).map(([name, value]) => [NAMES[name]!, value]);
  return { ...Object.fromEntries(named), numTrees: rounds, numBins: 32 };
}

function near(actual: number, expected: number, what: string): void {
  const off = Math.abs(actual - expected);
  ok(off <= 2e-5 * Math.max(1, Math.abs(expected)), `${what}: ${actual}, expected ${expected}`);
}

describe('gradient boosting', () => {
  for (const each of cases) {
    it(`grows XGBoost's trees: ${each.name}`, () => {
      const X = tableOf(each.X);
      const model = fitBoostedTrees(X, Float64Array.from(each.y), optionsOf(each));
      const ours = toXgboostJson(model, ['f0', 'f1', 'f2', 'f3'].slice(0, X.columns));
      const expected = each.model.learner.gradient_booster.model.trees;
      const trees = ours.learner.gradient_booster.model.trees;
      equal(trees.length, expected.length);
      trees.forEach((tree, t) => {
        const { left_children, split_indices, default_left, parents } = expected[t]!;
        deepEqual(tree.left_children, left_children, `tree ${t}`);
        deepEqual(tree.parents, parents);
        deepEqual(tree.split_indices, split_indices, `columns of tree ${t}`);
        deepEqual(tree.default_left, default_left, `directions of tree ${t}`);
        for (const key of ['split_conditions', 'sum_hessian', 'loss_changes'] as const) {
          tree[key].forEach((value, node) => {
            near(value, expected[t]![key][node]!, `${key} of node ${node} of tree ${t}`);
          });
        }
      });
      const predictions = predictBoosted(model, X);
      each.predictions.forEach((row, i) => {
        const expected = typeof row === 'number' ? [row] : row;
        for (const [k, value] of expected.entries()) near(predictions[k]![i]!, value, `row ${i}`);
      });
      const importance = featureImportance(model);
      for (const [kind, scores] of Object.entries(each.importance)) {
        const name = kind.replace(/_(.)/, (_, c: string) => c.toUpperCase()) as 'totalGain';
        for (const [j, own] of importance.entries()) {
          near(own[name], scores[`f${j}`] ?? 0, `${kind} of f${j}`);
        }
      }
    });
  }
});
