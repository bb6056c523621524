/**
 * One training at one data holder, from the start certificate to the model: load, align, train,
 * deliver. An attempt that resumes goes on after the checkpoint's step, under keys of its own.
 */
import { performance } from 'node:perf_hooks';
import type { TrainingCheckpoint } from '../../../ml/vertical/linear/checkpoint.ts';
import type { PartyTable } from '../../../ml/vertical/linear/design.ts';
import { publish } from '../../../ml/vertical/linear/publish.ts';
import { trainVerticalLinear } from '../../../ml/vertical/linear/train.ts';
import type { LinearTraining } from '../../consensus/contract.ts';
import { featuresWidth } from '../../consensus/feature-width.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { LinearPart } from '../../models/linear-part.ts';
import type { LinearDocument } from '../../models/model-document.ts';
import type { Checkpoint, ProgramContext, ProgramResult } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { alignedFeatures, alignedLabels, columnsOf } from './aligned-table.ts';
import { alignRows, requireRows } from './alignment.ts';
import { twoDataHolders } from './data-holders.ts';
import { checkpointsAfterMatching, type MatchingOptions } from './key-matching.ts';
import { modelDocument, modelPart } from './model-documents.ts';
import { haveOneOrigin, newOrigin } from './shares-origin.ts';
import { stepClock } from './step-clock.ts';
import { checkpointEncoder, decodeCheckpoint, type ResumePoint } from './training-checkpoint.ts';

/** Trains with the other data holder. Throws `TaskError`, `ProtocolError` or `DatasetError`. */
export async function trainLinear(
  context: ProgramContext<LinearTraining>,
  options: MatchingOptions = {},
): Promise<ProgramResult<LinearDocument, LinearPart>> {
  const { contract, self, taskId, progress, ledger, rng } = context;
  const { own, peer } = twoDataHolders(contract, self);
  const link = context.link(peer.name);
  const { channel } = link;
  const role = own.role === 'label_holder' ? 'label_holder' : 'feature_holder';
  const start = performance.now();

  progress.phase('aligning');
  const dataset = await context.loadDataset();
  const checkpoints = checkpointsAfterMatching(context, options);
  const point = checkpoints.resume && (await resumePoint(context, dataset, checkpoints.resume));
  const rows = point?.rows ?? (await alignRows(context, dataset, options));
  requireRows(rows.length);
  const resume = point?.training ?? null;
  const isTrained = resume?.phase === 'evaluated';
  const origin = point && isTrained ? point.origin : await newOrigin(link);
  const checkpointOf = checkpointEncoder(taskId, origin, rows);
  const save = (training: TrainingCheckpoint | null): void =>
    checkpoints.save(checkpointOf(training));
  if (!point) save(null);
  const aligned = performance.now();

  progress.phase('training');
  const table = tableOf(dataset, rows);
  const { metrics, receivers, parameters } = contract;
  const clock = stepClock(channel);
  let steps = resume ? resume.step - Number(isTrained) : 0;
  const shared = {
    role,
    parties:
      role === 'label_holder' ? ([own.name, peer.name] as const) : ([peer.name, own.name] as const),
    metrics,
    receivers,
    peerFeatures: featuresWidth(peer.dataset!.features),
    ledger,
  } as const;
  const part = await trainVerticalLinear(
    channel.fork('train'),
    table,
    {
      ...shared,
      algorithm: contract.algorithm.name,
      parameters,
      kernels: context.kernels(),
      onStep: (step, total) => {
        clock.tick();
        steps = step;
        progress.step(step, total);
      },
      onTrained: () => progress.phase('evaluating'),
      checkpoint: { resume, save },
    },
    rng,
  );

  progress.phase('publishing');
  const publication = await publish(channel.fork('publish'), part, {
    ...shared,
    columns: table.columns,
    openBits: parameters.open_bits,
  });
  const trained = performance.now();
  const { secondsPerStep, bytesSentPerStep, bytesReceivedPerStep } = clock.summary();
  const reasons = part.evaluation?.reasons ?? {};
  return {
    model: modelDocument(contract, taskId, publication),
    part: modelPart(contract, taskId, self, dataset, { part, publication, origin }),
    file: null,
    metrics: publication?.metrics ?? null,
    extra: {
      aligned_rows: rows.length,
      ...(publication && Object.keys(reasons).length > 0 ? { null_metrics: { ...reasons } } : {}),
      seconds: { align: (aligned - start) / 1000, train: (trained - aligned) / 1000 },
      steps,
      seconds_per_iteration: secondsPerStep,
      bytes_per_iteration: { [self]: bytesSentPerStep, [peer.name]: bytesReceivedPerStep },
    },
  };
}

/** The checkpoint to go on from, once it is known that the other party has the same. */
async function resumePoint(
  context: ProgramContext<LinearTraining>,
  dataset: LoadedDataset,
  checkpoint: Checkpoint,
): Promise<ResumePoint> {
  const { contract, self, taskId } = context;
  const { own, peer } = twoDataHolders(contract, self);
  const { use_intercept, model_release } = contract.parameters;
  const widths = [own, peer].map(({ dataset: terms }) => featuresWidth(terms!.features));
  const [mine, theirs] = [own, peer].map(
    ({ role }, p) => widths[p]! + Number(use_intercept && role === 'label_holder'),
  );
  const point = decodeCheckpoint(checkpoint, {
    taskId,
    tableRows: dataset.rowCount,
    own: mine!,
    peer: theirs!,
    released: model_release === 'full' ? widths[0]! + widths[1]! + 1 : null,
    isLabelHolder: own.role === 'label_holder',
  });
  const channel = context.link(peer.name).channel.fork('resume');
  if (await haveOneOrigin(channel, point.origin, checkpoint.step)) return point;
  throw new TaskError(
    'CHECKPOINT_UNUSABLE',
    'the parties’ checkpoints are of different attempts: start the task again',
  );
}

function tableOf(dataset: LoadedDataset, rows: Uint32Array): PartyTable {
  const labels = alignedLabels(dataset, rows);
  return {
    features: alignedFeatures(dataset, rows),
    columns: columnsOf(dataset.encoding),
    ...(labels && { labels }),
  };
}
