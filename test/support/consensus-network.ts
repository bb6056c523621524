/**
 * Nodes that reach consensus in memory: real keys, real stores, real encoding of every message. A
 * test can look at each call, lose it or change it, and can move the one clock they share.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsensusEvents, ConsensusNode } from '../../src/party/consensus/consensus-node.ts';
import type { Contract, DatasetTerms, TrainContract } from '../../src/party/consensus/contract.ts';
import { serveConsensus } from '../../src/party/consensus/handlers.ts';
import { consensusRecords } from '../../src/party/consensus/records.ts';
import type { DatasetDirectory, TaskDraft } from '../../src/party/consensus/task-draft.ts';
import { SessionError } from '../../src/party/errors.ts';
import type { Policy, PolicyRule } from '../../src/party/policy-rule.ts';
import { Store } from '../../src/party/store.ts';
import { storedAttempts } from '../../src/party/stored-attempts.ts';
import type {
  ControlClient,
  ControlHandler,
  ControlMethod,
  ControlServer,
} from '../../src/party/transport/control.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';
import {
  DECLARATION,
  keyRing,
  NOW,
  sampleContract,
  sampleTrees,
  type TestIdentity,
  testIdentity,
} from './contracts.ts';
import { testAudit } from './test-audit.ts';

/** A rule that allows everything the sample contract does. */
export const OPEN_RULE: PolicyRule = {
  peers: ['*'],
  purposes: ['credit risk'],
  algorithms: ['vertical/*'],
  datasets: ['credit/*'],
  columns: { key: ['id'], label: ['y'], feature: ['age', 'income', 'region'] },
  receivers: ['*'],
  model_release: ['full', 'split'],
};

/** One call on its way, before it is delivered. */
export interface Call {
  readonly from: string;
  readonly to: string;
  readonly method: string;
}

/** What happens to a call: `deliver` gives the encoded answer of the node it is for. */
export type Intercept = (call: Call, deliver: () => Promise<Uint8Array>) => Promise<Uint8Array>;

export class DatasetRefusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'DatasetError';
    this.code = code;
  }
}

/** A directory with one dataset, whose answers a test can replace. It counts its calls. */
export class FakeDatasets implements DatasetDirectory {
  listed = 0;
  described = 0;
  verified = 0;
  identified = 0;
  describeWith: (draft: TaskDraft) => Promise<DatasetTerms> = async ({ dataset }) => ({
    path: dataset.path,
    type: dataset.type,
    rowCount: 1000,
    keyColumns: dataset.keyColumns,
    labelColumn: dataset.labelColumn,
    features: (dataset.selectColumns ?? ['income', 'region']).map((name) =>
      dataset.discreteColumns.includes(name)
        ? { name, kind: 'categorical', categories: 3 }
        : { name, kind: 'numeric' },
    ),
    payload: dataset.payload,
    minimumIntersection: 0,
    commitment: 'cd'.repeat(32),
  });
  columnsWith: () => Promise<readonly string[]> = async () => ['id', 'income', 'region'];
  verifyWith: (terms: DatasetTerms) => Promise<void> = async () => {};

  async columns(): Promise<readonly string[]> {
    this.listed++;
    return this.columnsWith();
  }

  async identity({ path }: Pick<DatasetTerms, 'path'>): Promise<string> {
    this.identified++;
    return createHash('sha256').update(path).digest('hex');
  }

  async describe(
    draft: TaskDraft,
    conditions: Pick<DatasetTerms, 'minimumIntersection'>,
  ): Promise<{ terms: DatasetTerms }> {
    this.described++;
    return { terms: { ...(await this.describeWith(draft)), ...conditions } };
  }

  async verify(contract: Contract, owner: string): Promise<void> {
    this.verified++;
    await this.verifyWith(contract.parties.find(({ name }) => name === owner)!.dataset!);
  }
}

export interface TestNode {
  readonly identity: TestIdentity;
  readonly node: ConsensusNode;
  readonly store: Store;
  readonly datasets: FakeDatasets;
  /** What the node reported, as `kind code-or-reason`. */
  readonly log: string[];
  policy: Policy | Error;
}

export interface Network {
  readonly clock: { now: number };
  readonly names: readonly string[];
  at(name: string): TestNode;
  /** Every call, in the order of sending. */
  readonly calls: Call[];
  intercept: Intercept;
  /** The sample contract between the network's parties; the last may only receive. */
  contract(changes?: ContractChanges): TrainContract;
  /** A call as any peer could make it, past all checks of this side. */
  send<Q, R>(from: string, to: string, method: ControlMethod<Q, R>, request: Q): Promise<R>;
}

/** What does not depend on the algorithm. */
export type ContractChanges = Partial<Omit<TrainContract, 'algorithm' | 'parameters'>>;

type Handler = (from: string, request: Uint8Array) => Promise<Uint8Array>;

