import type { DisclosureClass, LeakageStatement } from '../../../protocols/disclosure.ts';
import type { LinearParameters } from './parameters.ts';

/** What the statement depends on. */
export interface LeakageInputs {
  readonly algorithm: 'logistic_regression' | 'linear_regression';
  readonly parameters: LinearParameters;
  readonly alignment: 'psi' | 'row_order';
}

const INTERSECTION: DisclosureClass = {
  name: 'intersection',
  to: 'data_holders',
  phase: 'aligning',
  elements: 'number of common keys',
  meaning: 'which of its own records each data holder has in common with the other',
};

const VALIDATION_SCORES: DisclosureClass = {
  name: 'validation_scores',
  to: 'label_holder',
  phase: 'evaluating',
  elements: 'number of validation rows',
  meaning: 'the joint score of every validation row, once, after the last iteration',
};

const TRAINING_SCORES: DisclosureClass = {
  name: 'training_scores',
  to: 'label_holder',
  phase: 'evaluating',
  elements: 'number of training rows',
  meaning: 'the joint score of every training row, once, after the last iteration',
};

const METRICS: DisclosureClass = {
  name: 'metrics',
  to: 'receivers',
  phase: 'publishing',
  elements: 'number of requested metrics',
  meaning: 'quality figures of the joint model, computed by the label holder from the scores',
};

const DOMAIN_GUARD: DisclosureClass = {
  name: 'domain_guard',
  to: 'data_holders',
  phase: 'training',
  elements: 'at most one an iteration',
  meaning:
    'about how many rows of the step’s batch have a logit near the edge of the sigmoid approximation, rounded to a sixteenth; of a batch of one row, how near',
};

const WEIGHTS: DisclosureClass = {
  name: 'weights',
  to: 'receivers',
  phase: 'publishing',
  elements: 'number of features + 1',
  meaning: 'the model: one weight a feature and the intercept, rounded to open_bits',
};

const COLUMN_SCALES: DisclosureClass = {
  name: 'column_scales',
  to: 'receivers',
  phase: 'publishing',
  elements: 'number of features + 1',
  meaning:
    'the power of two next to each column’s standard deviation: the unit its weight is rounded in',
};

/**
 * The machine-readable statement of what vertical logistic and linear regression reveal under these
 * parameters. Embedded in the contract; the ledger refuses every opening that is not in it.
 */
export function linearLeakage(inputs: LeakageInputs): LeakageStatement {
  const { algorithm, parameters, alignment } = inputs;
  return {
    algorithm: `vertical_${algorithm}`,
    opened: [
      ...(alignment === 'psi' ? [INTERSECTION] : []),
      ...(algorithm === 'logistic_regression' ? [DOMAIN_GUARD] : []),
      parameters.use_validation_set ? VALIDATION_SCORES : TRAINING_SCORES,
      METRICS,
      ...(parameters.model_release === 'full' ? [COLUMN_SCALES, WEIGHTS] : []),
    ],
    structural: [
      'number of rows, columns and categories of every dataset (in the contract)',
      'number of iterations, timing and sizes of messages (functions of the contract, the intersection size and the values of domain_guard)',
    ],
    assumptions: [
      'semi-honest parties; the label holder and the feature holder do not collude',
      'ring-LWE (N = 4096, 108-bit modulus, ternary secret), statistical hiding in the slot products: 2^-36 over 1000 answers, one an iteration and 4096 rows, and as the square root of their number',
      'CDH in ristretto255 and in Curve25519, AES-128 as PRG and correlation-robust hash, random oracle SHA-256',
    ],
  };
}
