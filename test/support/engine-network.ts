/**
 * Two nodes with their task engines in one process: real consensus, stores, results and checkpoints;
 * sessions and programs are the test's. A node can be killed at any write and started again.
 */

import { equal } from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storedSalts } from '../../src/party/audit/stored-salts.ts';
import type { ConsensusNode } from '../../src/party/consensus/consensus-node.ts';
import type { Contract, LinearTraining } from '../../src/party/consensus/contract.ts';
import { serveConsensus } from '../../src/party/consensus/handlers.ts';
import { consensusRecords } from '../../src/party/consensus/records.ts';
import { SessionError } from '../../src/party/errors.ts';
import { createLog } from '../../src/party/log.ts';
import { modelId } from '../../src/party/models/model-id.ts';
import { ModelRegistry } from '../../src/party/models/model-registry.ts';
import type { Policy } from '../../src/party/policy-rule.ts';
import { Store } from '../../src/party/store.ts';
import { storedAttempts } from '../../src/party/stored-attempts.ts';
import { type CheckpointStore, checkpointStore } from '../../src/party/tasks/checkpoint-store.ts';
import { deliveriesInto } from '../../src/party/tasks/deliveries.ts';
import type { LocalTask } from '../../src/party/tasks/local-task.ts';
import type { ProgramResult } from '../../src/party/tasks/program.ts';
import { type ResultStore, resultStore } from '../../src/party/tasks/result-store.ts';
import type { ProgramJob } from '../../src/party/tasks/run-task.ts';
import { type TaskBoard, taskBoard } from '../../src/party/tasks/task-board.ts';
import { type TaskEngine, taskEngine } from '../../src/party/tasks/task-engine.ts';
import { taskQueue } from '../../src/party/tasks/task-queue.ts';
import type { TaskView } from '../../src/party/tasks/task-view.ts';
import type { TaskThreadHost } from '../../src/party/tasks/thread/task-thread.ts';
import type {
  CallOptions,
  ControlHandler,
  ControlMethod,
  ControlServer,
} from '../../src/party/transport/control.ts';
import { systemRng } from '../../src/protocols/primitives/rng.ts';
import { MODEL, PART } from '../party/models/sample.ts';
import { FakeDatasets, OPEN_RULE } from './consensus-network.ts';
import {
  DECLARATION,
  keyRing,
  sampleContract,
  type TestIdentity,
  testIdentity,
} from './contracts.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { type MemorySessions, memorySessions } from './memory-sessions.ts';
import { type MortalStore, mortalStore } from './mortal-store.ts';
import { testAudit } from './test-audit.ts';

/** What runs in place of a thread. */
export type TestProgram = (
  job: ProgramJob,
  host: TaskThreadHost,
  signal: AbortSignal,
) => Promise<ProgramResult>;

/** One process of a node. */
export interface EngineProcess {
  readonly name: string;
  readonly engine: TaskEngine;
  readonly board: TaskBoard;
  readonly node: ConsensusNode;
  readonly mortal: MortalStore;
  readonly models: ModelRegistry;
  readonly results: ResultStore;
  readonly checkpoints: CheckpointStore;
  /** Lines of its log. */
  readonly logged: string[];
}

export interface EngineNetwork {
  readonly clock: FakeClock;
  readonly sessions: MemorySessions;
  at(name: string): EngineProcess;
  /** The folder of a node: `results`, `parts`, ... */
  folder(name: string): string;
  program: TestProgram;
  /** A node whose policy asks a person. */
  readonly asks: Set<string>;
  /** What orgA makes of requests without a contract. */
  local: LocalTask | null;
  /** Starts a node's process, again after a kill. */
  start(name: string, options?: { readonly recover?: boolean }): Promise<EngineProcess>;
  kill(name: string): void;
  /** orgA submits a task; its id. */
  submit(changes?: Partial<LinearTraining>): Promise<string>;
  view(name: string, taskId: string): Promise<TaskView>;
  /** Lets time pass until something holds; fails when it does not. */
  until(what: string, holds: () => Promise<boolean> | boolean, tickMs?: number): Promise<void>;
  /** Both nodes' views once the task has ended at both. */
  ended(taskId: string): Promise<readonly [TaskView, TaskView]>;
}

export const CALLER = { id: 'test', role: 'coordinator' } as const;
export const ORGS = ['orgA', 'orgB'] as const;

/** Time that passes between two looks, and real time that a test may take for one condition. */
const TICK_MS = 20;
const PATIENCE_MS = 20_000;

export interface EngineOptions {
  readonly concurrent?: number;
  readonly peerTimeoutMs?: number;
  readonly timeoutMs?: number;
}

