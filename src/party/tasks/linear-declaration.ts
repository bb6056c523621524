/** What trainings and predictions of linear models reveal, and which of them this node's code runs. */
import { largestClassWeight } from '../../ml/vertical/linear/design.ts';
import { MAX_ROWS } from '../../ml/vertical/linear/fixed-point.ts';
import {
  FEWEST_HIDING_BITS,
  hidingBits,
  linearLeakage,
  predictionLeakage,
} from '../../ml/vertical/linear/leakage.ts';
import type { LinearParameters } from '../../ml/vertical/linear/parameters.ts';
import { LINEAR_SLACK, LOGISTIC_SLACK, sgdStep } from '../../ml/vertical/linear/solver.ts';
import type { LeakageStatement } from '../../protocols/disclosure.ts';
import type { LinearPrediction, LinearTraining } from '../consensus/contract.ts';
import { featuresWidth } from '../consensus/feature-width.ts';
import { fewestRows, matchingOf } from './matching-terms.ts';

/** What the statement of a training depends on. */
export type LinearTrainingTerms = Pick<
  LinearTraining,
  'algorithm' | 'parameters' | 'alignment' | 'parties' | 'metrics'
>;

export type LinearPredictionTerms = Pick<
  LinearPrediction,
  'algorithm' | 'alignment' | 'parties' | 'receivers'
>;

/** What a training on these terms reveals; a contract without it is still a draft. */
export function linearLeakageOf(terms: LinearTrainingTerms): LeakageStatement {
  const { algorithm, parameters, alignment, parties, metrics } = terms;
  const datasets = parties.flatMap(({ dataset }) => dataset ?? []);
  return linearLeakage({
    algorithm: algorithm.name,
    parameters,
    alignment: alignment.method,
    ...matchingOf(terms),
    rows: fewestRows(terms),
    columns: datasets.reduce((sum, { features }) => sum + featuresWidth(features), 0),
    metrics: metrics.length,
  });
}

/** What a prediction on these terms reveals. */
export function linearPredictionLeakageOf(terms: LinearPredictionTerms): LeakageStatement {
  const { algorithm, alignment, parties, receivers } = terms;
  return predictionLeakage({
    algorithm: algorithm.name,
    alignment: alignment.method,
    ...matchingOf(terms),
    rows: fewestRows(terms),
    toFeatureHolder: parties.some(
      ({ name, role }) => role === 'feature_holder' && receivers.includes(name),
    ),
  });
}

/** Whether so many steps on so many rows wear out the statistical hiding of logistic regression. */
export function hidesTooLittle(terms: LinearTrainingTerms): boolean {
  const { algorithm, parameters } = terms;
  const bits = hidingBits({ parameters, rows: fewestRows(terms) });
  return algorithm.name === 'logistic_regression' && bits < FEWEST_HIDING_BITS;
}

/** Whether this node's code can run the training: parameters and rows are in its range. */
export function runsLinear(terms: LinearTrainingTerms): boolean {
  const { algorithm, parameters } = terms;
  const rows = fewestRows(terms);
  if (rows > MAX_ROWS || hidesTooLittle(terms)) return false;
  if (parameters.solver !== 'sgd') return true;
  const slack = algorithm.name === 'linear_regression' ? LINEAR_SLACK : LOGISTIC_SLACK;
  return hasSteps(parameters, rows, slack);
}

/**
 * Whether the steps of `sgd` are integers that fixed point holds, for as many common rows as there can
 * be; how many there are is known only after the alignment.
 */
function hasSteps(
  { batch_size, learning_rate, class_weight, l2 }: LinearParameters,
  trainingRows: number,
  slack: number,
): boolean {
  const learningRate = learning_rate * largestClassWeight(class_weight);
  const ridge = l2 / largestClassWeight(class_weight) / trainingRows;
  try {
    const { data, ridge: penalty } = sgdStep(
      { learningRate, ridge, trainingRows, intercept: false },
      batch_size,
      slack,
    );
    return Number.isSafeInteger(data) && Number.isSafeInteger(penalty);
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
