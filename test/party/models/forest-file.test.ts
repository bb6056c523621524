import { deepEqual, equal, match, ok, throws } from 'node:assert/strict';
import { matrix } from '../../../src/ml/data/matrix.ts';
import { predictBoosted } from '../../../src/ml/trees/gradient-boosting.ts';
import { type ForestDocument, forestText } from '../../../src/party/models/forest-document.ts';
import { parseModelDocument } from '../../../src/party/models/model-document.ts';
import { ModelFormatError } from '../../../src/party/models/model-format-error.ts';
import { loadXgboostVectors } from '../../support/xgboost-vectors.ts';
import { type ForestName, sampleForest } from './sample-forest.ts';

/** What XGBoost said of the same files. */
interface Released {
  readonly file: string;
  readonly X: readonly (readonly (number | null)[])[];
  /** [classes] x [rows] */
  readonly predictions: readonly (readonly number[])[];
  /** The file as XGBoost saves it. */
  readonly saved_again: string;
}

const { forests } = loadXgboostVectors<{
  readonly forests: Readonly<Record<ForestName, Released>>;
}>('released');

function predictions({ trees }: ForestDocument, { X }: Released): readonly Float64Array[] {
  const values = Float64Array.from(X.flat(), (value) => value ?? Number.NaN);
  return predictBoosted(trees, matrix(values, X.length, trees.features));
}

// biome-ignore lint/suspicious/noExplicitAny: a file that is changed at will
type Json = any;

