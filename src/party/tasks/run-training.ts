/**
 * One training task at one data holder, from the start certificate to the model: load, align, train,
 * deliver. Everything that touches the world comes in as an argument.
 */
import { performance } from 'node:perf_hooks';
import type { CurveEngine } from '../../kernels/curve25519-engine.ts';
import { matrix, takeRows } from '../../ml/data/matrix.ts';
import type { LinearKernels } from '../../ml/vertical/linear/context.ts';
import type { ColumnName, PartyTable } from '../../ml/vertical/linear/design.ts';
import { type Publication, publish } from '../../ml/vertical/linear/publish.ts';
import { type TrainedPart, trainVerticalLinear } from '../../ml/vertical/linear/train.ts';
import type { DisclosureLedger } from '../../protocols/disclosure.ts';
import type { Rng } from '../../protocols/primitives/rng.ts';
import { alignReceiver, alignSender } from '../../protocols/psi/align.ts';
import { deduplicate } from '../../protocols/psi/deduplicate.ts';
import { itemDigests } from '../../protocols/psi/item-digest.ts';
import type { ContractParty, TrainContract } from '../consensus/contract.ts';
import { featuresWidth } from '../consensus/feature-width.ts';
import type { LoadedDataset } from '../datasets/datasets.ts';
import type { Session } from '../transport/session.ts';
import { TaskError } from './task-error.ts';

/** Rows below which a joint model makes no sense: the validation split needs two, a fit a few more. */
const FEWEST_ROWS = 10;

/** What a task tells about itself while it runs. */
export interface TaskProgress {
  phase(phase: 'aligning' | 'training' | 'evaluating' | 'publishing'): void;
  step(step: number, steps: number): void;
}

export interface TrainingRun {
  readonly contract: TrainContract;
  /** This node's name. */
  readonly self: string;
  /** To the other data holder. */
  readonly session: Session;
  readonly dataset: LoadedDataset;
  readonly ledger: DisclosureLedger;
  readonly kernels: LinearKernels;
  readonly curve: CurveEngine;
  readonly progress: TaskProgress;
}

/** What the task leaves at this party. */
export interface TrainingOutcome {
  /** What a receiver learns; null elsewhere. */
  readonly publication: Publication | null;
  readonly part: TrainedPart;
  /** This party's columns as trained, categorical ones expanded. */
  readonly columns: readonly ColumnName[];
  readonly alignedRows: number;
  readonly timings: TaskTimings;
}

export interface TaskTimings {
  readonly alignSeconds: number;
  readonly trainSeconds: number;
  readonly steps: number;
  /** Mean over the steps, the first left out when there are more: it warms up. */
  readonly secondsPerIteration: number;
  /** This party's traffic an iteration. */
  readonly bytesSentPerIteration: number;
  readonly bytesReceivedPerIteration: number;
}

/** Runs the task with the other data holder. Throws `TaskError`, `ProtocolError` or `DatasetError`. */
export async function runTraining(run: TrainingRun, rng: Rng): Promise<TrainingOutcome> {
  const { contract, self, session, progress } = run;
  const { own, peer } = dataHolders(contract, self);
  const labelHolder = own.role === 'label_holder';
  const start = performance.now();

  progress.phase('aligning');
  const rows = await align(run, labelHolder, rng);
  if (rows.length < FEWEST_ROWS) {
    throw new TaskError('TOO_FEW_ROWS', `the parties have ${rows.length} records in common`);
  }
  const aligned = performance.now();

  progress.phase('training');
  const table = tableOf(run.dataset, rows);
  const parties = labelHolder ? ([own.name, peer.name] as const) : ([peer.name, own.name] as const);
  const { metrics } = contract;
  const steps = stepClock(session);
  const peerFeatures = featuresWidth(peer.dataset!.features);
  const part = await trainVerticalLinear(
    session.channel.fork('train'),
    table,
    {
      algorithm: contract.algorithm.name,
      role: labelHolder ? 'label_holder' : 'feature_holder',
      parties,
      parameters: contract.parameters,
      metrics,
      receivers: contract.receivers,
      peerFeatures,
      kernels: run.kernels,
      ledger: run.ledger,
      onStep: (step, total) => {
        steps.tick();
        progress.step(step, total);
        if (step === total) progress.phase('evaluating');
      },
    },
    rng,
  );

  progress.phase('publishing');
  const publication = await publish(session.channel.fork('publish'), part, {
    role: labelHolder ? 'label_holder' : 'feature_holder',
    parties,
    receivers: contract.receivers,
    metrics,
    columns: table.columns,
    peerFeatures,
    openBits: contract.parameters.open_bits,
    ledger: run.ledger,
  });
  const timings = {
    alignSeconds: (aligned - start) / 1000,
    trainSeconds: (performance.now() - aligned) / 1000,
    ...steps.summary(),
  };
  return { publication, part, columns: table.columns, alignedRows: rows.length, timings };
}

