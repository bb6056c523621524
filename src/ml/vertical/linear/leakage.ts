import type { DisclosureClass, LeakageStatement } from '../../../protocols/disclosure.ts';
import { floodDistanceBits } from '../../../protocols/he/parameters.ts';
import { alignmentLeakage, type MatchingInputs } from '../../../protocols/psi/leakage.ts';
import { mostGuardOpenings } from './domain-guard.ts';
import type { LinearParameters } from './parameters.ts';

/** What the statement depends on. */
export interface LeakageInputs extends Omit<MatchingInputs, 'parties'> {
  readonly algorithm: 'logistic_regression' | 'linear_regression';
  readonly parameters: LinearParameters;
  readonly alignment: 'psi' | 'row_order';
  /** Rows of the smaller table. */
  readonly rows: number;
  /** Model columns of both parties. */
  readonly columns: number;
  /** Number of requested metrics. */
  readonly metrics: number;
}

/** Ciphertexts under one slot answer at the largest domain: two a harmonic, the guard's included. */
const MOST_CIPHERTEXTS = 2 * (80 + 10);

/** A task whose slot answers hide less than this is refused. */
export const FEWEST_HIDING_BITS = 28;

/**
 * -log2 of the statistical distance of a task's slot answers from ones that hide everything, rounded down: at
 * the largest domain, with the guard at every step. Above 64 bits it says 64.
 */
export function hidingBits({
  parameters,
  rows,
}: Pick<LeakageInputs, 'parameters' | 'rows'>): number {
  const { batch, steps } = stepsOf(parameters, rows);
  const answers = 2 * steps * Math.ceil(batch / 4096);
  return Math.min(64, Math.floor(-floodDistanceBits(MOST_CIPHERTEXTS, answers)));
}

/** Rows of a step, and the number of steps that are asked for. */
function stepsOf(parameters: LinearParameters, rows: number): { batch: number; steps: number } {
  const all = Math.max(1, rows);
  const batch = parameters.solver === 'sgd' ? Math.min(parameters.batch_size, all) : all;
  return { batch, steps: parameters.epochs * Math.ceil(rows / batch) };
}

/** A class before its bound is known. */
type ClassTerms = Omit<DisclosureClass, 'most'>;

const VALIDATION_SCORES: ClassTerms = {
  name: 'validation_scores',
  to: 'label_holder',
  phase: 'evaluating',
  elements: 'number of validation rows',
  meaning: 'the joint score of every validation row, once, after the last iteration',
};

const TRAINING_SCORES: ClassTerms = {
  name: 'training_scores',
  to: 'label_holder',
  phase: 'evaluating',
  elements: 'number of training rows',
  meaning: 'the joint score of every training row, once, after the last iteration',
};

const METRICS: ClassTerms = {
  name: 'metrics',
  to: 'receivers',
  phase: 'publishing',
  elements: 'number of requested metrics',
  meaning: 'quality figures of the joint model, computed by the label holder from the scores',
};

const DOMAIN_GUARD: ClassTerms = {
  name: 'domain_guard',
  to: 'data_holders',
  phase: 'training',
  elements: 'at most one an iteration, on a public schedule',
  meaning:
    'about how many rows of the step’s batch have a logit near the edge of the sigmoid approximation, rounded to a sixteenth; sums over at least 64 rows',
};

const WEIGHTS: ClassTerms = {
  name: 'weights',
  to: 'receivers',
  phase: 'publishing',
  elements: 'number of features + 1',
  meaning: 'the model: one weight a feature and the intercept, rounded to open_bits',
};

const COLUMN_SCALES: ClassTerms = {
  name: 'column_scales',
  to: 'receivers',
  phase: 'publishing',
  elements: 'number of features + 1',
  meaning:
    'the power of two next to each column’s standard deviation: the unit its weight is rounded in',
};

const NO_COLLUSION = 'semi-honest parties; the label holder and the feature holder do not collude';
const RING_LWE = 'ring-LWE (N = 4096, 108-bit modulus, ternary secret)';
const OTHER_ASSUMPTIONS =
  'CDH in edwards25519, AES-128 as PRG and correlation-robust hash, random oracle SHA-256';

