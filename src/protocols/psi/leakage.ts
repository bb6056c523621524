import type { DisclosureClass, LeakageStatement } from '../disclosure.ts';
import type { PsiEngine } from './intersection.ts';
import { bucketCount } from './item-buckets.ts';

/** What the openings of a matching of records depend on. */
export interface MatchingInputs {
  readonly engine: PsiEngine;
  /** Whether the common records are counted before they are matched. */
  readonly counted: boolean;
  /** Who bring records. */
  readonly parties: number;
  /** Rows of the largest table. */
  readonly keys: number;
}

/** What the openings of a set intersection depend on. */
export interface IntersectionInputs extends MatchingInputs {
  /** Rows of the smallest table. */
  readonly rows: number;
  readonly output: 'rows' | 'size';
  readonly join: 'inner' | 'left' | 'right' | 'full' | 'difference';
  /** Whether every pair of records with a common key is a line of the result. */
  readonly expanded: boolean;
  /** Columns whose values a receiver learns of common records; null unless it is labelled. */
  readonly payload: number | null;
}

type Statement = Pick<LeakageStatement, 'opened' | 'structural' | 'assumptions'>;

/** What aligning tables opens, for the statement of any algorithm that works on common records. */
export function alignmentLeakage({
  method,
  ...inputs
}: MatchingInputs & { readonly method: 'psi' | 'row_order' }): Statement {
  if (method === 'row_order') return { opened: [], structural: [], assumptions: [] };
  const intersection: DisclosureClass = {
    name: 'intersection',
    to: 'data_holders',
    phase: 'aligning',
    elements: 'number of own keys, one bit each',
    most: inputs.keys,
    meaning: `which of its own records each data holder has in common with ${others(inputs)}`,
  };
  return {
    opened: [...(inputs.counted ? [INTERSECTION_SIZE] : []), intersection],
    structural: [sizesSeen(inputs, inputs.counted)],
    assumptions: [...(inputs.parties > 2 ? [COALITIONS] : []), ...matchingAssumptions(inputs)],
  };
}

/** The statement of a set intersection whose receivers keep what they learn. */
export function intersectionLeakage(inputs: IntersectionInputs): LeakageStatement {
  const { counted, output, join, payload, parties } = inputs;
  const whole = counted || output === 'size' || join !== 'inner'; // counts and lines are of all keys
  return {
    algorithm: payload === null ? 'intersection' : 'labelled_intersection',
    opened: output === 'size' ? [RESULT_SIZE] : openedRows(inputs),
    structural: [
      'number of rows of every dataset (in the contract)',
      sizesSeen(inputs, whole),
      ...(join === 'inner' ? [] : [joined(join)]),
      ...(payload === null ? [] : [PAYLOAD_LENGTH]),
      output === 'size'
        ? 'timing and sizes of messages (functions of these numbers)'
        : 'timing and sizes of messages (functions of these numbers and, where several parties receive the result, of the intersection size)',
    ],
    assumptions: [parties > 2 ? COALITIONS : 'semi-honest parties', ...matchingAssumptions(inputs)],
  };
}

function openedRows(inputs: IntersectionInputs): DisclosureClass[] {
  const { counted, keys, rows, expanded, payload } = inputs;
  const opened: DisclosureClass[] = counted ? [INTERSECTION_SIZE] : [];
  opened.push({
    name: 'intersection',
    to: 'receivers',
    phase: 'aligning',
    elements: 'number of own keys, one bit each',
    most: keys,
    meaning: `which of its own records each receiver has in common with ${others(inputs)}`,
  });
  if (expanded) {
    opened.push({
      name: 'multiplicities',
      to: 'receivers',
      phase: 'aligning',
      elements: 'number of common keys',
      most: keys,
      meaning: 'how many records each common key has at the other data holder',
    });
  }
  if (payload !== null) {
    opened.push({
      name: 'payload',
      to: 'payload_receivers',
      phase: 'aligning',
      elements: 'number of common records times payload columns',
      most: rows * payload,
      meaning: 'the values of the payload columns of every common record, in clear',
    });
  }
  return opened;
}

function others({ parties }: MatchingInputs): string {
  return parties > 2 ? 'all other data holders' : 'the other data holder';
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

const RESULT_SIZE: DisclosureClass = {
  ...INTERSECTION_SIZE,
  meaning: 'how many records the data holders have in common, and not which',
};

/** What sizes of messages tell of the data, beyond the contract. */
function sizesSeen({ keys, parties }: MatchingInputs, whole: boolean): string {
  if (bucketCount(keys) > 1 && !whole) {
    return 'what the keys of every dataset are padded to, bucket by bucket: a function of the numbers of rows, not of distinct keys';
  }
  return parties > 2
    ? 'number of distinct keys of every dataset, to the data holder that learns first (of those who learn which records are common, the first in the contract), and of its own to all'
    : 'number of distinct keys of every dataset, to the other data holder';
}

function joined(join: string): string {
  return `lines of a ${join} join for records that are not common: which of a receiver’s own, and how many of the other data holder’s, follow from the intersection and the numbers of rows and distinct keys; keys of the other’s records that are not common are not shown`;
}

const PAYLOAD_LENGTH =
  'length of the longest record of the payload, to the receiver: the others are padded to it';

const COALITIONS =
  'semi-honest parties; parties that pool what they see learn nothing beyond their results, unless the one that learns first (of those who learn which records are common, the first in the contract) is one of them: then they learn which of its records all parties outside their pool have';

const ECDH =
  'DDH in Curve25519, random oracles SHA-256 and SHA-512; a false match with probability at most 2^-40';

const RR22 =
  'dual LPN over GF(2^128) with regular noise for the expand-convolute code of 7 and 24 taps; CDH in edwards25519; fixed-key AES-128 as an ideal permutation; random oracle SHA-256; a false match with probability at most 2^-40';

const ZERO_SHARING = 'AES-128 as the pseudo-random function of the shares of zero';

function matchingAssumptions({ engine, counted, parties }: MatchingInputs): string[] {
  // Records are counted by Diffie-Hellman, whatever finds them.
  return [
    ...(engine === 'ecdh' || counted ? [ECDH] : []),
    ...(engine === 'rr22' ? [RR22] : []),
    ...(parties > 2 ? [ZERO_SHARING] : []),
  ];
}
