/** What this node's code is and reveals for each contract that it runs. */
import type { LeakageStatement } from '../../protocols/disclosure.ts';
import { intersectionLeakage } from '../../protocols/psi/leakage.ts';
import { MAX_ITEMS } from '../../protocols/psi/set-size.ts';
import {
  type Contract,
  isTreePrediction,
  isTreeTraining,
  type PsiContract,
} from '../consensus/contract.ts';
import type { Declare } from '../consensus/contract-check.ts';
import {
  type LinearPredictionTerms,
  type LinearTrainingTerms,
  linearLeakageOf,
  linearPredictionLeakageOf,
  runsLinear,
} from './linear-declaration.ts';
import { fewestRows, matchingOf, mostRows } from './matching-terms.ts';
import {
  objectionToTrees,
  scoresTrees,
  type TreePredictionTerms,
  type TreeTrainingTerms,
  treeLeakageOf,
  treePredictionLeakageOf,
} from './tree-declaration.ts';

/** Keys of one party that are matched bucket by bucket. Own choice: their text must fit in memory. */
const MOST_BUCKETED = 2 ** 27;

/** What a training on these terms reveals; a contract without it is still a draft. */
export function leakageOf(terms: LinearTrainingTerms | TreeTrainingTerms): LeakageStatement {
  return isTreeTraining(terms) ? treeLeakageOf(terms) : linearLeakageOf(terms);
}

/** What a prediction on these terms reveals. */
export function predictionLeakageOf(
  terms: LinearPredictionTerms | TreePredictionTerms,
): LeakageStatement {
  return isTreePrediction(terms)
    ? treePredictionLeakageOf(terms)
    : linearPredictionLeakageOf(terms);
}

/** What a set intersection on these terms reveals. */
export function intersectionLeakageOf(
  terms: Pick<PsiContract, 'algorithm' | 'alignment' | 'parameters' | 'parties'>,
): LeakageStatement {
  const { algorithm, alignment, parameters, parties } = terms;
  const payload = parties.flatMap(({ dataset }) => dataset?.payload ?? []);
  return intersectionLeakage({
    ...matchingOf(terms),
    rows: fewestRows(terms),
    output: parameters.output,
    join: parameters.join,
    expanded: alignment.duplicates === 'expand' && parameters.join !== 'difference',
    payload: algorithm.name === 'labelled_intersection' ? payload.length : null,
  });
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
  // Parties that only receive have no session yet.
  if (parties.some(({ dataset }) => dataset === null)) return undefined;
  if (alignment.method === 'psi' && mostRows(contract) > mostKeys(alignment)) return undefined;
  switch (contract.kind) {
    case 'train':
      if (isTreeTraining(contract)) {
        return objectionToTrees(contract) === null ? treeLeakageOf(contract) : undefined;
      }
      return runsLinear(contract) ? linearLeakageOf(contract) : undefined;
    case 'psi':
      return intersectionLeakageOf(contract);
    case 'predict':
      if (isTreePrediction(contract)) {
        return scoresTrees(contract) ? treePredictionLeakageOf(contract) : undefined;
      }
      return linearPredictionLeakageOf(contract);
  }
}

/** Keys that one party may bring to a matching. */
function mostKeys({ engine, minimumIntersection }: Contract['alignment']): number {
  return engine === 'ecdh' || minimumIntersection > 0 ? MAX_ITEMS : MOST_BUCKETED;
}
