import { FEWEST_HIDING_BITS, hidingBits, linearLeakage } from '../../ml/vertical/linear/leakage.ts';
import type { LeakageStatement } from '../../protocols/disclosure.ts';
import type { Contract } from '../consensus/contract.ts';
import type { Declare } from '../consensus/contract-check.ts';

type Terms = Pick<Contract, 'algorithm' | 'parameters' | 'alignment' | 'parties'>;

/** What a task on these terms reveals; a contract without it is still a draft. */
export function leakageOf({ algorithm, parameters, alignment, parties }: Terms): LeakageStatement {
  return linearLeakage({
    algorithm: algorithm.name,
    parameters,
    alignment: alignment.method,
    rows: rowsOf(parties),
  });
}

/** Whether so many steps on so many rows wear out the statistical hiding of logistic regression. */
export function hidesTooLittle({ algorithm, parameters, parties }: Terms): boolean {
  const bits = hidingBits({ parameters, rows: rowsOf(parties) });
  return algorithm.name === 'logistic_regression' && bits < FEWEST_HIDING_BITS;
}

/** What this node's code is and reveals for the tasks that it runs; undefined for others. */
export function declareAlgorithms(implementation: string): Declare {
  return (contract) =>
    hidesTooLittle(contract) ? undefined : { implementation, leakage: leakageOf(contract) };
}

/** Rows of the smaller table: no more than these are aligned. */
function rowsOf(parties: Terms['parties']): number {
  return Math.min(...parties.flatMap(({ dataset }) => dataset?.rowCount ?? []));
}
