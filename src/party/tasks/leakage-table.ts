/**
 * The table of the README that says what each kind of task opens, made of the statements that contracts
 * embed: what the documents promise is what the ledger enforces.
 */

import { linearLeakage, predictionLeakage } from '../../ml/vertical/linear/leakage.ts';
import { treeLeakage, treePredictionLeakage } from '../../ml/vertical/trees/leakage.ts';
import type { DisclosureClass, LeakageStatement } from '../../protocols/disclosure.ts';
import { type IntersectionInputs, intersectionLeakage } from '../../protocols/psi/leakage.ts';
import { resolveLinearParameters } from '../http/linear-parameters.ts';
import { resolveTreeParameters } from '../http/tree-parameters.ts';

/** Sizes and parameters bound how much is opened; which classes there are does not depend on them. */
const MATCHING = { engine: 'rr22', counted: false, parties: 2, keys: 1000, rows: 1000 } as const;
const ALIGNED = { ...MATCHING, alignment: 'psi', metrics: 1 } as const;

/** What a request without hyper-parameters means. */
const REQUEST = { hyper: {}, modelConfig: null, metrics: [] };
const OBJECTIVE = { objective: 'binary:logistic', num_class: 1 } as const;
const TREES = resolveTreeParameters(REQUEST, OBJECTIVE).parameters;

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
  const { parameters } = resolveLinearParameters(algorithm, REQUEST);
  return [false, true].flatMap((use_validation_set) =>
    (['full', 'split'] as const).map((model_release) =>
      linearLeakage({
        ...{ ...ALIGNED, algorithm, columns: 1, counted: use_validation_set },
        parameters: { ...parameters, use_validation_set, model_release },
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
