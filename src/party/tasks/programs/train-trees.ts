/**
 * One training of boosted trees at one data holder, from the start certificate to the model: load, align,
 * grow, deliver. An attempt that resumes goes on after the checkpoint's round, under keys of its own.
 */
import { performance } from 'node:perf_hooks';
import type { Matrix } from '../../../ml/data/matrix.ts';
import type {
  Checkpoints,
  FeatureHolderCheckpoint,
  LabelHolderCheckpoint,
} from '../../../ml/vertical/trees/checkpoint.ts';
import {
  type FeatureHolderPart,
  trainFeatureHolder,
} from '../../../ml/vertical/trees/feature-holder.ts';
import { type LabelHolderPart, trainLabelHolder } from '../../../ml/vertical/trees/label-holder.ts';
import {
  publishFeatureHolder,
  publishLabelHolder,
  type TreePublication,
  type TreePublishOptions,
} from '../../../ml/vertical/trees/release.ts';
import type { TreeTraining } from '../../consensus/contract.ts';
import { featuresWidth } from '../../consensus/feature-width.ts';
import type { FeatureEncoding } from '../../datasets/encoding.ts';
import type { ForestDocument } from '../../models/forest-document.ts';
import type { TreePart } from '../../models/tree-part.ts';
import type { Checkpoint, ProgramContext, ProgramResult } from '../program.ts';
import { alignedFeatures, alignedLabels, columnsOf } from './aligned-table.ts';
import { alignRows, requireRows } from './alignment.ts';
import { type DataHolders, dataHolders } from './data-holders.ts';
import { checkpointsAfterMatching, type MatchingOptions } from './key-matching.ts';
import { namedRun, requireOneOrigin } from './shares-origin.ts';
import { stepClock } from './step-clock.ts';
import {
  decodeFeatureHolder,
  decodeLabelHolder,
  type TreeCheckpoint,
  type TreeCheckpointShape,
  type TreeResumePoint,
  treeCheckpointEncoder,
} from './tree-checkpoint.ts';
import { forestDocument, treePart } from './tree-documents.ts';

/** Trains with the other data holders. Throws `TaskError`, `ProtocolError` or `DatasetError`. */
export async function trainTrees(
  context: ProgramContext<TreeTraining>,
  options: MatchingOptions = {},
): Promise<ProgramResult<ForestDocument, TreePart>> {
  const holders = dataHolders(context.contract, context.self);
  return holders.me === 0
    ? trainAs(LABEL_HOLDER, context, holders, options)
    : trainAs(FEATURE_HOLDER, context, holders, options);
}

/** What the label holder and feature holders do each in their own way. */
interface Role<C extends TreeCheckpoint, P extends LabelHolderPart | FeatureHolderPart> {
  decode(checkpoint: Checkpoint, shape: TreeCheckpointShape): TreeResumePoint<C>;
  train(context: TreeContext, holders: DataHolders, table: Table<C>, run: Run<C>): Promise<P>;
  publish(part: P, options: TreePublishOptions): Promise<TreePublication | null>;
}

type TreeContext = ProgramContext<TreeTraining>;

/** This party's aligned records; of the table that was read nothing else stays in memory. */
interface Table<C extends TreeCheckpoint> {
  /** Null at the start. */
  readonly point: TreeResumePoint<C> | null;
  /** This party's row numbers, in the order that all parties use. */
  readonly rows: Uint32Array;
  readonly features: Matrix;
  /** Null unless this is the label holder. */
  readonly labels: Float64Array | null;
  readonly encoding: readonly FeatureEncoding[];
}

interface Run<C extends TreeCheckpoint> {
  readonly checkpoints: Checkpoints<C>;
  readonly onRound: (round: number, rounds: number) => void;
  readonly onTrained: () => void;
}

const LABEL_HOLDER: Role<LabelHolderCheckpoint, LabelHolderPart> = {
  decode: decodeLabelHolder,
  publish: publishLabelHolder,
  train({ contract, link, ledger, self, rng, treeKernels }, { others }, table, run) {
    const { parameters, metrics, receivers } = contract;
    return trainLabelHolder(
      others.map(({ name }) => ({ name, channel: link(name).channel.fork('train') })),
      { features: table.features, labels: table.labels! },
      {
        ...{ parameters, metrics, ledger, ...run, labelHolder: self, fileRows: table.rows },
        metricsLeave: receivers.some((name) => name !== self),
        kernel: treeKernels().rlwe,
      },
      rng,
    );
  },
};

const FEATURE_HOLDER: Role<FeatureHolderCheckpoint, FeatureHolderPart> = {
  decode: decodeFeatureHolder,
  publish: publishFeatureHolder,
  train({ contract, link, ledger, self, rng, treeKernels }, { all }, { features, rows }, run) {
    const { parameters } = contract;
    const labelHolder = all[0]!.name;
    return trainFeatureHolder(
      link(labelHolder).channel.fork('train'),
      features,
      {
        ...{ parameters, ledger, ...run, labelHolder, self, fileRows: rows },
        kernels: treeKernels(),
      },
      rng,
    );
  },
};