describe('forest file', () => {
  for (const name of ['binary', 'numbers', 'classes'] as const) {
    it(`predicts what XGBoost predicts by it, and survives XGBoost and its own text: ${name}`, () => {
      const released = forests[name];
      const { document } = sampleForest(name);
      for (const text of [released.file, released.saved_again]) {
        const parsed = parseModelDocument(text) as ForestDocument;
        const { trees, ...head } = parsed;
        const { trees: _, ...expected } = document;
        deepEqual(head, expected);
        equal(forestText(parsed), released.file);
        for (const [k, each] of predictions(parsed, released).entries()) {
          for (const [i, value] of each.entries()) {
            const theirs = released.predictions[k]![i]!;
            const within = 1e-5 * Math.max(1, Math.abs(theirs));
            ok(Math.abs(value - theirs) < within, `${name}: row ${i}: ${value}, ${theirs}`);
          }
        }
        equal(trees.rounds.length, 3);
      }
    });
  }

  const binary = (): Json => JSON.parse(forests.binary.file);
  const head =
    (change: (head: Json) => void) =>
    (file: Json): void => {
      const value = JSON.parse(file.learner.attributes.entente);
      change(value);
      file.learner.attributes.entente = JSON.stringify(value);
    };
  const model =
    (change: (model: Json) => void) =>
    (file: Json): void =>
      change(file.learner.gradient_booster.model);
  const tree = (change: (tree: Json) => void) => model(({ trees }) => change(trees[1]));

  const wrong: Record<string, [change: (file: Json) => void, message: RegExp]> = {
    'no head': [({ learner }) => delete learner.attributes, /no attribute "entente"/],
    'a head that is no text': [({ learner }) => (learner.attributes.entente = {}), /no attribute/],
    'a head that is no JSON': [
      ({ learner }) => (learner.attributes.entente = '{'),
      /not valid JSON/,
    ],
    'a head of another format': [head((it) => (it.format = 'entente/forest/v2')), /format/],
    'another algorithm': [head((it) => (it.algorithm = 'linear_regression')), /algorithm/],
    'a member more': [head((it) => (it.more = 1)), /additional|more/],
    'an id that is none': [head((it) => (it.model_id = '../x')), /model_id/],
    'a learning rate of 0': [head((it) => (it.learning_rate = 0)), /learning_rate/],
    'a column twice': [head((it) => (it.columns[1] = it.columns[0])), /twice/],
    'levels out of order': [
      head((it) => it.columns.splice(3, 2, it.columns[4], it.columns[3])),
      /lacks a level/,
    ],
    'a level without those before': [head((it) => (it.columns[4].level = 7)), /lacks a level/],
    'a party’s columns apart': [
      head((it) => it.columns.splice(0, 5, it.columns[0], ...it.columns.slice(2), it.columns[1])),
      /apart/,
    ],
    'a column less': [head((it) => it.columns.pop()), /feature names/],
    'other names': [({ learner }) => (learner.feature_names[0] = 'x'), /feature names/],
    'another number of features': [
      ({ learner }) => (learner.learner_model_param.num_feature = '6'),
      /num_feature/,
    ],
    'two targets': [({ learner }) => (learner.learner_model_param.num_target = '2'), /num_target/],
    'a base score that is none': [
      ({ learner }) => (learner.learner_model_param.base_score = '1e999'),
      /base_score/,
    ],
    'a base score beyond 1': [
      ({ learner }) => (learner.learner_model_param.base_score = '2'),
      /baseScore/,
    ],
    'a base score that is code': [
      ({ learner }) => (learner.learner_model_param.base_score = '0x1'),
      /base_score/,
    ],
    'another objective': [({ learner }) => (learner.objective.name = 'rank:ndcg'), /objective/],
    'another booster': [({ learner }) => (learner.gradient_booster.name = 'dart'), /name/],
    'numbers with a threshold': [
      ({ learner }) => (learner.objective.name = 'reg:squarederror'),
      /threshold/,
    ],
    'a tree less': [model(({ trees }) => trees.pop()), /num_trees/],
    'no trees': [model(({ trees }) => trees.splice(0)), /trees/],
    'a tree of another class': [model(({ tree_info }) => (tree_info[2] = 1)), /tree_info/],
    'parallel trees': [
      model(({ gbtree_model_param: of }) => (of.num_parallel_tree = '3')),
      /num_parallel_tree/,
    ],
    'a cycle': [tree((it) => (it.left_children[1] = 0)), /shape/],
    'a child of its own': [tree((it) => (it.left_children[1] = 1)), /shape/],
    'a child beyond the nodes': [tree((it) => (it.left_children[0] = 2 ** 30)), /shape/],
    'a fractional child': [tree((it) => (it.left_children[0] = 1.5)), /left_children/],
    'a child shared by two': [tree((it) => (it.right_children[1] = it.right_children[0])), /shape/],
    'half a split': [tree((it) => (it.right_children[0] = -1)), /shape/],
    'half a leaf': [tree((it) => (it.right_children[it.right_children.length - 1] = 0)), /shape/],
    'a node that nobody has': [
      tree((it) => {
        for (const [name, of] of Object.entries<Json>(it)) {
          if (Array.isArray(of) && of.length > 0) of.push(name.endsWith('children') ? -1 : 0);
        }
      }),
      /shape/,
    ],
    'a column that is not there': [tree((it) => (it.split_indices[0] = 5)), /no column/],
    'a column below 0': [tree((it) => (it.split_indices[0] = -1)), /no column/],
    'fewer thresholds': [tree((it) => it.split_conditions.pop()), /one entry a node/],
    'no nodes': [
      tree((it) => {
        for (const of of Object.values<Json>(it)) if (Array.isArray(of)) of.length = 0;
      }),
      /one entry a node/,
    ],
    'a threshold beyond floats': [tree((it) => (it.split_conditions[0] = 1e300)), /32-bit float/],
    'a weight that is text': [tree((it) => (it.split_conditions[1] = '1')), /split_conditions/],
    'a direction that is none': [tree((it) => (it.default_left[0] = 2)), /default_left/],
    'a split by categories': [tree((it) => (it.split_type[0] = 1)), /split_type/],
    categories: [tree((it) => it.categories.push(1)), /categories/],
  };
  for (const [what, [change, message]] of Object.entries(wrong)) {
    it(`is refused with ${what}`, () => {
      const file = binary();
      change(file);
      throws(
        () => parseModelDocument(JSON.stringify(file)),
        (error) => {
          ok(error instanceof ModelFormatError, String(error));
          match(error.message, message);
          return true;
        },
      );
    });
  }

  it('is refused with a chain of more levels than a tree may have', () => {
    const file = binary();
    const nodes = 2 * 17 + 1;
    const of = file.learner.gradient_booster.model.trees[1];
    const chain = Array.from({ length: nodes }, (_, node) =>
      node % 2 === 0 && node < 34 ? node + 1 : -1,
    );
    const zeros = chain.map(() => 0);
    Object.assign(of, {
      left_children: chain,
      right_children: chain.map((left) => (left < 0 ? -1 : left + 1)),
      ...{ split_indices: zeros, split_conditions: zeros, default_left: zeros, split_type: zeros },
      ...{ loss_changes: zeros, sum_hessian: zeros, base_weights: zeros },
    });
    throws(() => parseModelDocument(JSON.stringify(file)), /more than 16 levels/);
  });

  it('is refused when nothing of it is as it should be', () => {
    for (const text of ['{"learner":1}', '{"learner":null}', '{"learner":{"attributes":[]}}']) {
      throws(() => parseModelDocument(text), ModelFormatError, text);
    }
    throws(
      () => parseModelDocument(forests.classes.file.replace('"num_class":"3"', '"num_class":"2"')),
      ModelFormatError,
    );
    throws(
      () => parseModelDocument(forests.classes.file.replace('"num_class":"3"', '"num_class":"0"')),
      ModelFormatError,
    );
  });

  it('takes numbers as later versions of XGBoost write them', () => {
    const file = binary();
    const { learner } = file;
    learner.learner_model_param.base_score = '[2.5E-1]';
    for (const each of learner.gradient_booster.model.trees) {
      each.default_left = each.default_left.map(Boolean);
    }
    equal(
      forestText(parseModelDocument(JSON.stringify(file)) as ForestDocument),
      forests.binary.file,
    );
  });
});
