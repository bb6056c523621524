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
import { counterKey } from './opened-values.ts';
import { budgetOf, type PolicyRule } from './policy-rule.ts';
import { type Store, storeKey, type Write } from './store.ts';

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
 * those of the rule by which this node voted. Row and audit entry are on the disk together before
 * `record` resolves; what it refuses has an entry, too.
 */
export async function openDisclosureLedger(
  { store, trail, now }: LedgerDeps,
  { contract, taskId, attempt }: LedgerTask,
): Promise<CommittedLedger> {
  const table = store.table<DisclosureRecord>('disclosures');
  const counters = store.table<number>('budgets');
  const declared = declaredClasses(contract);
  const { self, dataset, budgets } = await agreement(store, taskId);
  const last = await table.last(taskId);
  let nextSeq = last ? last[1].seq + 1 : 0;
  const opened = new Map<string, number>();

  /** Counts the values in at each reader but this node. Throws `BUDGET_EXCEEDED`. */
  async function counted(
    disclosure: DisclosureTerms,
    ofDataset: string,
  ): Promise<readonly Write[]> {
    const { class: name, elements } = disclosure;
    const readers = [...new Set(disclosure.to)].filter((party) => party !== self);
    return Promise.all(
      readers.map(async (peer) => {
        const key = counterKey(ofDataset, peer, name);
        const total = ((await counters.get(key)) ?? 0) + elements;
        if (budgets && total > budgetOf(budgets, name)) {
          throw new ProtocolError(
            'BUDGET_EXCEEDED',
            `${peer} may not learn so many values of class ${name} in all; these were not opened`,
          );
        }
        return counters.put(key, Math.min(total, Number.MAX_SAFE_INTEGER));
      }),
    );
  }

  async function keep(disclosure: CommittedDisclosure): Promise<void> {
    const { class: name, to, elements, value } = disclosure;
    const { most } = checkDeclared(disclosure, declared);
    const total = (opened.get(name) ?? 0) + elements;
    if (total > most) {
      throw new ProtocolError('NOT_DECLARED', `the contract opens at most ${most} ${name}`);
    }
    opened.set(name, total);
    await store.exclusive(`disclosures/${dataset ?? taskId}`, async () => {
      const counts = dataset === null ? [] : await counted(disclosure, dataset);
      const time = new Date(now()).toISOString();
      const terms = { class: name, to, elements };
      const record = { taskId, attempt, seq: nextSeq, ...terms, value, time };
      const entry = { ...terms, value: value?.commitment ?? null };
      const row = table.put(storeKey(taskId, nextSeq), record);
      await trail.record('disclosure', { task: taskId, attempt }, entry, [row, ...counts]);
      nextSeq += 1;
    });
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