/** What `holdoutSplit` holds out of so many rows; of fewer common rows it holds out no more. */
function mostHeldOut(rows: number, rate: number): number {
  return Math.max(1, Math.round(rows * rate));
}

/**
 * The machine-readable statement of what vertical logistic and linear regression reveal under these
 * parameters. Embedded in the contract; the ledger refuses every opening that is not in it.
 */
export function linearLeakage(inputs: LeakageInputs): LeakageStatement {
  const { algorithm, parameters, rows, columns } = inputs;
  const aligned = alignmentLeakage({ ...inputs, parties: 2, method: inputs.alignment });
  const { steps } = stepsOf(parameters, rows);
  const guards = mostGuardOpenings(steps);
  const held = parameters.use_validation_set
    ? { ...VALIDATION_SCORES, most: mostHeldOut(rows, parameters.validation_set_rate) }
    : { ...TRAINING_SCORES, most: rows };
  return {
    algorithm: `vertical_${algorithm}`,
    opened: [
      ...aligned.opened,
      ...(algorithm === 'logistic_regression' ? [{ ...DOMAIN_GUARD, most: guards }] : []),
      held,
      { ...METRICS, most: inputs.metrics },
      ...(parameters.model_release === 'full'
        ? [COLUMN_SCALES, WEIGHTS].map((released) => ({ ...released, most: columns + 1 }))
        : []),
    ],
    structural: [
      'number of rows, columns and categories of every dataset (in the contract)',
      ...aligned.structural,
      'number of iterations, timing and sizes of messages (functions of the contract, the intersection size and the values of domain_guard)',
    ],
    assumptions: [
      NO_COLLUSION,
      RING_LWE,
      ...(algorithm === 'logistic_regression'
        ? [
            `statistical hiding in the slot products: distance at most 2^-${hidingBits(inputs)} over the task`,
          ]
        : []),
      OTHER_ASSUMPTIONS,
      ...aligned.assumptions,
    ],
  };
}

/** What the statement of a prediction depends on. */
export interface PredictionLeakageInputs extends Omit<MatchingInputs, 'parties'> {
  readonly algorithm: LeakageInputs['algorithm'];
  readonly alignment: LeakageInputs['alignment'];
  /** Rows of the smaller table. */
  readonly rows: number;
  /** Whether the feature holder is a receiver. */
  readonly toFeatureHolder: boolean;
}

const PREDICTION_SCORES: ClassTerms = {
  name: 'prediction_scores',
  to: 'receivers',
  phase: 'evaluating',
  elements: 'number of common records',
  meaning: 'the joint score of every common record, rounded to open_bits',
};

const SCORE_UNIT: DisclosureClass = {
  name: 'score_unit',
  to: 'feature_holder',
  phase: 'evaluating',
  elements: '1',
  most: 1,
  meaning:
    'the power of two next to the label’s standard deviation: the unit scores are rounded in',
};

/** What joint scores of a vertical linear model reveal, whether or not its weights were released. */
export function predictionLeakage(inputs: PredictionLeakageInputs): LeakageStatement {
  const { algorithm, rows, toFeatureHolder } = inputs;
  const aligned = alignmentLeakage({ ...inputs, parties: 2, method: inputs.alignment });
  return {
    algorithm: `vertical_${algorithm}_prediction`,
    opened: [
      ...aligned.opened,
      ...(algorithm === 'linear_regression' && toFeatureHolder ? [SCORE_UNIT] : []),
      { ...PREDICTION_SCORES, most: rows },
    ],
    structural: [
      'number of rows, columns and categories of every dataset (in the contract)',
      ...aligned.structural,
      'timing and sizes of messages (functions of the contract and the intersection size)',
    ],
    assumptions: [NO_COLLUSION, RING_LWE, OTHER_ASSUMPTIONS, ...aligned.assumptions],
  };
}
