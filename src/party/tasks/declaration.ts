import { largestClassWeight } from '../../ml/vertical/linear/design.ts';
import { MAX_ROWS } from '../../ml/vertical/linear/fixed-point.ts';
import {
  FEWEST_HIDING_BITS,
  hidingBits,
  linearLeakage,
  predictionLeakage,
} from '../../ml/vertical/linear/leakage.ts';
import { LINEAR_SLACK, LOGISTIC_SLACK, sgdStep } from '../../ml/vertical/linear/solver.ts';
import type { LeakageStatement } from '../../protocols/disclosure.ts';
import { intersectionLeakage, type MatchingInputs } from '../../protocols/psi/leakage.ts';
import { MAX_ITEMS } from '../../protocols/psi/set-size.ts';
import type {
  Contract,
  PredictContract,
  PsiContract,
  TrainContract,
} from '../consensus/contract.ts';
import type { Declare } from '../consensus/contract-check.ts';
import { featuresWidth } from '../consensus/feature-width.ts';

/** Keys of one party that are matched bucket by bucket. Own choice: their text must fit in memory. */
const MOST_BUCKETED = 2 ** 27;

type Terms = Pick<TrainContract, 'algorithm' | 'parameters' | 'alignment' | 'parties' | 'metrics'>;

/** What a training on these terms reveals; a contract without it is still a draft. */
export function leakageOf(terms: Terms): LeakageStatement {
  const { algorithm, parameters, alignment, parties, metrics } = terms;
  const datasets = parties.flatMap(({ dataset }) => dataset ?? []);
  return linearLeakage({
    algorithm: algorithm.name,
    parameters,
    alignment: alignment.method,
    ...matchingOf({ alignment, parties }),
    rows: rowsOf(parties),
    columns: datasets.reduce((sum, { features }) => sum + featuresWidth(features), 0),
    metrics: metrics.length,
  });
}

/** What a set intersection on these terms reveals. */
export function intersectionLeakageOf(
  terms: Pick<PsiContract, 'algorithm' | 'alignment' | 'parameters' | 'parties'>,
): LeakageStatement {
  const { algorithm, alignment, parameters, parties } = terms;
  const payload = parties.flatMap(({ dataset }) => dataset?.payload ?? []);
  return intersectionLeakage({
    ...matchingOf({ alignment, parties }),
    rows: rowsOf(parties),
    output: parameters.output,
    join: parameters.join,
    expanded: alignment.duplicates === 'expand' && parameters.join !== 'difference',
    payload: algorithm.name === 'labelled_intersection' ? payload.length : null,
  });
}

/** What a matching on these terms depends on. */
function matchingOf({
  alignment,
  parties,
}: Pick<Contract, 'alignment' | 'parties'>): MatchingInputs {
  return {
    engine: alignment.engine,
    counted: alignment.minimumIntersection > 0,
    parties: parties.filter(({ dataset }) => dataset !== null).length,
    keys: keysOf(parties),
  };
}

/** What a prediction on these terms reveals. */
export function predictionLeakageOf({
  algorithm,
  alignment,
  parties,
  receivers,
}: Pick<PredictContract, 'algorithm' | 'alignment' | 'parties' | 'receivers'>): LeakageStatement {
  return predictionLeakage({
    algorithm: algorithm.name,
    alignment: alignment.method,
    ...matchingOf({ alignment, parties }),
    rows: rowsOf(parties),
    toFeatureHolder: parties.some(
      ({ name, role }) => role === 'feature_holder' && receivers.includes(name),
    ),
  });
}

/** Whether so many steps on so many rows wear out the statistical hiding of logistic regression. */
export function hidesTooLittle({ algorithm, parameters, parties }: Terms): boolean {
  const bits = hidingBits({ parameters, rows: rowsOf(parties) });
  return algorithm.name === 'logistic_regression' && bits < FEWEST_HIDING_BITS;
}

/** What this node's code is and reveals for the contracts that it runs; undefined for all others. */
export function declareAlgorithms(implementation: string): Declare {
  return (contract) => {
    const leakage = runnable(contract);
    return leakage && { implementation, leakage };
  };
}

/** What a contract reveals that this node's code can run; undefined for all others. */
function runnable(contract: Contract): LeakageStatement | undefined {
  const { parties, alignment } = contract;
  const holders = parties.filter(({ dataset }) => dataset !== null);
  // Parties that only receive have no session yet.
  if (holders.length !== parties.length) return undefined;
  if (holders.length !== 2 && contract.kind !== 'psi') return undefined;
  if (alignment.method === 'psi' && keysOf(parties) > mostKeys(alignment)) return undefined;
  switch (contract.kind) {
    case 'train':
      return runs(contract) && !hidesTooLittle(contract) ? leakageOf(contract) : undefined;
    case 'psi':
      return intersectionLeakageOf(contract);
    case 'predict':
      return predictionLeakageOf(contract);
  }
}

/** Keys that one party may bring to a matching. */
function mostKeys({ engine, minimumIntersection }: Contract['alignment']): number {
  return engine === 'ecdh' || minimumIntersection > 0 ? MAX_ITEMS : MOST_BUCKETED;
}

/** Whether the parameters of a training of two are some that the code can run. */
function runs({ parties, algorithm, parameters }: Terms): boolean {
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

/** Rows of the larger table: no party has more keys. */
function keysOf(parties: Terms['parties']): number {
  return Math.max(...parties.flatMap(({ dataset }) => dataset?.rowCount ?? []));
}
