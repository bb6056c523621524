/**
 * The decoder of a forest's file. It may come from anywhere, XGBoost itself among them, which writes what it read:
 * so every index, shape and bound is checked. What plays no part in predictions is not looked at.
 */
import Type, { type Static } from 'typebox';
import type { BoostedTrees } from '../../ml/trees/gradient-boosting.ts';
import { boostingParameters, MAX_DEPTH, type Objective } from '../../ml/trees/parameters.ts';
import type { Tree, TreeNode } from '../../ml/trees/tree.ts';
import type { TreeColumn } from '../../ml/vertical/trees/release.ts';
import { CLOSED, checked, checkedDocument, MODEL_HEAD, NAME, parseJson } from './document-check.ts';
import { ATTRIBUTE, FOREST_FORMAT, type ForestDocument, featureNames } from './forest-document.ts';
import { ModelFormatError } from './model-format-error.ts';

const OBJECTIVES: readonly Objective[] = ['binary:logistic', 'reg:squarederror', 'multi:softprob'];

const HeadSchema = Type.Object(
  {
    format: Type.Literal(FOREST_FORMAT),
    ...MODEL_HEAD,
    algorithm: Type.Literal('xgboost'),
    learning_rate: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
    columns: Type.Array(
      Type.Object(
        { party: NAME, column: NAME, level: Type.Optional(Type.Integer({ minimum: 0 })) },
        CLOSED,
      ),
    ),
  },
  CLOSED,
);

const texts = Type.Record(Type.String(), Type.Unknown());
const numbers = Type.Array(Type.Number());
const indices = Type.Array(Type.Integer({ minimum: -1, maximum: 2 ** 31 - 1 }));

const TreeSchema = Type.Object({
  left_children: indices,
  right_children: indices,
  split_indices: indices,
  split_conditions: numbers,
  default_left: Type.Array(Type.Union([Type.Boolean(), Type.Integer({ minimum: 0, maximum: 1 })])),
  loss_changes: numbers,
  sum_hessian: numbers,
  base_weights: numbers,
  split_type: Type.Optional(Type.Array(Type.Literal(0))),
  categories: Type.Optional(Type.Array(Type.Integer(), { maxItems: 0 })),
});

const FileSchema = Type.Object({
  learner: Type.Object({
    attributes: Type.Optional(texts),
    feature_names: Type.Array(Type.String()),
    gradient_booster: Type.Object({
      name: Type.Literal('gbtree'),
      model: Type.Object({
        gbtree_model_param: texts,
        tree_info: Type.Array(Type.Integer({ minimum: 0 })),
        trees: Type.Array(TreeSchema, { minItems: 1 }),
      }),
    }),
    learner_model_param: texts,
    objective: Type.Object({
      name: Type.Enum([...OBJECTIVES]),
      reg_loss_param: Type.Optional(texts),
    }),
  }),
});

type FileTree = Static<typeof TreeSchema>;

/** The forest in the value of a file's JSON. Throws `ModelFormatError`. */
export function decodeForest(value: unknown): ForestDocument {
  const { learner } = checked(FileSchema, value);
  const text = learner.attributes?.[ATTRIBUTE];
  if (typeof text !== 'string') {
    const what = `the file has no attribute "${ATTRIBUTE}"`;
    throw new ModelFormatError(
      `${what}: only models that Entente trained say whose columns are whose`,
    );
  }
  const { learning_rate, columns, ...head } = checkedDocument(HeadSchema, parseJson(text));
  checkColumns(columns);
  const names = featureNames(columns);
  const given = learner.feature_names;
  if (given.length !== names.length || given.some((name, j) => name !== names[j])) {
    throw new ModelFormatError('the feature names are not those of the columns');
  }
  const { objective, learner_model_param: params } = learner;
  const multi = objective.name === 'multi:softprob';
  const numClass = multi ? numberOf(params, 'num_class') : 1;
  if (!Number.isInteger(numClass) || numClass < 1) throw invalid('num_class');
  if (numberOf(params, 'num_feature') !== names.length) throw invalid('num_feature');
  if (numberOf(params, 'num_target', 1) !== 1) throw invalid('num_target');
  if (head.threshold !== null && objective.name !== 'binary:logistic') throw invalid('threshold');

  const trees = {
    ...decodeTrees(learner.gradient_booster.model, names.length, numClass, learning_rate),
    features: names.length,
  };
  const scalePosWeight = objective.reg_loss_param
    ? numberOf(objective.reg_loss_param, 'scale_pos_weight', 1)
    : 1;
  try {
    const parameters = boostingParameters({
      ...{ objective: objective.name, numClass, scalePosWeight, learningRate: learning_rate },
      ...{ baseScore: numberOf(params, 'base_score') },
    });
    return { ...head, columns, trees: { ...trees, parameters } };
  } catch (cause) {
    throw new ModelFormatError(cause instanceof Error ? cause.message : 'a parameter', { cause });
  }
}