/** Runs `use` with connected nodes. `receiver`: the last party brings no data. */
export async function withNetwork(
  names: readonly string[],
  use: (network: Network) => Promise<void>,
  { receiver = false }: { readonly receiver?: boolean } = {},
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'entente-consensus-'));
  const nodes = new Map<string, TestNode>();
  const handlers = new Map<string, Map<string, Handler>>();
  const network: Network = {
    clock: { now: NOW },
    names,
    at: (name) => nodes.get(name)!,
    calls: [],
    intercept: (_call, deliver) => deliver(),
    contract: (changes = {}) => {
      const signers = names.map((name) => nodes.get(name)!.identity.signer);
      const last = receiver ? { receiver: signers.pop()! } : {};
      const terms = { ...last, nonce: freshNonce(), ...changes };
      return signers.length > 2 ? sampleTrees(signers, terms) : sampleContract(signers, terms);
    },
    send: async (from, to, method, request) => {
      const call = { from, to, method: method.name };
      network.calls.push(call);
      const bytes = method.request.encode(request).finish();
      const handler = handlers.get(to)?.get(method.name);
      if (!handler) throw new SessionError('UNREACHABLE', to);
      const answer = await network.intercept(call, () => handler(from, bytes));
      return method.response.decode(answer);
    },
  };
  try {
    const identities = names.map(testIdentity);
    for (const [i, name] of names.entries()) {
      const store = await Store.open(join(directory, name));
      const served = new Map<string, Handler>();
      handlers.set(name, served);
      const test = testNode(network, identities[i]!, identities, store);
      nodes.set(name, test);
      serveConsensus(server(served), test.node);
    }
    await use(network);
  } finally {
    for (const { store } of nodes.values()) await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The task about which a person at this node is asked next. */
export function nextAsked({ node }: TestNode): Promise<string> {
  return new Promise((resolve) => {
    const { asked } = node.events;
    const events: ConsensusEvents = {
      ...node.events,
      asked: (taskId, contract) => {
        Object.assign(node, { events: { ...node.events, asked } });
        asked(taskId, contract);
        resolve(taskId);
      },
    };
    Object.assign(node, { events });
  });
}

/** A node after its process was ended and started again: the same store, nothing in memory. */
export function restarted({ node, store }: TestNode): void {
  Object.assign(node, { records: consensusRecords(store, () => node.now()) });
}

/** A call that never gets its answer, as the caller's transport reports it. */
export function lost(code: 'TIMED_OUT' | 'UNREACHABLE' = 'TIMED_OUT'): SessionError {
  return new SessionError(code, 'lost');
}

function freshNonce(): string {
  return Buffer.from(systemRng(32)).toString('hex');
}

function testNode(
  network: Network,
  identity: TestIdentity,
  identities: readonly TestIdentity[],
  store: Store,
): TestNode {
  const datasets = new FakeDatasets();
  const log: string[] = [];
  const events: ConsensusEvents = {
    committed: (taskId) => log.push(`committed ${taskId}`),
    asked: (taskId) => log.push(`asked ${taskId}`),
    approved: (taskId) => log.push(`approved ${taskId}`),
    ended: (_taskId, { code, party }) => log.push(`ended ${code} ${party}`),
    denied: (peer, decision) =>
      log.push(`denied ${peer} ${decision?.allow === false ? decision.reason : 'unreadable'}`),
    failed: (error) => log.push(`failed ${error instanceof Error ? error.message : ''}`),
  };
  const peers: ControlClient = {
    call: (peer, method, request, options) =>
      unlessAborted(network.send(identity.signer.name, peer, method, request), options?.signal),
  };
  const test: TestNode = {
    identity,
    store,
    datasets,
    log,
    policy: { version: 1, rules: [OPEN_RULE] },
    node: {
      signer: identity.signer,
      keys: keyRing(identities),
      peers,
      policy: async () => {
        if (test.policy instanceof Error) throw test.policy;
        return test.policy;
      },
      datasets,
      declare: () => DECLARATION,
      records: consensusRecords(store, () => network.clock.now),
      attempts: storedAttempts(store),
      events,
      audit: testAudit(),
      now: () => network.clock.now,
      rng: systemRng,
      patience: { answerMs: 20, retryMs: 1 },
    },
  };
  return test;
}

/** An answer, or that its caller no longer waits for it. */
async function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return answer;
  answer.catch(() => undefined);
  return new Promise((resolve, reject) => {
    const cancel = (): void => reject(new SessionError('CANCELLED', 'nobody waits'));
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel);
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel));
  });
}

function server(handlers: Map<string, Handler>): ControlServer {
  return {
    handle<Q, R>(method: ControlMethod<Q, R>, handler: ControlHandler<Q, R>): void {
      handlers.set(method.name, async (from, bytes) => {
        const record = { name: from, address: 'memory:1', certificatePem: '', fingerprint: '' };
        const context = { signal: new AbortController().signal };
        const response = await handler(record, method.request.decode(bytes), context);
        return method.response.encode(response).finish();
      });
    },
  };
}
