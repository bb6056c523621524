import { openedValues } from '../opened-values.ts';
import { type Store, storeKey, type Table, type Write } from '../store.ts';
import { certificateDigest, type StartCertificate } from './certificate.ts';
import type { Contract } from './contract.ts';
import { CLOCK_SKEW_MS } from './contract-check.ts';
import { ConsensusError, type Refusal } from './errors.ts';
import type { CommittedField, ResultOpening, ResultReceipt } from './receipt-statement.ts';
import type { Signed } from './signed.ts';
import type { Vote } from './vote.ts';

/**
 * Where a contract stands at this node:
 *
 *   received -> asked -> voted -> committed -> finished
 *       \        /  \       \          \
 *        `------/----\-------\----------`--- refused, aborted
 *
 * A contract that needs nobody's word goes from received to voted.
 */
export type ConsensusState =
  | 'received'
  | 'asked' // the policy wants a person's word before this node votes
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
  /** The contract's; the record of one that this node did not vote for is kept until then. */
  readonly expiresAt: string;
  /** Keys of the nonces that came with it. */
  readonly nonces: readonly string[];
  /**
   * Null once the task has ended without this node's vote: a peer must not fill the store with
   * contracts that nobody here agreed to.
   */
  readonly contract: Contract | null;
  readonly state: ConsensusState;
  /** When the record came into this state. */
  readonly since: string;
  /** When a person was asked. */
  readonly askedAt?: string;
  /** Null until this node votes. */
  readonly votedAt: string | null;
  /** `Datasets.identity` of what this node brings, once it has voted; null when it brings nothing. */
  readonly dataset: string | null;
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

/** Most contracts of one peer that can be open here before they are committed. Own choice. */
export const MAX_OPEN_CONTRACTS = 100;
/**
 * Most records of one peer's contracts that this node did not vote for. Each goes a little after its
 * contract has expired, when it could not be replayed any more, and a day after a person was asked. Own
 * choice.
 */
export const MAX_UNVOTED_CONTRACTS = 1000;

/**
 * Most contracts of one peer about which a person is asked in any 24 hours, those aside that this node
 * then voted for: each leaves a task behind that people can look at. Own choice.
 */
export const MAX_ASKED_A_DAY = 100;

const DAY_MS = 24 * 3_600_000;

/** Whether a task can still be ended: it has no result and nobody ended it before. */
export function isOpen(record: ConsensusRecord): record is ContractRecord {
  return OPEN.includes(record.state);
}

const OPEN: readonly ConsensusState[] = ['received', 'asked', 'voted', 'committed'];

/** Whether a task is in a state in which its contract is kept. */
export function isIn(
  state: 'asked' | 'voted' | 'committed',
  record: ConsensusRecord,
): record is ContractRecord {
  return record.state === state;
}

