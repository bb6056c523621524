/**
 * Training tasks of this node, as initiator and as invited party: from a request to a contract, from a
 * start certificate to a model. Every failure ends the task at every party with a reason.
 */
import type { CurveEngine } from '../../kernels/curve25519-engine.ts';
import type { LinearKernels } from '../../ml/vertical/linear/context.ts';
import { ProtocolError } from '../../protocols/errors.ts';
import type { Rng } from '../../protocols/primitives/rng.ts';
import { canonicalDigest } from '../consensus/canonical-json.ts';
import type { ConsensusNode } from '../consensus/consensus-node.ts';
import type { TrainContract } from '../consensus/contract.ts';
import { taskIdOf } from '../consensus/contract-check.ts';
import { requestTerms } from '../consensus/describe.ts';
import { NotAgreedError, proposeContract } from '../consensus/initiator.ts';
import type { OfferedDatasets } from '../consensus/offered-datasets.ts';
import { submitReceipt } from '../consensus/receipt.ts';
import { type TransportReceipt, transportReceipt } from '../consensus/receipt-statement.ts';
import type { CertificateRecord, TaskEnd } from '../consensus/records.ts';
import { abortTask, finishTask } from '../consensus/task-end.ts';
import { openDisclosureLedger } from '../disclosure-ledger.ts';
import { SessionError } from '../errors.ts';
import { ApiError } from '../http/api-error.ts';
import type { TaskHandle, TaskRequest, TaskService } from '../http/services.ts';
import type { NodeLog } from '../log.ts';
import { modelId } from '../models/model-id.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import type { Store, Write } from '../store.ts';
import type { Caller } from '../tokens.ts';
import type { AttemptStore } from '../transport/attempts.ts';
import type { Session, SessionOptions, SessionTerms } from '../transport/session.ts';
import type { DraftedContract, DraftingNode } from './contract-draft.ts';
import { draftTraining } from './contract-draft-training.ts';
import type { ProgramContext, ProgramResult } from './program.ts';
import { dataHolders } from './programs/data-holders.ts';
import { trainLinear } from './programs/train-linear.ts';
import type { TaskBoard, TaskEntry, TaskSubject } from './task-board.ts';
import { TaskError } from './task-error.ts';
import { apiErrorOf, runFailure } from './task-failure.ts';
import type { TaskOutcome } from './task-view.ts';
import type { FindTrained } from './trained-models.ts';

export interface TrainingTasksDeps {
  readonly consensus: ConsensusNode;
  readonly implementation: string;
  readonly contractLifetimeSec: number;
  readonly datasets: OfferedDatasets;
  readonly models: ModelRegistry;
  readonly findTrained: FindTrained;
  readonly board: TaskBoard;
  readonly store: Store;
  readonly attempts: AttemptStore;
  openSession(terms: SessionTerms, options: SessionOptions): Promise<Session>;
  /** Fresh kernels: one task's memory is freed with them. */
  kernels(): LinearKernels;
  readonly curve: CurveEngine;
  readonly sessionTimeoutMs: number;
  readonly log: NodeLog;
  readonly rng: Rng;
}

/** How long after a session broke the peer's reason may come, by another way: own choice. */
const REASON_TIMEOUT_MS = 1000;

/** The task engine. `committed` and `ended` are consensus events. */
export interface TrainingTasks extends TaskService {
  committed(taskId: string, record: CertificateRecord): void;
  ended(taskId: string, end: TaskEnd): void;
  /** Ends running tasks and waits for them. */
  stop(): Promise<void>;
}