type Handler = (from: string, request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

export async function withEngines(
  use: (network: EngineNetwork) => Promise<void>,
  { concurrent = 2, peerTimeoutMs = 60_000, timeoutMs = 86_400_000 }: EngineOptions = {},
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'entente-engine-'));
  const identities = ORGS.map(testIdentity);
  const stores = new Map<string, Store>();
  const processes = new Map<string, EngineProcess>();
  const handlers = new Map<string, Map<string, Handler>>();
  const clock = fakeClock();
  const sessions = memorySessions(clock);
  let drafted: Contract | undefined;

  async function call<Q, R>(
    from: string,
    to: string,
    method: ControlMethod<Q, R>,
    request: Q,
    { signal = new AbortController().signal }: CallOptions = {},
  ): Promise<R> {
    const caller = processes.get(from)!.mortal;
    const callee = processes.get(to)?.mortal;
    const handler = handlers.get(to)?.get(method.name);
    if (!caller.isAlive()) return new Promise<never>(() => undefined);
    if (!handler || !callee?.isAlive()) throw new SessionError('UNREACHABLE', `${to} is down`);
    const cancelled = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new SessionError('CANCELLED', 'nobody waits')));
    });
    const gone = callee.died.then((): never => {
      throw new SessionError('UNREACHABLE', `${to} is gone`);
    });
    gone.catch(() => undefined);
    const answer = handler(from, method.request.encode(request).finish(), signal);
    answer.catch(() => undefined);
    const bytes = await Promise.race([answer, cancelled, gone]);
    return method.response.decode(bytes);
  }

  const network: EngineNetwork = {
    clock,
    sessions,
    at: (name) => processes.get(name)!,
    folder: (name) => join(directory, name),
    program: async (job, host) => resultOf(job, host),
    asks: new Set(),
    local: null,

    async start(name, { recover = true } = {}) {
      const store = stores.get(name) ?? (await Store.open(join(directory, name, 'store')));
      stores.set(name, store);
      const identity = identities[ORGS.indexOf(name as 'orgA')]!;
      const served = new Map<string, Handler>();
      handlers.set(name, served);
      const started = makeProcess(name, identity, mortalStore(store), serverOf(served));
      processes.set(name, started);
      serveConsensus(serverOf(served), started.node);
      void started.mortal.died.then(() => sessions.breakOff(name));
      if (recover) await started.engine.recover();
      return started;
    },

    kill: (name) => processes.get(name)!.mortal.kill(),

    async submit(changes = {}) {
      const signers = identities.map(({ signer }) => signer);
      const nonce = Buffer.from(systemRng(32)).toString('hex');
      const contract = sampleContract(signers, {
        nonce,
        createdAt: new Date(clock.now()).toISOString(),
        expiresAt: new Date(clock.now() + 3_600_000).toISOString(),
        ...changes,
      });
      drafted = contract;
      const request = { kind: 'train', request: {} } as never;
      const { taskId } = await processes.get('orgA')!.engine.submit(request, CALLER);
      return taskId;
    },

    async view(name, taskId) {
      const { board, mortal } = processes.get(name)!;
      // A dead process never answers; none has a task that it does not know.
      return (await Promise.race([board.find(taskId), mortal.died.then(() => null)]))!;
    },

    async until(what, holds, tickMs = TICK_MS) {
      const deadline = Date.now() + PATIENCE_MS;
      while (!(await holds())) {
        if (Date.now() > deadline) {
          const logs = ORGS.map((name) => `${name}:\n${processes.get(name)?.logged.join('')}`);
          throw new Error(`waited in vain for ${what}\n${logs.join('\n')}`);
        }
        await clock.advance(tickMs);
        await new Promise((resolve) => setTimeout(resolve, 1)); // the disk
      }
    },

    async ended(taskId) {
      await network.until(`the end of ${taskId}`, async () => {
        const views = await Promise.all(ORGS.map((name) => network.view(name, taskId)));
        return views.every((view) => view?.finishedAt);
      });
      return [await network.view('orgA', taskId), await network.view('orgB', taskId)];
    },
  };

  function makeProcess(
    name: string,
    identity: TestIdentity,
    mortal: MortalStore,
    server: ControlServer,
  ): EngineProcess {
    const { store } = mortal;
    const now = (): number => clock.now();
    const attempts = storedAttempts(store);
    const folder = (kind: string): string => join(directory, name, kind);
    const folders = { results: folder('results'), parts: folder('parts') };
    const models = new ModelRegistry(folders, { store });
    const audit = testAudit(undefined, store);
    const results = resultStore(
      store,
      models,
      { ...folders, staging: folder('staging') },
      deliveriesInto(audit.trail, storedSalts(store, systemRng)),
    );
    const checkpoints = checkpointStore(folder('checkpoints'));
    const board = taskBoard(store, clock);
    const logged: string[] = [];
    const log = createLog(
      { level: 'debug', pretty: false, node: name },
      { write: (line) => void logged.push(line) },
    );
    const node: ConsensusNode = {
      signer: identity.signer,
      keys: keyRing(identities),
      peers: {
        call: (peer, method, request, options) => call(name, peer, method, request, options),
      },
      policy: async (): Promise<Policy> => ({
        version: 1,
        rules: [{ ...OPEN_RULE, ...(network.asks.has(name) && { action: 'ask' as const }) }],
      }),
      datasets: new FakeDatasets(),
      declare: () => DECLARATION,
      records: consensusRecords(store, now),
      attempts,
      events: {
        committed: (taskId, record) => engine.committed(taskId, record),
        asked: (taskId, contract) => engine.asked(taskId, contract),
        approved: (taskId) => engine.approved(taskId),
        ended: (taskId, end) => engine.ended(taskId, end),
        denied: () => undefined,
        failed: (error) => log.error({ err: error }, 'consensus failed'),
      },
      audit,
      now,
      rng: systemRng,
      patience: { answerMs: 20, retryMs: 1 },
    };
    const engine = taskEngine({
      consensus: node,
      board,
      queue: taskQueue(concurrent),
      attempts,
      checkpoints,
      results,
      server,
      openSession: (terms, options) => sessions.open(name, attempts, terms, options),
      draft: async () => ({ contract: drafted as LinearTraining, warnings: [], reason: 'test' }),
      draftLocal: async () => network.local,
      approve: async (taskId, record) => {
        const { approveTask } = await import('../../src/party/consensus/approval.ts');
        await approveTask(node, taskId, record);
      },
      run: (job, host, signal) => network.program(job, host, signal),
      sources: async () => ({
        loadDataset: () => Promise.reject(new Error('not asked')),
        loadModel: () => Promise.reject(new Error('not asked')),
        ledger: { record: async () => undefined },
      }),
      peerTimeoutMs,
      timeoutMs,
      clock,
      log,
    });
    return { name, engine, board, node, mortal, models, results, checkpoints, logged };
  }

  try {
    for (const name of ORGS) await network.start(name);
    await use(network);
  } finally {
    for (const { mortal } of processes.values()) mortal.kill();
    for (const store of stores.values()) await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** What a program leaves: the model and a file at orgA, a part at both. */
export function resultOf(
  { self, taskId, contract }: ProgramJob,
  host?: TaskThreadHost,
): ProgramResult {
  host?.progress.phase('publishing');
  const head = { model_id: modelId(taskId, contract.createdAt), task_id: taskId };
  const receives = contract.receivers.includes(self);
  return {
    model: receives ? { ...MODEL, ...head } : null,
    part: { ...PART, ...head },
    file: receives
      ? { name: 'scores.csv', chunks: [new TextEncoder().encode('id,score\n')] }
      : null,
    metrics: receives ? { auc: 0.75 } : null,
    extra: { aligned_rows: 7 },
  };
}

/** Both parties are there: each waits for a word of the other. */
export async function meetPeer({ self }: ProgramJob, host: TaskThreadHost): Promise<void> {
  const { link } = host.link(ORGS.find((name) => name !== self)!);
  await link.send('', 'word', new Uint8Array(1));
  await link.receive('');
}

function serverOf(handlers: Map<string, Handler>): ControlServer {
  return {
    handle<Q, R>(method: ControlMethod<Q, R>, handler: ControlHandler<Q, R>): void {
      handlers.set(method.name, async (from, bytes, signal) => {
        const record = { name: from, address: 'memory:1', certificatePem: '', fingerprint: '' };
        const response = await handler(record, method.request.decode(bytes), { signal });
        return method.response.encode(response).finish();
      });
    },
  };
}

/** A program that runs until it is told to stop, or its link breaks. */
export const untilTheLinkBreaks: TestProgram = async (job, host, signal) => {
  host.progress.phase('training');
  await meetPeer(job, host);
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    const peer = job.self === 'orgA' ? 'orgB' : 'orgA';
    host.link(peer).link.receive('never').catch(reject);
  });
};

export async function running(net: EngineNetwork, taskId: string, attempt = 1): Promise<void> {
  await net.until(`attempt ${attempt} of ${taskId}`, async () => {
    const views = await Promise.all(ORGS.map((name) => net.view(name, taskId)));
    return views.every((view) => view?.phase === 'training' && view.attempt >= attempt);
  });
}

export function states(views: readonly TaskView[]): (string | undefined)[] {
  return views.flatMap(({ state, error }) => [state, error?.message]);
}

/** Nothing of a task is left but its row, its record and its result. */
export async function leftNothing(net: EngineNetwork): Promise<void> {
  for (const name of ORGS) {
    const { checkpoints, mortal } = net.at(name);
    await net.until('nothing to be left', async () => {
      const staged = ['staging', 'results/.staged'].flatMap((folder) => {
        const path = join(net.folder(name), folder);
        return existsSync(path) ? readdirSync(path) : [];
      });
      const rows = await mortal.store.table('results').list();
      return staged.length + rows.length + (await checkpoints.tasks()).length === 0;
    });
  }
  equal(net.sessions.active(), 0);
}
