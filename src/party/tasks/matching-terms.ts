/** What the terms of a contract say of how its rows are matched. */
import type { MatchingInputs } from '../../protocols/psi/leakage.ts';
import type { Contract } from '../consensus/contract.ts';

type Matched = Pick<Contract, 'alignment' | 'parties'>;
type Parties = Pick<Contract, 'parties'>;

/** What a matching on these terms depends on. */
export function matchingOf({ alignment, parties }: Matched): MatchingInputs {
  return {
    engine: alignment.engine,
    counted: alignment.minimumIntersection > 0,
    parties: parties.filter(({ dataset }) => dataset !== null).length,
    keys: mostRows({ parties }),
  };
}

/** Rows of the smallest table: no more than these are aligned. */
export function fewestRows(terms: Parties): number {
  return Math.min(...rowCounts(terms));
}

/** Rows of the largest table: no party has more keys. */
export function mostRows(terms: Parties): number {
  return Math.max(...rowCounts(terms));
}

function rowCounts({ parties }: Parties): readonly number[] {
  return parties.flatMap(({ dataset }) => dataset?.rowCount ?? []);
}
