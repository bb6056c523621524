import { type Store, storeKey, type Table } from '../store.ts';
import { certificateDigest, type StartCertificate } from './certificate.ts';
import type { Contract } from './contract.ts';
import { ConsensusError, type Refusal } from './errors.ts';
import type { CommittedField, ResultOpening, ResultReceipt } from './receipt-statement.ts';
import type { Signed } from './signed.ts';
import type { Vote } from './vote.ts';

/**
 * Where a contract stands at this node:
 *
 *   received -> voted -> committed -> finished
 *       \          \          \
 *        refused    aborted    aborted
 */
export type ConsensusState =
  | 'received'
  | 'voted'
  | 'committed'
  | 'finished'
  | 'refused' // by this node
  | 'aborted'; // by any party

/** Why a task ended without a result. */
export interface TaskEnd extends Refusal {
  /** The party that told this node; itself for its own refusals. */
  readonly from: string;
  /** The party whose refusal it is, as `from` says. */
  readonly party: string;
  readonly time: string;
}

export interface ConsensusRecord {
  /** Digest of the canonical contract, which so identifies a contract that is not kept. */
  readonly taskId: string;
  readonly initiator: string;
  /** The contract's. */
  readonly nonce: string;
  /**
   * Null once the task has ended without this node's vote: a peer must not fill the store with
   * contracts that nobody here agreed to.
   */
  readonly contract: Contract | null;
  readonly state: ConsensusState;
  /** When the record came into this state. */
  readonly since: string;
  readonly end: TaskEnd | null;
}

/** A record with its contract: of every task that can still run, or that this node voted for. */
export type ContractRecord = ConsensusRecord & { readonly contract: Contract };

/** What opens the commitments of this node's own receipt of one attempt. */
export type ResultOpenings = Readonly<Partial<Record<CommittedField, ResultOpening>>>;

/** A vote that this node sent or received. */
export interface VoteRecord {
  readonly vote: Signed<Vote>;
  /** What opens the vote's rule digest: only for this node's own votes, and for auditors. */
  readonly opening: { readonly rule: unknown; readonly salt: string } | null;
}

export interface CertificateRecord {
  readonly certificate: StartCertificate;
  /** `certificateDigest`, for the session hello. */
  readonly digest: string;
  /** When this node verified it: check it again as of this time. */
  readonly committedAt: string;
}

/** Everything a node remembers of consensus. Changes of one task go through `exclusive`. */
export interface ConsensusRecords {
  exclusive<T>(taskId: string, run: () => Promise<T>): Promise<T>;
  find(taskId: string): Promise<ConsensusRecord | undefined>;
  all(): Promise<readonly ConsensusRecord[]>;
  vote(taskId: string, signer: string): Promise<VoteRecord | undefined>;
  certificate(taskId: string): Promise<CertificateRecord | undefined>;
  /**
   * Remembers a contract and the nonces it came with. Throws `replayed_task` or `replayed_nonce`
   * when this node has seen any of them before.
   */
  receive(taskId: string, contract: Contract, vote: Signed<Vote> | null): Promise<ContractRecord>;
  /** Remembers this node's own vote, before it is sent. */
  voted(record: ConsensusRecord, own: VoteRecord): Promise<ConsensusRecord>;
  committed(record: ConsensusRecord, certificate: StartCertificate): Promise<CertificateRecord>;
  /** Forgets contract and vote of a task that this node had not voted for; not that it was there. */
  ended(record: ConsensusRecord, state: 'refused' | 'aborted', end: TaskEnd): Promise<void>;
  finished(record: ConsensusRecord): Promise<void>;
  receipt(
    taskId: string,
    attempt: number,
    signer: string,
  ): Promise<Signed<ResultReceipt> | undefined>;
  /** Every party's receipts of one attempt. */
  receipts(taskId: string, attempt: number): Promise<readonly Signed<ResultReceipt>[]>;
  /** Remembers a checked receipt; with this node's own what opens it. */
  received(receipt: Signed<ResultReceipt>, openings?: ResultOpenings): Promise<void>;
  /** What opens a commitment of this node's own receipt. */
  opening(
    taskId: string,
    attempt: number,
    field: CommittedField,
  ): Promise<ResultOpening | undefined>;
}

