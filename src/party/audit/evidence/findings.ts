/** What can be wrong with evidence, by name, and the list of what is. */

/** Every reason for which evidence fails, and what it means. */
export const REASONS = {
  // The file.
  malformed_bundle: 'the file is not evidence of this format',
  truncated_bundle: 'the file ends before it should',
  altered_bundle: 'the file is not the one that its last line closes',
  // Keys.
  untrusted_party: 'the trusted keys have no key of this party',
  wrong_key: 'the key is not the one that is trusted',
  // The log.
  checkpoint_forged: 'the log did not sign this checkpoint',
  cosignature_forged: 'the witness did not sign this checkpoint',
  self_confirmed: 'a party cannot confirm its own log',
  not_cosigned: 'a counterparty has confirmed no state of this log',
  log_truncated: 'the log is shorter than the state that a witness has confirmed',
  log_forked: 'the log does not continue the state that a witness has confirmed',
  entry_altered: 'the log has another entry in this place, or none',
  entry_dropped: 'an entry is missing',
  entry_reordered: 'an entry is not in its place',
  time_reversed: 'times contradict the order of the log by more than clocks differ',
  // What was agreed.
  contract_altered: 'the contract is not the one that was voted on',
  contract_missing: 'the contract is missing',
  vote_missing: 'a party did not vote',
  vote_forged: 'the party did not sign this vote',
  vote_replayed: 'the vote is about another contract',
  vote_refused: 'the vote does not accept the contract',
  vote_expired: 'the vote was not valid any more',
  vote_early: 'the vote was not valid yet',
  certificate_altered: 'the start certificate does not hold these votes',
  not_agreed: 'something ran that was not agreed, or not yet',
  // What ran.
  implementation_differs: 'the code that ran is not the one that was agreed',
  dataset_differs: 'the data that was read is not the one that was agreed',
  file_differs: 'the file is not the one that was agreed on',
  file_unopened: 'the evidence does not open the commitment that the file is held against',
  session_unbound: 'a session is not the agreed task’s',
  session_missing: 'something went between the parties without a session that the log shows',
  receipt_forged: 'the party did not sign this phase receipt',
  receipt_broken: 'phase receipts of one session contradict each other',
  receipt_missing: 'a phase receipt of a session is missing',
  bytes_differ: 'the two ends of a session speak of other bytes',
  undeclared_disclosure: 'something was opened that the contract does not name',
  excess_disclosure: 'more was opened than the contract allows',
  // How it ended.
  result_forged: 'the party did not sign this result',
  result_missing: 'a party has not signed how the task ended',
  result_awaited:
    'a party’s word on how the task ended had not come when this was made; whether it stayed away or was left out only that party’s own evidence shows',
  opening_wrong: 'an opening does not open what it should',
  // Two bundles against each other.
  not_comparable: 'the bundles are not two parties’ evidence of one task',
  agreement_differs: 'the parties hold different agreements',
  session_differs: 'the parties tell a session differently',
  receipt_unmatched: 'one party lacks a phase receipt that the other has',
  disclosure_unmatched: 'what one party opened is not what the other learned',
  result_differs: 'the parties hold different results of one party',
  cosignature_missing: 'one party lacks a checkpoint that the other has confirmed',
} as const;

export type Reason = keyof typeof REASONS;

/** One thing that is wrong. */
export interface Finding {
  readonly reason: Reason;
  /** Where: `line 4`, `entry 17`, a party, a session. */
  readonly where: string;
  /** In words, for people. Holds names and numbers of the bundle, which may be a stranger's. */
  readonly detail: string;
}

/** Findings that a report lists; the others are counted. Own choice. */
const MAX_LISTED = 200;

/** Collects what is wrong, each thing once. */
export class Findings {
  readonly #listed: Finding[] = [];
  readonly #known = new Set<string>();
  #unlisted = 0;

  add(reason: Reason, where: string, detail: string): void {
    const key = `${reason}\0${where}\0${detail}`;
    if (this.#known.has(key)) return;
    if (this.#listed.length >= MAX_LISTED) {
      this.#unlisted += 1;
      return;
    }
    this.#known.add(key);
    this.#listed.push({ reason, where, detail });
  }

  get listed(): readonly Finding[] {
    return this.#listed;
  }

  /** How many more there are. */
  get unlisted(): number {
    return this.#unlisted;
  }

  get none(): boolean {
    return this.#listed.length === 0;
  }
}
