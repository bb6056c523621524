/**
 * A model in XGBoost's JSON format, version 1.7, which every later XGBoost reads too.
 * https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
 */
import type { BoostedTrees } from './gradient-boosting.ts';
import type { Objective } from './parameters.ts';
import type { Tree } from './tree.ts';

/** What XGBoost writes as the root's parent. */
const NO_PARENT = 2_147_483_647;
const NO_CHILD = -1;

/** One tree: arrays by node. */
export interface XgboostTree {
  readonly id: number;
  readonly left_children: readonly number[];
  readonly right_children: readonly number[];
  readonly parents: readonly number[];
  readonly split_indices: readonly number[];
  /** Thresholds; of leaves their weights. */
  readonly split_conditions: readonly number[];
  readonly default_left: readonly (0 | 1)[];
  readonly loss_changes: readonly number[];
  readonly sum_hessian: readonly number[];
  /** Weights as leaves; where nodes are none, without the learning rate. */
  readonly base_weights: readonly number[];
  readonly split_type: readonly 0[];
  readonly categories: readonly [];
  readonly categories_nodes: readonly [];
  readonly categories_segments: readonly [];
  readonly categories_sizes: readonly [];
  /** Numbers as texts, as everywhere in `*_param`. */
  readonly tree_param: Readonly<Record<string, string>>;
}

export interface XgboostModel {
  readonly version: readonly [1, 7, 4];
  readonly learner: {
    readonly attributes: Readonly<Record<string, string>>;
    readonly feature_names: readonly string[];
    readonly feature_types: readonly string[];
    readonly gradient_booster: {
      readonly name: 'gbtree';
      readonly model: {
        readonly gbtree_model_param: Readonly<Record<string, string>>;
        /** The class of each tree. */
        readonly tree_info: readonly number[];
        readonly trees: readonly XgboostTree[];
      };
    };
    readonly learner_model_param: Readonly<Record<string, string>>;
    readonly objective: Readonly<{ name: Objective }> & Readonly<Record<string, unknown>>;
  };
}

/**
 * The model as XGBoost saves it; `stringifyXgboostModel` writes its text. Every number is a 32-bit float there, so predictions agree to about
 * 10^-6 and rows fall into the same leaves.
 *
 * @param featureNames - one a column. XGBoost takes no table whose names have one of `[`, `]`, `<`.
 */
export function toXgboostJson(model: BoostedTrees, featureNames: readonly string[]): XgboostModel {
  if (featureNames.length !== model.features) {
    throw new RangeError(
      `"featureNames" expected ${model.features} names, got ${featureNames.length}`,
    );
  }
  const { parameters, features, rounds } = model;
  const { objective, numClass, baseScore, scalePosWeight, learningRate } = parameters;
  const multi = objective === 'multi:softprob';
  const trees = rounds.flat();
  return {
    version: [1, 7, 4],
    learner: {
      attributes: {},
      feature_names: featureNames,
      feature_types: featureNames.map(() => 'float'),
      gradient_booster: {
        name: 'gbtree',
        model: {
          gbtree_model_param: {
            num_parallel_tree: '1',
            num_trees: `${trees.length}`,
            size_leaf_vector: '0',
          },
          tree_info: rounds.flatMap((round) => round.map((_, k) => k)),
          trees: trees.map((tree, id) => toXgboostTree(tree, id, features, learningRate)),
        },
      },
      learner_model_param: {
        base_score: `${baseScore}`,
        boost_from_average: '0', // the base score is what it says
        num_class: multi ? `${numClass}` : '0',
        num_feature: `${features}`,
        num_target: '1',
      },
      objective: multi
        ? { name: objective, softmax_multiclass_param: { num_class: `${numClass}` } }
        : { name: objective, reg_loss_param: { scale_pos_weight: `${scalePosWeight}` } },
    },
  };
}

/** Members of a tree whose numbers XGBoost reads as floats. */
const FLOATS: ReadonlySet<string> = new Set<keyof XgboostTree>([
  'split_conditions',
  'loss_changes',
  'sum_hessian',
  'base_weights',
]);

/** The text of a model's file. `JSON.stringify` would write 0 for 0E0, which XGBoost refuses as a float. */
export function stringifyXgboostModel(model: XgboostModel): string {
  return textOf(model, '');
}

/** @param name - of the member that holds the value, itself or in an array. */
function textOf(value: unknown, name: string): string {
  if (Array.isArray(value)) return `[${value.map((entry) => textOf(entry, name)).join(',')}]`;
  if (typeof value === 'number' && FLOATS.has(name)) {
    const text = Object.is(value, -0) ? '-0' : `${value}`;
    return /[.e]/.test(text) ? text : `${text}E0`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, inner]) => `${JSON.stringify(key)}:${textOf(inner, key)}`,
  );
  return `{${members.join(',')}}`;
}

function toXgboostTree(
  tree: Tree,
  id: number,
  features: number,
  learningRate: number,
): XgboostTree {
  const parents = tree.map(() => NO_PARENT);
  tree.forEach(({ split }, node) => {
    if (split) parents[split.left] = parents[split.right] = node;
  });
  const zeros = tree.map(() => 0 as const);
  return {
    id,
    left_children: tree.map(({ split }) => split?.left ?? NO_CHILD),
    right_children: tree.map(({ split }) => split?.right ?? NO_CHILD),
    parents,
    split_indices: tree.map(({ split }) => split?.feature ?? 0),
    split_conditions: tree.map(({ split, weight }) => Math.fround(split?.threshold ?? weight)),
    default_left: tree.map(({ split }) => (split?.defaultLeft ? 1 : 0)),
    loss_changes: tree.map(({ split }) => Math.fround(split?.gain ?? 0)),
    sum_hessian: tree.map(({ cover }) => Math.fround(cover)),
    base_weights: tree.map(({ split, weight }) =>
      Math.fround(split ? weight / learningRate : weight),
    ),
    split_type: zeros,
    categories: [],
    categories_nodes: [],
    categories_segments: [],
    categories_sizes: [],
    tree_param: {
      num_deleted: '0',
      num_feature: `${features}`,
      num_nodes: `${tree.length}`,
      size_leaf_vector: '0',
    },
  };
}
