/** What a bundle tells of a task, for people and for the comparison with another party's bundle. */
import type { Contract } from '../../consensus/contract.ts';
import type { ResultReceipt } from '../../consensus/receipt-statement.ts';
import type { Signed } from '../../consensus/signed.ts';
import type { Vote } from '../../consensus/vote.ts';
import type { EntryBody } from '../entry.ts';
import type { PhaseStatement } from '../phase-statement.ts';
import type { ConfirmedState } from './ground.ts';

/** A session as one end tells it. */
export interface SessionStory {
  readonly id: string;
  readonly attempt: number;
  readonly opened: EntryBody<'session_opened'>;
  readonly openedAt: string;
  closed: EntryBody<'session_closed'> | null;
  /** In the order in which they were logged; each verified. */
  readonly receipts: PhaseStatement[];
}

/** Openings of one class to the same readers in one attempt, together. */
export interface DisclosureStory {
  readonly attempt: number;
  readonly class: string;
  /** Sorted. */
  readonly to: readonly string[];
  openings: number;
  elements: number;
  /** Openings at which this party handed something over itself. */
  told: number;
}

/** A state of the other's log that this party confirmed. */
export interface WitnessedState {
  readonly party: string;
  readonly size: number;
  readonly root: string;
}

export interface TaskStory {
  readonly party: string;
  readonly task: string;
  readonly contract: Contract | null;
  readonly votes: readonly Signed<Vote>[];
  /** `certificateDigest`; null when the task was not agreed. */
  readonly certificate: string | null;
  readonly agreedAt: string | null;
  readonly sessions: ReadonlyMap<string, SessionStory>;
  readonly disclosures: readonly DisclosureStory[];
  /** By attempt and signer, see `resultKey`. */
  readonly results: ReadonlyMap<string, Signed<ResultReceipt>>;
  /** States of this log that others confirmed, smallest first. */
  readonly confirmed: readonly ConfirmedState[];
  /** Entries of the log at the bundle's checkpoint; 0 when nothing vouches for it. */
  readonly logSize: number;
  /** Roots of this log by size, of states that its final one continues. */
  readonly states: ReadonlyMap<number, string>;
  /** States of others' logs that this party confirmed. */
  readonly witnessed: readonly WitnessedState[];
  /** Codes with which a party would not confirm a state. */
  readonly unconfirmed: readonly string[];
  /** Why it ended without a result, as codes of refusals, errors and cancellations. */
  readonly setbacks: readonly string[];
}

/** Different remarks of one kind that are kept of a bundle, which may be a stranger's. Own choice. */
const MAX_REMARKS = 1000;

/** Keeps a remark, each once. */
export function remark(remarks: Set<string>, text: string): void {
  if (remarks.size < MAX_REMARKS) remarks.add(text);
}

/** Things of attempts, by attempt. */
export function byAttempt<T extends { readonly attempt: number }>(
  items: readonly T[],
): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const group = groups.get(item.attempt);
    if (group) group.push(item);
    else groups.set(item.attempt, [item]);
  }
  return groups;
}

export function resultKey({ attempt, signer }: Pick<ResultReceipt, 'attempt' | 'signer'>): string {
  return `attempt ${attempt}, ${signer}`;
}