async function trainAs<C extends TreeCheckpoint, P extends LabelHolderPart | FeatureHolderPart>(
  role: Role<C, P>,
  context: TreeContext,
  holders: DataHolders,
  options: MatchingOptions,
): Promise<ProgramResult<ForestDocument, TreePart>> {
  const { contract, self, taskId, progress, link } = context;
  const start = performance.now();

  progress.phase('aligning');
  const checkpoints = checkpointsAfterMatching(context, options);
  const table = await alignedTable(role, context, holders, checkpoints.resume, options);
  const { point, rows, encoding } = table;
  const resume = point?.training ?? null;
  const isTrained = resume?.phase === 'evaluated';
  const origin = point && isTrained ? point.origin : await namedRun(context, holders);
  const checkpointOf = treeCheckpointEncoder(taskId, origin, rows);
  const save = (training: C | null): void => checkpoints.save(checkpointOf(training));
  if (!point) save(null);
  const aligned = performance.now();

  progress.phase('training');
  const traffic = trafficOf(context, holders);
  const part = await role.train(context, holders, table, {
    checkpoints: { resume, save },
    onRound: (round, rounds) => {
      traffic.tick();
      progress.step(round, rounds);
    },
    onTrained: () => progress.phase('evaluating'),
  });

  progress.phase('publishing');
  const { parameters, metrics, receivers } = contract;
  const publication = await role.publish(part, {
    ...{ parameters, metrics, receivers, self, ledger: context.ledger },
    parties: holders.all.map(({ name, dataset }) => ({
      name,
      features: featuresWidth(dataset.features),
    })),
    columns: columnsOf(encoding),
    channel: (peer) => link(peer).channel.fork('publish'),
  });
  const trained = performance.now();
  const reasons = 'evaluation' in part ? part.evaluation.reasons : {};
  return {
    model: forestDocument(contract, taskId, publication),
    part: treePart(contract, taskId, self, encoding, { part, publication, origin }),
    file: null,
    metrics: publication?.metrics ?? null,
    extra: {
      aligned_rows: rows.length,
      ...(publication && Object.keys(reasons).length > 0 ? { null_metrics: { ...reasons } } : {}),
      seconds: { align: (aligned - start) / 1000, train: (trained - aligned) / 1000 },
      ...traffic.perTree(parameters.num_class),
      trees: parameters.num_class * roundsOf(part),
    },
  };
}

async function alignedTable<C extends TreeCheckpoint>(
  role: Pick<Role<C, never>, 'decode'>,
  context: TreeContext,
  holders: DataHolders,
  checkpoint: Checkpoint | null,
  options: MatchingOptions,
): Promise<Table<C>> {
  const dataset = await context.loadDataset();
  const point =
    checkpoint && (await resumePoint(role, context, holders, dataset.rowCount, checkpoint));
  const rows = point?.rows ?? (await alignRows(context, dataset, options));
  requireRows(rows.length);
  return {
    ...{ point, rows, encoding: dataset.encoding },
    features: alignedFeatures(dataset, rows),
    labels: alignedLabels(dataset, rows),
  };
}

/** The checkpoint to go on from, once it is known that the other parties have the same. */
async function resumePoint<C extends TreeCheckpoint>(
  role: Pick<Role<C, never>, 'decode'>,
  context: TreeContext,
  holders: DataHolders,
  tableRows: number,
  checkpoint: Checkpoint,
): Promise<TreeResumePoint<C>> {
  const { contract, taskId } = context;
  const point = role.decode(checkpoint, {
    ...{ taskId, tableRows, parameters: contract.parameters },
    columns: featuresWidth(holders.own.dataset.features),
    featureHolders: holders.others.length,
  });
  const what = 'the parties’ checkpoints are of different attempts: start the task again';
  const mine = { origin: point.origin, step: checkpoint.step, label: 'resume' };
  await requireOneOrigin(context, holders, mine, { code: 'CHECKPOINT_UNUSABLE', what });
  return point;
}

/** Time and bytes of rounds: one clock a link. */
function trafficOf({ link, self }: TreeContext, { others }: DataHolders) {
  const clocks = others.map(({ name }) => ({ name, clock: stepClock(link(name).channel) }));
  return {
    tick: () => {
      for (const { clock } of clocks) clock.tick();
    },
    /** Means over the rounds, as every party sends. */
    perTree: (classes: number) => {
      const links = clocks.map(({ name, clock }) => ({ name, ...clock.summary() }));
      const sent = links.reduce((sum, { bytesSentPerStep }) => sum + bytesSentPerStep, 0);
      const received = links.map(({ name, bytesReceivedPerStep: bytes }) => [name, bytes] as const);
      const perTree = [[self, sent] as const, ...received].map(
        ([name, bytes]) => [name, Math.round(bytes / classes)] as const,
      );
      return {
        seconds_per_tree: links[0]!.secondsPerStep / classes,
        bytes_per_tree: Object.fromEntries(perTree),
      };
    },
  };
}

function roundsOf({ rounds }: LabelHolderPart | FeatureHolderPart): number {
  return typeof rounds === 'number' ? rounds : rounds.length;
}
