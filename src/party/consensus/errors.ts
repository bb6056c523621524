/**
 * Why a node does not take part in a task. Codes are a closed set: they go to the peer and into both
 * sides' records, and tests look at nothing else.
 */
const CODES = [
  // what the message itself is
  'malformed_message', // a request, vote or receipt with a missing, unknown or out-of-range field
  'malformed_contract',
  'unsupported_version',
  'implementation_mismatch', // the parties run different code for this algorithm
  'leakage_mismatch', // the contract declares another leakage than this node's code
  // who says it
  'unknown_party', // a party of the contract is not pinned here
  'identity_mismatch', // a party of the contract has another key here
  'not_initiator',
  'not_participant',
  'bad_signature',
  // when
  'expired',
  'vote_expired',
  'not_yet_valid', // dated in the future beyond what clocks may differ
  // again
  'replayed_task',
  'replayed_nonce',
  'too_many_tasks', // of this peer that are not agreed here
  // whether this node wants to
  'refused_by_policy', // the whole answer: the reason stays in the local log
  'data_mismatch', // the data are not what the contract says they are
  // votes and certificates
  'contract_changed', // other bytes than those that were voted on
  'wrong_task', // a vote on another task
  'wrong_signer', // a statement in the name of another party than the one that sends it
  'missing_vote',
  'duplicate_vote',
  'not_accepted', // a vote whose decision is not `accept`
  'vote_mismatch', // another vote than the one that this node sent, or that the initiator sent here
  'certificate_mismatch', // a party committed to another certificate
  // logs
  'audit_rolled_back', // a party shows less of its audit log than it has shown before
  'audit_forked', // a party shows another audit log than before, or another key of it
  // state
  'unknown_task',
  'unknown_attempt', // a receipt for an attempt that was not made here
  'wrong_state', // the task is past, or not yet at, this step
  'aborted',
  'cancelled', // by a person, at any party
  'task_failed', // after consensus
  'duplicate_receipt', // a second, different receipt for one attempt
  // no usable answer
  'timed_out',
  'unreachable',
  'internal', // a fault of this node; details in its log
] as const;

/** `dataset/...` carries the dataset's own error code, e.g. `dataset/missing_column`. */
export type ConsensusErrorCode = (typeof CODES)[number] | `dataset/${string}`;

const DATASET_CODE = /^dataset\/[a-z0-9_]{1,48}$/;

export function isConsensusErrorCode(text: string): text is ConsensusErrorCode {
  return (CODES as readonly string[]).includes(text) || DATASET_CODE.test(text);
}

/** What a node tells its peers when it does not take part, and what all of them record. */
export interface Refusal {
  readonly code: ConsensusErrorCode;
  /** One sentence for people; holds no value, no path outside the request and no policy. */
  readonly reason: string;
}

/**
 * A consensus step that was refused. `message` is safe to show to the peer: that is a rule for
 * whoever throws it. What must stay here goes into `cause`.
 */
export class ConsensusError extends Error {
  readonly code: ConsensusErrorCode;

  constructor(code: ConsensusErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConsensusError';
    this.code = code;
  }
}

/** Throws `malformed_contract`: what stands at `path` is not what was expected. */
export function malformedContract(path: string, expected: string): never {
  throw new ConsensusError('malformed_contract', `${path} ${expected}`);
}

/** What a field of a contract must be, and whether it is. */
export type Rule = readonly [path: string, fits: boolean, expected: string];

/** Throws `malformed_contract` for the first rule that does not hold. */
export function checkRules(rules: readonly Rule[]): void {
  for (const [path, fits, expected] of rules) if (!fits) malformedContract(path, expected);
}

/** The refusal that an error amounts to. An error of any other kind tells the peer nothing. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof ConsensusError) return { code: error.code, reason: error.message };
  return { code: 'internal', reason: 'the node could not answer; its log says why' };
}
