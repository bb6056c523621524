/** The last steps of a task whose result every party has prepared. Each can be done again after a crash. */
import { canonicalDigest } from '../consensus/canonical-json.ts';
import { type ConsensusNode, otherParties } from '../consensus/consensus-node.ts';
import { type Contract, isTreeTraining, type TrainContract } from '../consensus/contract.ts';
import { ConsensusError } from '../consensus/errors.ts';
import { sendReceipt, submitReceipt } from '../consensus/receipt.ts';
import { finishTask } from '../consensus/task-end.ts';
import type { JsonObject } from '../http/json-shape.ts';
import type { NodeLog } from '../log.ts';
import { modelId } from '../models/model-id.ts';
import type { AttemptStore } from '../transport/attempts.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { FileKind, PreparedResult, PublishedResult, ResultStore } from './result-store.ts';
import type { TaskEntry } from './task-entry.ts';
import { endError } from './task-failure.ts';
import type { TaskOutcome } from './task-view.ts';

export interface FinishDeps {
  readonly consensus: ConsensusNode;
  readonly attempts: AttemptStore;
  readonly results: ResultStore;
  readonly checkpoints: CheckpointStore;
  readonly log: NodeLog;
}

/** The name that a party which receives nothing is told for the receivers' file; null: there is none. */
function receiversFile(contract: Contract): string | null {
  switch (contract.kind) {
    case 'train':
      return 'model.json';
    case 'predict':
      return 'predictions.csv';
    case 'psi':
      return contract.parameters.output === 'size' ? null : `${contract.algorithm.name}.csv`;
  }
}

function fileKindOf({ kind }: Contract): FileKind {
  return kind === 'psi' ? 'intersection' : 'predictions';
}

/** A decided result on its way. */
export interface Finishing {
  readonly contract: Contract;
  readonly prepared: PreparedResult;
  readonly entry: TaskEntry;
}

/**
 * The one step that tells "everybody has it" from "nobody has it" at this party: nothing ends the task
 * afterwards. Throws when another party ended it before.
 */
export async function decideResult(consensus: ConsensusNode, taskId: string): Promise<void> {
  try {
    await finishTask(consensus, taskId);
  } catch (error) {
    if (!(error instanceof ConsensusError)) throw error;
    const record = await consensus.records.find(taskId);
    if (record?.end) throw endError(record.end);
    if (record?.state !== 'finished') throw error;
  }
}

/** Publishes a decided result. When it throws, it is to be called again: now, or after a restart. */
export async function publishResult(
  deps: FinishDeps,
  { contract, prepared, entry }: Finishing,
): Promise<void> {
  const { consensus, attempts, results, checkpoints, log } = deps;
  const { taskId } = prepared;
  await attempts.finish(Buffer.from(taskId, 'hex'));
  const published = await results.publish(prepared, fileKindOf(contract));
  await exchangeReceipts(deps, contract, prepared, published);
  await showLogs(deps, contract, taskId);
  const outcome = outcomeOf(consensus.signer.name, contract, prepared, published, entry);
  await checkpoints.remove(taskId);
  await entry.complete(outcome, [results.published(taskId)]);
  const { bytesSent, bytesReceived } = entry.view().progress;
  log.info({ task: taskId, attempt: prepared.attempt, bytesSent, bytesReceived }, 'task completed');
}

/** Signs how the task ended here and tells the others: a party that is away gets it when asked again. */
async function exchangeReceipts(
  { consensus, log }: FinishDeps,
  contract: Contract,
  { taskId, attempt, metrics, transport }: PreparedResult,
  { digest }: PublishedResult,
): Promise<void> {
  const earlier = await consensus.records.receipt(taskId, attempt, consensus.signer.name);
  const undelivered = earlier
    ? await sendReceipt(consensus, contract, earlier)
    : await submitReceipt(consensus, {
        taskId,
        attempt,
        outcome: 'completed',
        model: digest,
        metrics: metrics && canonicalDigest(metrics),
        transport,
      });
  for (const { party, code } of undelivered) {
    log.warn({ task: taskId, peer: party, code }, 'receipt not delivered');
  }
}

/**
 * Has the others confirm this node's log with the task in it, however that ended: a party that is away
 * does at the next task.
 */
export async function showLogs(
  { consensus, log }: Pick<FinishDeps, 'consensus' | 'log'>,
  contract: Contract,
  taskId: string,
): Promise<void> {
  await Promise.all(
    otherParties(consensus, contract).map(async (peer) => {
      try {
        await consensus.audit.show(taskId, peer, 'end');
      } catch (error) {
        if (!(error instanceof ConsensusError)) throw error;
        log.warn({ task: taskId, peer, code: error.code }, 'audit log not confirmed');
      }
    }),
  );
}

/** What the coordinator is told. */
function outcomeOf(
  self: string,
  contract: Contract,
  { taskId, metrics, extra, attempt, transport }: PreparedResult,
  { path }: PublishedResult,
  { notes }: TaskEntry,
): TaskOutcome {
  const { alignment, algorithm, receivers } = contract;
  const file = receiversFile(contract);
  const shown = path ?? (file && `results/${taskId}/${file}`);
  return {
    modelId: modelOf(contract, taskId),
    path: shown,
    type: shown === null ? null : shown.endsWith('.json') ? 'json' : 'csv',
    metrics: metrics ?? {},
    extra: {
      algorithm: algorithm.name,
      algorithm_from: notes.reason,
      partition: algorithm.partition,
      ...(contract.kind === 'train' && trainedAs(contract)),
      ...(alignment.method === 'psi' && { psi_engine: alignment.engine }),
      receivers: [...receivers],
      warnings: notes.warnings.map(({ code, message }) => ({ code, message })),
      ...(!receivers.includes(self) && { metrics_withheld: `${self} is not a receiver` }),
      ...extra,
      attempts: attempt,
      ...(transport.length > 0 && { bytes_sent: bytesSent(self, transport) }),
    },
  };
}

/** How a model was trained. */
function trainedAs(training: TrainContract): JsonObject {
  const { model_release } = training.parameters;
  return isTreeTraining(training)
    ? { objective: training.parameters.objective, model_release }
    : { solver: training.parameters.solver, model_release };
}

/** What this party sent in all its sessions, and what each peer sent to it. */
function bytesSent(
  self: string,
  sessions: PreparedResult['transport'],
): Readonly<Record<string, number>> {
  const own = sessions.reduce((sum, { sent }) => sum + sent.bytes, 0);
  return {
    [self]: own,
    ...Object.fromEntries(sessions.map(({ peer, received }) => [peer, received.bytes])),
  };
}

function modelOf(contract: Contract, taskId: string): string | null {
  switch (contract.kind) {
    case 'train':
      return modelId(taskId, contract.createdAt);
    case 'predict':
      return contract.model.id;
    case 'psi':
      return null;
  }
}