/** This party and the other data holder. */
export function dataHolders(
  contract: TrainContract,
  self: string,
): { readonly own: ContractParty; readonly peer: ContractParty } {
  const holders = contract.parties.filter((party) => party.dataset !== null);
  const own = holders.find((party) => party.name === self);
  const peer = holders.find((party) => party.name !== self);
  if (!own || !peer || holders.length !== 2) {
    throw new TaskError('NOT_AVAILABLE', 'training needs exactly two data holders');
  }
  return { own, peer };
}

/** This party's row numbers of the common records, in the order that both parties use. */
async function align(run: TrainingRun, labelHolder: boolean, rng: Rng): Promise<Uint32Array> {
  const { contract, session, dataset, ledger, curve } = run;
  if (contract.alignment.method === 'row_order') {
    return Uint32Array.from({ length: dataset.rowCount }, (_, i) => i);
  }
  const salt = session.deriveKey('psi item digests', 32);
  const distinct = deduplicate(itemDigests([dataset.keys!], salt), contract.alignment.duplicates);
  const holders = contract.parties.filter((party) => party.dataset !== null);
  await ledger.record({
    class: 'intersection',
    to: holders.map((party) => party.name),
    elements: distinct.rows.length,
  });
  const options = {
    engine: curve,
    maxItems: Math.max(...holders.map((party) => party.dataset!.rowCount)),
  };
  const channel = session.channel.fork('align');
  const common = labelHolder
    ? await alignReceiver(channel, distinct.items, options, rng)
    : await alignSender(channel, distinct.items, options, rng);
  return common.map((item) => distinct.rows[item]!);
}

function tableOf(dataset: LoadedDataset, rows: Uint32Array): PartyTable {
  const features = matrix(dataset.features, dataset.rowCount, dataset.columnNames.length);
  const labels = dataset.label && Float64Array.from(rows, (row) => dataset.label![row]!);
  return {
    features: takeRows(features, rows),
    columns: expandedColumns(dataset),
    ...(labels && { labels }),
  };
}

/** What each column of the loaded table is. */
function expandedColumns({ encoding }: LoadedDataset): ColumnName[] {
  return encoding.flatMap((feature): ColumnName[] =>
    feature.kind === 'numeric'
      ? [{ column: feature.name }]
      : feature.levels.map((_, level) => ({ column: feature.name, level })),
  );
}

/** Measures the steps of a training: time and this party's bytes. */
function stepClock(session: Session): {
  tick(): void;
  summary(): Omit<TaskTimings, 'alignSeconds' | 'trainSeconds'>;
} {
  const marks: { readonly ms: number; readonly sent: number; readonly received: number }[] = [];
  return {
    tick: () => {
      const { bytesSent: sent, bytesReceived: received } = session.channel.stats;
      marks.push({ ms: performance.now(), sent, received });
    },
    summary: () => {
      const [first, last] = [marks[0], marks.at(-1)];
      const intervals = marks.length - 1;
      const mean = (of: 'ms' | 'sent' | 'received'): number =>
        first && last && intervals > 0 ? (last[of] - first[of]) / intervals : 0;
      return {
        steps: marks.length,
        secondsPerIteration: mean('ms') / 1000,
        bytesSentPerIteration: Math.round(mean('sent')),
        bytesReceivedPerIteration: Math.round(mean('received')),
      };
    },
  };
}
