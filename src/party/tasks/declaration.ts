import { largestClassWeight } from '../../ml/vertical/linear/design.ts';
import { MAX_ROWS } from '../../ml/vertical/linear/fixed-point.ts';
import { FEWEST_HIDING_BITS, hidingBits, linearLeakage } from '../../ml/vertical/linear/leakage.ts';
import { LINEAR_SLACK, LOGISTIC_SLACK, sgdStep } from '../../ml/vertical/linear/solver.ts';
import type { LeakageStatement } from '../../protocols/disclosure.ts';
import type { TrainContract } from '../consensus/contract.ts';
import type { Declare } from '../consensus/contract-check.ts';
import { featuresWidth } from '../consensus/feature-width.ts';

type Terms = Pick<TrainContract, 'algorithm' | 'parameters' | 'alignment' | 'parties' | 'metrics'>;

/** What a task on these terms reveals; a contract without it is still a draft. */
export function leakageOf(terms: Terms): LeakageStatement {
  const { algorithm, parameters, alignment, parties, metrics } = terms;
  const datasets = parties.flatMap(({ dataset }) => dataset ?? []);
  return linearLeakage({
    algorithm: algorithm.name,
    parameters,
    alignment: alignment.method,
    rows: rowsOf(parties),
    keys: Math.max(...datasets.map(({ rowCount }) => rowCount)),
    columns: datasets.reduce((sum, { features }) => sum + featuresWidth(features), 0),
    metrics: metrics.length,
  });
}

/** Whether so many steps on so many rows wear out the statistical hiding of logistic regression. */
export function hidesTooLittle({ algorithm, parameters, parties }: Terms): boolean {
  const bits = hidingBits({ parameters, rows: rowsOf(parties) });
  return algorithm.name === 'logistic_regression' && bits < FEWEST_HIDING_BITS;
}

/** What this node's code is and reveals for the contracts that it runs; undefined for all others. */
export function declareAlgorithms(implementation: string): Declare {
  return (contract) =>
    contract.kind === 'train' && runs(contract) && !hidesTooLittle(contract)
      ? { implementation, leakage: leakageOf(contract) }
      : undefined;
}

/** Whether the parties and the parameters of a well-formed contract are some that the code can run. */
function runs({ parties, algorithm, parameters }: Terms): boolean {
  const [label, feature, ...others] = parties;
  if (!label?.dataset || !feature?.dataset || others.length > 0) return false;
  const rows = rowsOf(parties);
  if (rows > MAX_ROWS) return false;
  if (parameters.solver !== 'sgd') return true;
  const slack = algorithm.name === 'linear_regression' ? LINEAR_SLACK : LOGISTIC_SLACK;
  return hasSteps(parameters, rows, slack);
}

/**
 * Whether the steps of `sgd` are integers that fixed point holds, for as many common rows as there can
 * be; how many there are is known only after the alignment.
 */
function hasSteps(
  { batch_size, learning_rate, class_weight, l2 }: TrainContract['parameters'],
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

/** Rows of the smaller table: no more than these are aligned. */
function rowsOf(parties: Terms['parties']): number {
  return Math.min(...parties.flatMap(({ dataset }) => dataset?.rowCount ?? []));
}