/** Everything a node remembers of consensus. Changes of one task go through `exclusive`. */
export interface ConsensusRecords {
  exclusive<T>(taskId: string, run: () => Promise<T>): Promise<T>;
  find(taskId: string): Promise<ConsensusRecord | undefined>;
  all(): Promise<readonly ConsensusRecord[]>;
  /** Tasks that are open, and those that this node voted for in the last 24 hours. */
  current(): Promise<readonly ContractRecord[]>;
  /**
   * The task's record as soon as `settled` holds of it, or as it is when the signal is aborted;
   * undefined when there is none.
   */
  until(
    taskId: string,
    settled: (record: ConsensusRecord) => boolean,
    signal: AbortSignal,
  ): Promise<ConsensusRecord | undefined>;
  /** Runs one vote at a time, so that no two of them count on the same budget. */
  voting<T>(run: () => Promise<T>): Promise<T>;
  /** Values of a dataset that each peer has learned, by `peer/class`. */
  openedValues(dataset: string): Promise<ReadonlyMap<string, number>>;
  vote(taskId: string, signer: string): Promise<VoteRecord | undefined>;
  certificate(taskId: string): Promise<CertificateRecord | undefined>;
  /**
   * Remembers a contract and the nonces it came with, and forgets what can no longer be replayed.
   * Throws `replayed_task` or `replayed_nonce` when this node has seen any of them before, and
   * `too_many_tasks` when the peer whose vote came with it has too many here.
   */
  receive(taskId: string, contract: Contract, vote: Signed<Vote> | null): Promise<ContractRecord>;
  /**
   * Remembers that a person was asked. Throws `too_many_tasks` when that was so for `most` of the
   * initiator's contracts in the last 24 hours, those that this node voted for aside.
   *
   * @param most - Default `MAX_ASKED_A_DAY`.
   */
  asked(record: ContractRecord, most?: number): Promise<ContractRecord>;
  /** Remembers this node's own vote, before it is sent, and what it brings. */
  voted(record: ContractRecord, own: VoteRecord, dataset: string | null): Promise<ContractRecord>;
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
  const moved = <R extends ConsensusRecord>(
    record: R,
    state: ConsensusState,
    end: TaskEnd | null = null,
  ): R => ({ ...record, state, since: time(), end });
  const putVote = (taskId: string, vote: VoteRecord) =>
    votes.put(storeKey(taskId, vote.vote.body.signer), vote);

  /** What decisions look at; read once, then kept in step with the store. */
  let loading: Promise<Map<string, ConsensusRecord>> | undefined;
  const live = (): Promise<Map<string, ConsensusRecord>> => {
    loading ??= contracts
      .list()
      .then((all) => new Map(all.filter(([, record]) => isLive(record, now()))))
      .catch((error: unknown) => {
        loading = undefined;
        throw error;
      });
    return loading;
  };
  const listeners = new Map<string, Set<() => void>>();

  /** The one way in which records change. */
  async function write(record: ConsensusRecord, ...also: readonly Write[]): Promise<void> {
    const { taskId } = record;
    const records = await live();
    await store.write(contracts.put(taskId, record), ...also);
    records.set(taskId, record);
    for (const listener of listeners.get(taskId) ?? []) listener();
  }

  /** Forgets what cannot be replayed any more, and stops looking at what is over. */
  async function prune(records: Map<string, ConsensusRecord>): Promise<void> {
    const over = [...records.values()].filter((record) => !isLive(record, now()));
    const forgotten = over.filter(({ votedAt }) => votedAt === null);
    if (forgotten.length > 0) {
      await store.write(
        ...forgotten.flatMap(({ taskId, nonces: keys }) => [
          contracts.delete(taskId),
          ...keys.map((key) => nonces.delete(key)),
        ]),
      );
    }
    for (const { taskId } of over) records.delete(taskId);
  }

