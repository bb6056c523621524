/**
 * The table of the README that says what each kind of task opens, made of the statements that contracts
 * embed: what the documents promise is what the ledger enforces.
 */

import { linearLeakage, predictionLeakage } from '../../ml/vertical/linear/leakage.ts';
import type { LinearParameters } from '../../ml/vertical/linear/parameters.ts';
import { treeLeakage, treePredictionLeakage } from '../../ml/vertical/trees/leakage.ts';
import type { TreeParameters } from '../../ml/vertical/trees/parameters.ts';
import type { DisclosureClass, LeakageStatement } from '../../protocols/disclosure.ts';
import { type IntersectionInputs, intersectionLeakage } from '../../protocols/psi/leakage.ts';

/** Sizes and parameters bound how much is opened; which classes there are does not depend on them. */
const MATCHING = { engine: 'rr22', counted: false, parties: 2, keys: 1000, rows: 1000 } as const;
const ALIGNED = { ...MATCHING, alignment: 'psi', metrics: 1 } as const;

const LINEAR: LinearParameters = {
  solver: 'auto',
  loss: 'logloss',
  epochs: 10,
  batch_size: 256,
  learning_rate: 0.001,
  momentum: 0,
  l2: 1,
  use_intercept: true,
  class_weight: 'none',
  use_validation_set: true,
  validation_set_rate: 0.2,
  seed: 0,
  predict_threshold: 0.5,
  open_bits: 10,
  model_release: 'full',
};

const TREES: TreeParameters = {
  objective: 'binary:logistic',
  num_class: 1,
  num_trees: 10,
  learning_rate: 0.3,
  max_depth: 3,
  num_bins: 32,
  reg_lambda: 1,
  reg_alpha: 0,
  gamma: 0,
  min_child_weight: 1,
  subsample: 1,
  colsample_bytree: 1,
  scale_pos_weight: 1,
  base_score: 0.5,
  early_stopping_rounds: 0,
  use_validation_set: true,
  validation_set_rate: 0.2,
  seed: 0,
  predict_threshold: 0.5,
  open_bits: 10,
  split_finding: 'open_sums',
  noise_multiplier: 1,
  model_release: 'full',
};

/** Every kind of task, and its statement for each choice on which the classes depend. */
const TASKS: Readonly<Record<string, readonly LeakageStatement[]>> = {
  'logistic regression': linear('logistic_regression'),
  'linear regression': linear('linear_regression'),
  'gradient boosting': [false, true].flatMap((counted) =>
    (['full', 'split'] as const).map((model_release) =>
      treeLeakage({
        ...{ ...ALIGNED, counted, parameters: { ...TREES, model_release } },
        ...{ labelHolderColumns: 1, featureHolders: [{ numeric: 1, indicators: 0 }] },
      }),
    ),
  ),
  'scores of a linear model': (['logistic_regression', 'linear_regression'] as const).flatMap(
    (algorithm) =>
      [false, true].map((choice) =>
        predictionLeakage({ ...ALIGNED, algorithm, counted: choice, toFeatureHolder: choice }),
      ),
  ),
  'scores of boosted trees': [false, true].map((counted) =>
    treePredictionLeakage({
      ...{ ...ALIGNED, counted, parameters: TREES },
      ...{ trees: TREES.num_trees, featureHolders: 1 },
    }),
  ),
  'set intersection': [
    intersection({}),
    intersection({ counted: true }),
    intersection({ output: 'size' }),
    intersection({ join: 'full', expanded: true }),
  ],
  'set intersection with payload': [intersection({ payload: 1 }), intersection({ payload: 0 })],
};

function linear(algorithm: 'logistic_regression' | 'linear_regression'): LeakageStatement[] {
  return [false, true].flatMap((use_validation_set) =>
    (['full', 'split'] as const).map((model_release) =>
      linearLeakage({
        ...{ ...ALIGNED, algorithm, columns: 1, counted: use_validation_set },
        parameters: { ...LINEAR, use_validation_set, model_release },
      }),
    ),
  );
}

function intersection(change: Partial<IntersectionInputs>): LeakageStatement {
  const plain = { output: 'rows', join: 'inner', expanded: false, payload: null } as const;
  return intersectionLeakage({ ...MATCHING, ...plain, ...change });
}

/** In Markdown, with a line break at its end. */
export function leakageTable(): string {
  const rows = Object.entries(TASKS).flatMap(([task, statements]) =>
    classesOf(statements).map(({ name, to, elements, meaning, always }, i) => [
      i === 0 ? task : '',
      `\`${name}\`${always ? '' : ' *'}`,
      to.replaceAll('_', ' '),
      elements,
      meaning,
    ]),
  );
  const head = ['task', 'class', 'to', 'how many', 'what it tells'];
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('');
}

const PHASES: readonly DisclosureClass['phase'][] = [
  'aligning',
  'training',
  'evaluating',
  'publishing',
];

/** Every class of one kind of task once, in the order of phases, and whether all its statements have it. */
function classesOf(
  statements: readonly LeakageStatement[],
): (DisclosureClass & { readonly always: boolean })[] {
  const classes = new Map<string, DisclosureClass>();
  for (const each of statements.flatMap(({ opened }) => opened)) {
    if (!classes.has(each.name)) classes.set(each.name, each);
  }
  const inOrder = [...classes.values()].sort(
    (a, b) => PHASES.indexOf(a.phase) - PHASES.indexOf(b.phase),
  );
  return inOrder.map((each) => ({
    ...each,
    always: statements.every(({ opened }) => opened.some(({ name }) => name === each.name)),
  }));
}
