import { deepEqual, equal, match, ok, throws } from 'node:assert/strict';
import { matrix } from '../../../src/ml/data/matrix.ts';
import { fitBoostedTrees } from '../../../src/ml/trees/gradient-boosting.ts';
import {
  stringifyXgboostModel,
  toXgboostJson,
  type XgboostModel,
} from '../../../src/ml/trees/xgboost-json.ts';
import { loadXgboostVectors } from '../../support/xgboost-vectors.ts';

/** The paths of a JSON value with the types of what is there; arrays count by their first element. */
function shape(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.length > 0 ? shape(value[0], `${path}[]`) : [`${path}[]`];
  if (typeof value !== 'object' || value === null) return [`${path}: ${typeof value}`];
  return Object.entries(value).flatMap(([key, inner]) => shape(inner, `${path}.${key}`));
}

const X = matrix(Float64Array.of(1, 5, 2, 5, 3, 5, 4, 5, 5, 5, 6, 5), 6, 2);
const y = Float64Array.of(0, 0, 0, 1, 1, 1);

describe('XGBoost JSON', () => {
  const { cases } = loadXgboostVectors<{
    readonly cases: readonly { readonly name: string; readonly model: XgboostModel }[];
  }>('reference');
  for (const { name, model } of cases) {
    it(`has the members that XGBoost writes: ${name}`, () => {
      const { objective, learner_model_param } = model.learner;
      const numClass = Math.max(1, Number(learner_model_param.num_class));
      const own = fitBoostedTrees(X, y, {
        ...{ objective: objective.name, numClass, numTrees: 2, minChildWeight: 0 },
      });
      const written = JSON.parse(JSON.stringify(toXgboostJson(own, ['a', 'b'])));
      const names = { feature_names: ['a'], feature_types: ['float'] }; // made without
      const expected = { ...model, learner: { ...model.learner, ...names, attributes: {} } };
      deepEqual(shape(written).sort(), shape(expected).sort());
    });
  }

  it('writes nodes by level, numbers as 32-bit floats', () => {
    const model = fitBoostedTrees(X, y, { numTrees: 1, maxDepth: 1, minChildWeight: 0 });
    const { gradient_booster, learner_model_param } = toXgboostJson(model, ['a', 'b']).learner;
    const [tree] = gradient_booster.model.trees;
    deepEqual(tree!.left_children, [1, -1, -1]);
    deepEqual(tree!.right_children, [2, -1, -1]);
    deepEqual(tree!.parents, [2_147_483_647, 0, 0]);
    deepEqual(tree!.split_indices, [0, 0, 0]);
    const weight = Math.fround((0.3 * 1.5) / 1.75);
    deepEqual(tree!.split_conditions, [4, -weight, weight]);
    deepEqual(tree!.sum_hessian, [1.5, 0.75, 0.75]);
    deepEqual(tree!.loss_changes, [Math.fround((2 * 1.5 ** 2) / 1.75), 0, 0]);
    deepEqual(tree!.base_weights, [-0, -weight, weight]);
    equal(learner_model_param.base_score, '0.5');
  });

  it('has a text that reads as the model, floats as floats', () => {
    const options = { numTrees: 2, minChildWeight: 0, numClass: 2 } as const;
    const model = fitBoostedTrees(X, y, { ...options, objective: 'multi:softprob' });
    const json = toXgboostJson(model, ['a "quoted" name', 'split_conditions']);
    const text = stringifyXgboostModel(json);
    deepEqual(JSON.parse(text), json);
    for (const name of ['split_conditions', 'loss_changes', 'sum_hessian', 'base_weights']) {
      const arrays = [...text.matchAll(new RegExp(`"${name}":\\[([^\\]]*)\\]`, 'g'))];
      equal(arrays.length, 4, name);
      for (const [, numbers] of arrays) {
        for (const number of numbers!.split(',')) match(number, /^-?\d+(\.\d+)?([eE]-?\d+)?$/);
        ok(
          numbers!.split(',').every((number) => /[.eE]/.test(number)),
          numbers,
        );
      }
    }
    match(text, /"left_children":\[1,/);
  });

  it('refuses another number of names', () => {
    const model = fitBoostedTrees(X, y, { numTrees: 1 });
    throws(() => toXgboostJson(model, ['a']), RangeError);
  });
});
