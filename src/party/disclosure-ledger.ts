import type { DisclosureTerms } from '../protocols/disclosure.ts';
import { ProtocolError } from '../protocols/errors.ts';
import type { Trail } from './audit/trail.ts';
import type {
  CommittedDisclosure,
  CommittedLedger,
  OpenedCommitment,
} from './audit/value-commitment.ts';
import type { Contract } from './consensus/contract.ts';
import type { ConsensusRecord, VoteRecord } from './consensus/records.ts';
import { checkDeclared, declaredClasses } from './declared-disclosures.ts';
import type { Count, OpenedCounts } from './opened-values.ts';
import { budgetOf, type PolicyRule } from './policy-rule.ts';
import { type Store, storeKey } from './store.ts';

/** One opening, as it is kept. Values are never stored. */
export interface DisclosureRecord extends DisclosureTerms {
  readonly taskId: string;
  readonly attempt: number;
  /** The commitment that stands in the audit log, and its salt, which leaves only by request. */
  readonly value: OpenedCommitment | null;
  /** Position among the task's openings at this node, over all attempts, from 0. */
  readonly seq: number;
  /** ISO 8601 UTC. */
  readonly time: string;
}

export interface LedgerDeps {
  readonly store: Store;
  readonly trail: Trail;
  readonly counts: OpenedCounts;
  /** Unix ms. */
  readonly now: () => number;
}

/** Whose openings a ledger records. */
export interface LedgerTask {
  readonly contract: Contract;
  readonly taskId: string;
  readonly attempt: number;
}

/**
 * The ledger of one attempt at a task at this node. What was opened in an attempt that broke stays
 * opened: rows and counters go on, only the contract's bounds begin anew. The lifetime budgets are
 * those of the rule by which this node voted. Row and audit entry are on the disk together; what is
 * refused has an entry, too.
 */
export async function openDisclosureLedger(
  { store, trail, counts, now }: LedgerDeps,
  { contract, taskId, attempt }: LedgerTask,
): Promise<CommittedLedger> {
  const table = store.table<DisclosureRecord>('disclosures');
  const declared = declaredClasses(contract);
  const { self, dataset, budgets } = await agreement(store, taskId);
  const last = await table.last(taskId);
  let nextSeq = last ? last[1].seq + 1 : 0;
  const opened = new Map<string, number>();
  // All of them now: what waits later would let a later opening take an earlier one's place.
  for (const [name, { readers }] of declared) await counts.load(countsOf(name, readers));

  /** Counts towards what the contract opens in one attempt. Throws `NOT_DECLARED`. */
  function declare(terms: DisclosureTerms): void {
    const { most } = checkDeclared(terms, declared);
    const total = (opened.get(terms.class) ?? 0) + terms.elements;
    if (total > most) {
      throw new ProtocolError('NOT_DECLARED', `the contract opens at most ${most} ${terms.class}`);
    }
    opened.set(terms.class, total);
  }

  function countsOf(name: string, readers: Iterable<string>): readonly Count[] {
    if (dataset === null) return [];
    const most = budgets ? budgetOf(budgets, name) : null;
    const others = [...new Set(readers)].filter((party) => party !== self);
    return others.map((peer) => ({ dataset, peer, class: name, most }));
  }

  async function keep({ class: name, to, elements, value }: CommittedDisclosure): Promise<void> {
    const terms = { class: name, to, elements };
    declare(terms);
    const counted = countsOf(name, to);
    const entry = { ...terms, value: value?.commitment ?? null };
    const kept = trail.record('disclosure', { task: taskId, attempt }, entry, () => {
      const added = counts.add(counted, elements);
      const time = new Date(now()).toISOString();
      const seq = nextSeq++;
      const record = { taskId, attempt, seq, ...terms, value, time };
      return [table.put(storeKey(taskId, seq), record), ...added];
    });
    // Once a log could not be written it takes nothing more: no opening, and no result.
    if (to.every((party) => party === self)) kept.catch(() => undefined);
    else await kept;
  }

  return {
    async record(disclosure) {
      try {
        await keep(disclosure);
      } catch (error) {
        if (error instanceof ProtocolError) {
          const refused = { source: 'protocol', code: error.code, party: self } as const;
          await trail.record('error', { task: taskId, attempt }, refused);
        }
        throw error;
      }
    },
  };
}

/** What this node agreed to when it voted for a task. */
interface Agreement {
  readonly self: string;
  /** `Datasets.identity` of what it brings. */
  readonly dataset: string | null;
  readonly budgets: PolicyRule['budgets'];
}

/** Throws `NOT_DECLARED` when this node has not voted for the task: then nothing may be opened. */
async function agreement(store: Store, taskId: string): Promise<Agreement> {
  const record = await store.table<ConsensusRecord>('contracts').get(taskId);
  const votes = await store.table<VoteRecord>('votes').list(taskId);
  const own = votes.find(([, { opening }]) => opening !== null)?.[1];
  if (!record || !own) {
    throw new ProtocolError('NOT_DECLARED', 'this node has not voted for the task');
  }
  const { budgets } = own.opening!.rule as PolicyRule;
  return { self: own.vote.body.signer, dataset: record.dataset, budgets };
}

/** Every opening of a task that this node recorded, in order. */
export async function disclosuresOf(
  store: Store,
  taskId: string,
): Promise<readonly DisclosureRecord[]> {
  const entries = await store.table<DisclosureRecord>('disclosures').list(taskId);
  return entries.map(([, record]) => record);
}
