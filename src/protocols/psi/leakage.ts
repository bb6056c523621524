import type { DisclosureClass, LeakageStatement } from '../disclosure.ts';

/** What the openings of a matching of records depend on. */
export interface MatchingInputs {
  /** Whether the common records are counted before they are matched. */
  readonly counted: boolean;
  /** Rows of the larger table. */
  readonly keys: number;
}

/** What aligning two tables opens, for the statement of any algorithm that works on common records. */
export function alignmentLeakage({
  method,
  counted,
  keys,
}: MatchingInputs & { readonly method: 'psi' | 'row_order' }): Pick<
  LeakageStatement,
  'opened' | 'structural' | 'assumptions'
> {
  if (method === 'row_order') return { opened: [], structural: [], assumptions: [] };
  const intersection: DisclosureClass = {
    name: 'intersection',
    to: 'data_holders',
    phase: 'aligning',
    elements: 'number of own keys, one bit each',
    most: keys,
    meaning: 'which of its own records each data holder has in common with the other',
  };
  return {
    opened: [...(counted ? [INTERSECTION_SIZE] : []), intersection],
    structural: [DISTINCT_KEYS],
    assumptions: [MATCHING],
  };
}

/** The statement of a set intersection whose receivers keep what they learn. */
export function intersectionLeakage({ counted, keys }: MatchingInputs): LeakageStatement {
  return {
    algorithm: 'intersection',
    opened: [
      ...(counted ? [INTERSECTION_SIZE] : []),
      {
        name: 'intersection',
        to: 'receivers',
        phase: 'aligning',
        elements: 'number of own keys, one bit each',
        most: keys,
        meaning: 'which of its own records each receiver has in common with the other data holder',
      },
    ],
    structural: [
      'number of rows of every dataset (in the contract)',
      DISTINCT_KEYS,
      'timing and sizes of messages (functions of these numbers and, where both data holders receive the result, of the intersection size)',
    ],
    assumptions: ['semi-honest parties', MATCHING],
  };
}

const INTERSECTION_SIZE: DisclosureClass = {
  name: 'intersection_size',
  to: 'data_holders',
  phase: 'aligning',
  elements: '1',
  most: 1,
  meaning:
    'how many records the data holders have in common, before anybody learns which: below the agreed minimum the task ends there',
};

const MATCHING =
  'DDH in Curve25519, random oracles SHA-256 and SHA-512; a false match with probability at most 2^-40';

const DISTINCT_KEYS = 'number of distinct keys of every dataset, to the other data holder';