export function trainingTasks(deps: TrainingTasksDeps): TrainingTasks {
  const { consensus, board, log } = deps;
  const self = consensus.signer.name;
  const running = new Map<string, { readonly controller: AbortController; done: Promise<void> }>();

  const drafting: DraftingNode = {
    name: self,
    fingerprintOf: (party) => consensus.keys.find(party)?.fingerprint,
    requestTerms: (party, draft) => requestTerms(consensus, party, draft),
    findTrained: deps.findTrained,
    implementation: deps.implementation,
    contractLifetimeSec: deps.contractLifetimeSec,
    now: () => consensus.now(),
    rng: deps.rng,
  };

  /** Runs an agreed task to its end; never rejects. */
  function start(taskId: string, record: CertificateRecord, entry: TaskEntry): Promise<Finished> {
    const controller = new AbortController();
    const work = execute(deps, taskId, record, entry, controller.signal).finally(() => {
      running.delete(taskId);
    });
    running.set(taskId, { controller, done: work.then(() => undefined) });
    return work;
  }

  async function propose(
    drafted: DraftedContract<TrainContract>,
    taskId: string,
    entry: TaskEntry,
  ): Promise<TaskOutcome> {
    try {
      const agreed = await proposeContract(consensus, drafted.contract);
      const finished = await start(taskId, agreed, entry);
      if ('error' in finished) throw finished.error;
      const outcome = outcomeOf(drafted, taskId, self, finished);
      await entry.complete(outcome);
      return outcome;
    } catch (error) {
      const party = error instanceof NotAgreedError ? error.party : self;
      const failure = apiErrorOf(error, party);
      await entry.fail(failure.code, failure.message);
      throw failure;
    }
  }

  return {
    async submit(
      { kind, request }: TaskRequest,
      _caller: Caller,
      also?: (taskId: string) => readonly Write[],
    ): Promise<TaskHandle> {
      if (kind !== 'train') throw notAvailable(`a ${kind} task`);
      const drafted = await draftTraining(drafting, request);
      const taskId = taskIdOf(drafted.contract);
      const entry = await board.add(subjectOf(drafted.contract, taskId), also?.(taskId));
      log.info(
        { task: taskId, parties: drafted.contract.parties.map(({ name }) => name) },
        'task proposed',
      );
      const done = propose(drafted, taskId, entry);
      done.catch(() => undefined); // in the task's view, whether or not anybody waits
      return { taskId, done, view: () => entry.view() };
    },

    find: (taskId) => board.find(taskId),
    list: () => Promise.reject(notAvailable('the list of tasks')),
    events: () => Promise.reject(notAvailable('the stream of events')),
    cancel: () => Promise.reject(notAvailable('cancelling a task')),
    approve: () => Promise.reject(notAvailable('approving a task')),

    committed(taskId, record) {
      const invited = async (): Promise<void> => {
        const contract = record.certificate.contract as TrainContract;
        const entry = await board.add(subjectOf(contract, taskId));
        const finished = await start(taskId, record, entry);
        if ('error' in finished) {
          const failure = apiErrorOf(finished.error, self);
          await entry.fail(failure.code, failure.message);
          return;
        }
        await entry.complete(
          outcomeOf({ contract, warnings: [], reason: 'contract' }, taskId, self, finished),
        );
      };
      invited().catch((error: unknown) => log.error({ task: taskId, err: error }, 'task not kept'));
    },

    ended: (taskId, end) => running.get(taskId)?.controller.abort(peerFailed(end)),

    async stop() {
      const tasks = [...running.values()];
      for (const { controller } of tasks) {
        controller.abort(new TaskError('STOPPED', 'the node was stopped'));
      }
      await Promise.allSettled(tasks.map(({ done }) => done));
    },
  };
}

function notAvailable(what: string): ApiError {
  return new ApiError('NOT_AVAILABLE', `${what} is not available yet`);
}

function subjectOf(contract: TrainContract, taskId: string): TaskSubject {
  return {
    taskId,
    kind: contract.kind,
    algorithm: contract.algorithm.name,
    initiator: contract.initiator,
    parties: contract.parties.map(({ name }) => name),
    receivers: contract.receivers,
    purpose: contract.purpose,
  };
}

/** What a run left: its outcome and the traffic, or why it ended. */
type Finished =
  | {
      readonly result: ProgramResult;
      readonly transport: TransportReceipt;
      readonly path: string | null;
    }
  | { readonly error: unknown };