  return {
    exclusive: (taskId, run) => store.exclusive(`consensus/${taskId}`, run),
    find: (taskId) => contracts.get(taskId),
    all: async () => (await contracts.list()).map(([, record]) => record),
    current: async () =>
      [...(await live()).values()].filter(
        (record): record is ContractRecord =>
          isOpen(record) || (record.contract !== null && isRecent(record, now())),
      ),

    async until(taskId, settled, signal) {
      for (;;) {
        const change = nextChange(listeners, taskId, signal);
        try {
          const record = await contracts.get(taskId);
          if (!record || settled(record) || signal.aborted) return record;
          await change.happened;
        } finally {
          change.stop();
        }
      }
    },

    voting: (run) => store.exclusive('consensus votes', run),
    openedValues: (dataset) => openedValues(store, dataset),
    vote: (taskId, signer) => votes.get(storeKey(taskId, signer)),
    certificate: (taskId) => certificates.get(taskId),

    receive: (taskId, contract, vote) =>
      // One name for all tasks: two contracts must not both find the same nonce unused.
      store.exclusive('consensus nonces', async () => {
        const records = await live();
        await prune(records);
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
        const { initiator, expiresAt } = contract;
        if (vote) checkRoom([...records.values()].filter((each) => each.initiator === initiator));
        const record = {
          taskId,
          initiator,
          expiresAt,
          nonces: keys,
          contract,
          state: 'received',
          since: time(),
          votedAt: null,
          dataset: null,
          end: null,
        } as const;
        await write(
          record,
          ...keys.map((key) => nonces.put(key, taskId)),
          ...(vote ? [putVote(taskId, { vote, opening: null })] : []),
        );
        return record;
      }),

    asked: async (record, most = MAX_ASKED_A_DAY) => {
      const ofPeer = [...(await live()).values()].filter(
        (each) => each.initiator === record.initiator && each.votedAt === null,
      );
      if (ofPeer.filter((each) => isWithinDay(each.askedAt, now())).length >= most) {
        const what = 'a person was asked about too many contracts of this peer today';
        throw new ConsensusError('too_many_tasks', what);
      }
      const next = { ...moved(record, 'asked'), askedAt: time() };
      await write(next);
      return next;
    },

    voted: async (record, own, dataset) => {
      const next = { ...moved(record, 'voted'), votedAt: time(), dataset };
      await write(next, putVote(record.taskId, own));
      return next;
    },

    committed: async (record, certificate) => {
      const { taskId } = record;
      const digest = certificateDigest(certificate);
      const committed = { certificate, digest, committedAt: time() };
      await write(moved(record, 'committed'), certificates.put(taskId, committed));
      return committed;
    },

    ended: async (record, state, end) => {
      const next = moved(record, state, end);
      if (record.votedAt !== null) return write(next);
      const vote = storeKey(record.taskId, record.initiator);
      return write({ ...next, contract: null }, votes.delete(vote));
    },

    finished: (record) => write(moved(record, 'finished')),

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

/** Whether a decision may still depend on a record. `now`: Unix ms. */
function isLive(record: ConsensusRecord, now: number): boolean {
  if (isOpen(record)) return true;
  if (record.votedAt !== null) return isRecent(record, now);
  if (isWithinDay(record.askedAt, now)) return true;
  return now <= Date.parse(record.expiresAt) + CLOCK_SKEW_MS;
}

/**
 * Whether this node voted for a task in the last 24 hours: so long it counts towards `tasks_per_day`.
 * `now`: Unix ms.
 */
export function isRecent({ votedAt }: ConsensusRecord, now: number): boolean {
  return votedAt !== null && isWithinDay(votedAt, now);
}

function isWithinDay(time: string | undefined, now: number): boolean {
  return time !== undefined && Date.parse(time) > now - DAY_MS;
}

/** Refuses one more contract of a peer that has so many here. */
function checkRoom(ofPeer: readonly ConsensusRecord[]): void {
  const open = ofPeer.filter((record) => isOpen(record) && record.state !== 'committed');
  const unvoted = ofPeer.filter(({ votedAt }) => votedAt === null);
  if (open.length < MAX_OPEN_CONTRACTS && unvoted.length < MAX_UNVOTED_CONTRACTS) return;
  throw new ConsensusError('too_many_tasks', 'too many contracts of this peer are not agreed here');
}

/** The next change of a task's record, or the signal. */
function nextChange(
  listeners: Map<string, Set<() => void>>,
  taskId: string,
  signal: AbortSignal,
): { readonly happened: Promise<void>; stop(): void } {
  const { promise: happened, resolve } = promiseOf();
  const ofTask = listeners.get(taskId) ?? new Set();
  listeners.set(taskId, ofTask.add(resolve));
  signal.addEventListener('abort', resolve);
  return {
    happened,
    stop: () => {
      signal.removeEventListener('abort', resolve);
      ofTask.delete(resolve);
      if (ofTask.size === 0 && listeners.get(taskId) === ofTask) listeners.delete(taskId);
    },
  };
}

function promiseOf(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