/** No column twice; the levels of one side by side and in order, from 0. */
function checkColumns(columns: readonly TreeColumn[]): void {
  const seen = new Set<string>();
  columns.forEach(({ party, column, level = 0 }, j) => {
    const key = JSON.stringify([party, column]);
    if (level === 0) {
      if (seen.has(key)) throw new ModelFormatError(`the model has ${party}.${column} twice`);
      seen.add(key);
      return;
    }
    const before = columns[j - 1];
    const follows =
      before?.party === party && before.column === column && before.level === level - 1;
    if (!follows) throw new ModelFormatError(`the model lacks a level of ${party}.${column}`);
  });
  const parties = columns.map(({ party }) => party);
  if (parties.some((party, j) => j > 0 && party !== parties[j - 1] && parties.indexOf(party) < j)) {
    throw new ModelFormatError('the columns of one party stand apart');
  }
}

function decodeTrees(
  model: Static<typeof FileSchema>['learner']['gradient_booster']['model'],
  features: number,
  numClass: number,
  learningRate: number,
): Pick<BoostedTrees, 'rounds'> {
  const { gbtree_model_param: params, tree_info: classes, trees } = model;
  if (numberOf(params, 'num_trees') !== trees.length) throw invalid('num_trees');
  if (numberOf(params, 'num_parallel_tree', 1) > 1) throw invalid('num_parallel_tree');
  if (trees.length % numClass !== 0 || classes.length !== trees.length) throw invalid('tree_info');
  if (classes.some((of, t) => of !== t % numClass)) throw invalid('tree_info');
  const decoded = trees.map((tree, t) => decodeTree(tree, t, features, learningRate));
  const rounds = Array.from({ length: trees.length / numClass }, (_, round) =>
    decoded.slice(round * numClass, (round + 1) * numClass),
  );
  return { rounds };
}

/** Nodes by level: those that are split have the next two nodes that no other has, so that there is no cycle. */
function decodeTree(tree: FileTree, t: number, features: number, learningRate: number): Tree {
  const { left_children: left, right_children: right, default_left: defaultLeft } = tree;
  const n = left.length;
  const damaged = (what: string): ModelFormatError => new ModelFormatError(`tree ${t} ${what}`);
  const lengths = [
    ...[right, tree.split_indices, tree.split_conditions, defaultLeft, tree.loss_changes],
    ...[tree.sum_hessian, tree.base_weights, tree.split_type ?? left],
  ];
  if (n < 1 || n >= 2 ** (MAX_DEPTH + 1) || lengths.some((each) => each.length !== n)) {
    throw damaged('has not one entry a node, or too many of them');
  }
  const float = (of: readonly number[], node: number): number => {
    const value = Math.fround(of[node]!);
    if (!Number.isFinite(value)) throw damaged('has a number that is no 32-bit float');
    return value;
  };
  const depths = new Uint8Array(n);
  let next = 1;
  const nodes = left.map((child, node): TreeNode => {
    const cover = float(tree.sum_hessian, node);
    if (child === -1) {
      if (right[node] !== -1) throw damaged('has another shape');
      return { split: null, weight: float(tree.split_conditions, node), cover };
    }
    const depth = depths[node]! + 1;
    if (child !== next || right[node] !== next + 1 || next <= node || next + 1 >= n) {
      throw damaged('has another shape');
    }
    if (depth > MAX_DEPTH) throw damaged(`has more than ${MAX_DEPTH} levels`);
    depths[next] = depths[next + 1] = depth;
    next += 2;
    const feature = tree.split_indices[node]!;
    if (feature < 0 || feature >= features) throw damaged('is split by no column');
    const split = {
      feature,
      threshold: float(tree.split_conditions, node),
      defaultLeft: Boolean(defaultLeft[node]),
      ...{ left: child, right: child + 1, gain: float(tree.loss_changes, node) },
    };
    return { split, weight: float(tree.base_weights, node) * learningRate, cover };
  });
  if (next !== n) throw damaged('has another shape');
  return nodes;
}

/** A number that XGBoost writes as a text; later versions write one of several targets in brackets. */
function numberOf(
  params: Readonly<Record<string, unknown>>,
  name: string,
  fallback?: number,
): number {
  const text = params[name] ?? fallback?.toString();
  const digits = typeof text === 'string' ? /^\[?([-+.0-9eE]+)\]?$/.exec(text)?.[1] : undefined;
  const value = Number(digits);
  if (!Number.isFinite(value)) throw invalid(name);
  return value;
}

function invalid(name: string): ModelFormatError {
  return new ModelFormatError(`${name} is not what a model of this shape has`);
}