/** @param now - Unix ms. */
export function consensusRecords(store: Store, now: () => number): ConsensusRecords {
  const contracts: Table<ConsensusRecord> = store.table('contracts');
  const votes: Table<VoteRecord> = store.table('votes');
  const certificates: Table<CertificateRecord> = store.table('certificates');
  const nonces: Table<string> = store.table('nonces');
  const receipts: Table<Signed<ResultReceipt>> = store.table('receipts');
  const openings: Table<ResultOpening> = store.table('openings');
  const time = (): string => new Date(now()).toISOString();
  const moved = (
    record: ConsensusRecord,
    state: ConsensusState,
    end: TaskEnd | null = null,
  ): ConsensusRecord => ({ ...record, state, since: time(), end });
  const putVote = (taskId: string, vote: VoteRecord) =>
    votes.put(storeKey(taskId, vote.vote.body.signer), vote);

  return {
    exclusive: (taskId, run) => store.exclusive(`consensus/${taskId}`, run),
    find: (taskId) => contracts.get(taskId),
    all: async () => (await contracts.list()).map(([, record]) => record),
    vote: (taskId, signer) => votes.get(storeKey(taskId, signer)),
    certificate: (taskId) => certificates.get(taskId),

    receive: (taskId, contract, vote) =>
      // One name for all tasks: two contracts must not both find the same nonce unused.
      store.exclusive('consensus nonces', async () => {
        if (await contracts.get(taskId)) {
          throw new ConsensusError('replayed_task', 'this contract was proposed before');
        }
        const keys = [storeKey(contract.initiator, contract.nonce)];
        if (vote) keys.push(storeKey(vote.body.signer, vote.body.nonce));
        for (const key of keys) {
          if (await nonces.get(key)) {
            throw new ConsensusError('replayed_nonce', 'this nonce was used before');
          }
        }
        const { initiator, nonce } = contract;
        const state = 'received';
        const record = {
          taskId,
          initiator,
          nonce,
          contract,
          state,
          since: time(),
          end: null,
        } as const;
        await store.write(
          contracts.put(taskId, record),
          ...keys.map((key) => nonces.put(key, taskId)),
          ...(vote ? [putVote(taskId, { vote, opening: null })] : []),
        );
        return record;
      }),

    voted: async (record, own) => {
      const next = moved(record, 'voted');
      await store.write(contracts.put(record.taskId, next), putVote(record.taskId, own));
      return next;
    },

    committed: async (record, certificate) => {
      const { taskId } = record;
      const digest = certificateDigest(certificate);
      const committed = { certificate, digest, committedAt: time() };
      await store.write(
        contracts.put(taskId, moved(record, 'committed')),
        certificates.put(taskId, committed),
      );
      return committed;
    },

    ended: async (record, state, end) => {
      const next = moved(record, state, end);
      const { taskId } = record;
      if (record.state !== 'received') return store.write(contracts.put(taskId, next));
      return store.write(
        contracts.put(taskId, { ...next, contract: null }),
        votes.delete(storeKey(taskId, record.initiator)),
      );
    },

    finished: (record) => store.write(contracts.put(record.taskId, moved(record, 'finished'))),

    receipt: (taskId, attempt, signer) => receipts.get(storeKey(taskId, attempt, signer)),
    receipts: async (taskId, attempt) =>
      (await receipts.list(storeKey(taskId, attempt))).map(([, receipt]) => receipt),
    received: async (receipt, opened = {}) => {
      const { taskId, attempt, signer } = receipt.body;
      await store.write(
        receipts.put(storeKey(taskId, attempt, signer), receipt),
        ...Object.entries(opened).map(([field, opening]) =>
          openings.put(storeKey(taskId, attempt, field), opening),
        ),
      );
    },
    opening: (taskId, attempt, field) => openings.get(storeKey(taskId, attempt, field)),
  };
}