async function execute(
  deps: TrainingTasksDeps,
  taskId: string,
  { certificate, digest }: CertificateRecord,
  entry: TaskEntry,
  signal: AbortSignal,
): Promise<Finished> {
  const { consensus, attempts, log } = deps;
  const contract = certificate.contract as TrainContract;
  const self = consensus.signer.name;
  let session: Session | undefined;
  try {
    const { peer } = dataHolders(contract, self);
    // A party may have ended the task before this run could be told.
    const { end } = (await consensus.records.find(taskId)) ?? {};
    if (end) throw peerFailed(end);
    await entry.phase('queued');
    const id = Buffer.from(taskId, 'hex');
    const attempt = await attempts.next(id);
    session = await deps.openSession(
      {
        peer: peer.name,
        taskId: id,
        certificateDigest: Buffer.from(digest, 'hex'),
        attempt,
      },
      { timeoutMs: deps.sessionTimeoutMs, signal },
    );
    const result = await trainLinear(await contextOf(deps, contract, taskId, session, entry));
    await session.close();
    const transport = transportReceipt(peer.name, session.receipt());

    const stored = result.model && (await deps.models.put(result.model));
    const part = result.part && (await deps.models.put(result.part));
    const metrics = result.metrics && canonicalDigest(result.metrics);
    await finishTask(consensus, taskId);
    await attempts.finish(id);
    const statement = {
      taskId,
      attempt,
      outcome: 'completed',
      model: (stored ?? part)?.digest ?? null,
      metrics,
      transport: [transport],
    } as const;
    for (const { party, code } of await submitReceipt(consensus, statement)) {
      log.warn({ task: taskId, peer: party, code }, 'receipt not delivered');
    }
    log.info(
      {
        task: taskId,
        peer: peer.name,
        alignedRows: result.extra.aligned_rows, // `rows` is a redacted key
        bytes: transport.sent.bytes,
        seconds: result.extra.seconds,
      },
      'task completed',
    );
    return { result, transport, path: stored?.path ?? null };
  } catch (error) {
    if (isClosed(error)) await abortedWithin(signal, REASON_TIMEOUT_MS);
    // The cause of an aborted channel says more than the channel.
    const cause: unknown = signal.aborted ? signal.reason : error;
    log.error({ task: taskId, err: cause }, 'task failed');
    await session?.close(cause instanceof Error ? cause : new Error('the task failed'));
    await attempts.finish(Buffer.from(taskId, 'hex'));
    await abortTask(consensus, taskId, runFailure(cause)).catch((reason: unknown) =>
      log.error({ task: taskId, err: reason }, 'peers not told'),
    );
    return { error: cause };
  }
}

/** The world as the program sees it: this attempt starts from the beginning. */
async function contextOf(
  deps: TrainingTasksDeps,
  contract: TrainContract,
  taskId: string,
  session: Session,
  entry: TaskEntry,
): Promise<ProgramContext<TrainContract>> {
  const { consensus, log } = deps;
  const self = consensus.signer.name;
  return {
    contract,
    taskId,
    self,
    link: () => ({
      channel: session.channel,
      deriveKey: async (purpose, length) => session.deriveKey(purpose, length),
    }),
    loadDataset: () => deps.datasets.load(contract, self),
    loadModel: () => Promise.reject(new TaskError('NOT_AVAILABLE', 'a training has no model yet')),
    ledger: await openDisclosureLedger(deps.store, contract, taskId, () => consensus.now()),
    checkpoints: { resume: null, save: () => {} },
    progress: {
      phase: (phase) => {
        entry.phase(phase).catch((error: unknown) => log.error({ err: error }, 'row not written'));
      },
      step: (step, of) => entry.step(step, of),
    },
    kernels: () => deps.kernels(),
    curve: () => deps.curve,
    rng: deps.rng,
  };
}

function peerFailed({ party, reason }: TaskEnd): TaskError {
  return new TaskError('PEER_FAILED', `${party}: ${reason}`);
}

/** Whether the peer, or the network, ended the session. */
function isClosed(error: unknown): boolean {
  return (
    error instanceof SessionError || (error instanceof ProtocolError && error.code === 'CLOSED')
  );
}

/** Resolves once the signal is aborted or the time is up. */
async function abortedWithin(signal: AbortSignal, timeoutMs: number): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    signal.addEventListener('abort', done);
  });
}

/** What the coordinator is told. */
function outcomeOf(
  { contract, warnings, reason }: DraftedContract<TrainContract>,
  taskId: string,
  self: string,
  { result, transport, path }: Exclude<Finished, { readonly error: unknown }>,
): TaskOutcome {
  const id = modelId(taskId, contract.createdAt);
  return {
    modelId: id,
    path: path ?? `results/${taskId}/model.json`,
    type: 'json',
    metrics: result.metrics ?? {},
    extra: {
      algorithm: contract.algorithm.name,
      algorithm_from: reason,
      partition: contract.algorithm.partition,
      solver: contract.parameters.solver,
      model_release: contract.parameters.model_release,
      receivers: [...contract.receivers],
      ...result.extra,
      warnings: warnings.map(({ code, message }) => ({ code, message })),
      ...(result.metrics ? {} : { metrics_withheld: `${self} is not a receiver` }),
      bytes_sent: { [self]: transport.sent.bytes, [transport.peer]: transport.received.bytes },
    },
  };
}
