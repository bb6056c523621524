/**
 * Vertical logistic and linear regression, from aligned tables to a model: one function, both roles.
 *
 * Functionality: label holder A in (X_A, y), feature holder H in X_H, rows aligned; out: shares of the
 *           weights; at A the metrics; shares of the releasable model for whoever may learn it.
 * Security: semi-honest, one corruption, no dealer and no arbiter; ring LWE, AES-128 as PRG and
 *           correlation-robust hash, CDH and random oracle for the base transfers; statistical hiding in the
 *           slot products. No weight, error, gradient or exact logit is ever in clear at either party here:
 *           after the last step A reads the rounded scores of the rows that are evaluated, and shares of the
 *           model are opened by `publish.ts`.
 * Leaks:    what `leakage.ts` declares, each opening through the ledger; sizes; of each rounded value also how
 *           its cut bits compare with a number that its reader knows (`sharing/truncate.ts`). A run that goes
 *           on from a checkpoint repeats the openings after it (VL-10 in `AUDIT.md`).
 * Cost:     `solver.ts` a step, from the checkpoint's on; one product and one truncation for the scores;
 *           `release.ts` once.
 */

import type { Channel } from '../../../protocols/channel.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { takeRows, takeValues } from '../../data/matrix.ts';
import type { Whitening } from '../../data/whiten.ts';
import { CURVATURE } from '../../linear/link.ts';
import type { Evaluation, MetricName } from '../../metrics/evaluate.ts';
import { isCheckpoint, type TrainingCheckpoints } from './checkpoint.ts';
import { type ContextOptions, setupTraining, type TrainingContext } from './context.ts';
import {
  clearMatrix,
  coordinates,
  designRows,
  fullBatch,
  largestClassWeight,
  miniBatches,
  type PartyTable,
  rowWeights,
  splitRows,
  type TargetScale,
  targetScale,
} from './design.ts';
import type { LinearParameters } from './parameters.ts';
import type { BlockShares } from './products.ts';
import { type BlockMap, blockMap, checkTarget, releasedShares } from './release.ts';
import { metricsOf, openScores } from './scores.ts';
import {
  type Batch,
  type OnStep,
  type SolverRun,
  type SolverState,
  solveFullBatch,
  solveSgd,
} from './solver.ts';

/** A training as the contract fixes it, seen by one party. */
export interface TrainingTask extends Omit<ContextOptions, 'loss'> {
  readonly algorithm: 'logistic_regression' | 'linear_regression';
  readonly parameters: LinearParameters;
  readonly metrics: readonly MetricName[];
  /** Names of the parties that will receive metrics and model. */
  readonly receivers: readonly string[];
  /** Columns of the other party's table, categorical ones expanded. */
  readonly peerFeatures: number;
  readonly onStep: OnStep;
  /** Called once no more steps are to be taken. */
  readonly onTrained?: () => void;
  /** Default: from the start to the end in one run. */
  readonly checkpoint?: TrainingCheckpoints;
}

/** What one party holds after the training. */
export interface TrainedPart {
  /** Shares of the weights in the solver's coordinates, for joint prediction with a split model. */
  readonly weights: BlockShares;
  /** How this party's raw rows become rows of those coordinates. */
  readonly whitening: Whitening;
  /** Label holder only, for linear regression. */
  readonly target: TargetScale | null;
  /** Label holder only. */
  readonly evaluation: Evaluation | null;
  /** With `model_release: full`: shares of the model to be opened to the receivers. */
  readonly release: ReleaseShares | null;
}

/** Shares of the releasable model and the public units of this party's part of it. */
export interface ReleaseShares {
  /** Label holder's columns, feature holder's columns, intercept; scale `open_bits`. */
  readonly shares: BigUint64Array;
  /** Unit of each of this party's columns, see `release.ts`. */
  readonly exponents: Int32Array;
}

/** Trains with the other party over `ch`. Both parties call it with the same contract. */
export async function trainVerticalLinear(
  ch: Channel,
  table: PartyTable,
  task: TrainingTask,
  rng: Rng,
): Promise<TrainedPart> {
  const { parameters, role } = task;
  const loss = task.algorithm === 'linear_regression' ? null : parameters.loss;
  const rows = splitRows(table.features.rows, parameters);
  const train = takeRows(table.features, rows.train);
  const intercept = role === 'label_holder' && parameters.use_intercept;
  const whitening = coordinates(
    train,
    { ...parameters, l2: relativePenalty(parameters) },
    curvatureOf(loss),
    intercept,
  );
  const map = blockMap(whitening, table.columns, parameters);
  if (table.labels && loss !== null) checkClasses(table.labels);
  const labels = table.labels && takeValues(table.labels, rows.train);
  const target = labels && loss === null ? targetScale(labels, parameters.use_intercept) : null;
  if (target) checkTarget(target);
  const scaled =
    target && labels ? labels.map((y) => (y - target.centre) / 2 ** target.exponent) : labels;

  const resume = task.checkpoint?.resume ?? null;
  if (resume?.phase === 'evaluated') {
    task.onTrained?.();
    const { weights, evaluation, release: shares } = resume;
    const release = shares && { shares, exponents: map.exponents };
    return { weights, whitening, target, evaluation, release };
  }

  const context = await setupTraining(ch, { ...task, loss }, rng);
  const { step, weights } = await solve(context, task, whitening, train, scaled, resume);
  task.onTrained?.();

  const scored = clearMatrix(
    context,
    designRows(whitening, takeRows(table.features, rows.validation)),
    rows.validation.length,
  );
  const scoreClass = parameters.use_validation_set ? 'validation_scores' : 'training_scores';
  const scores = await openScores(context, scored, weights, parameters.open_bits, scoreClass);
  scored.encoded.free();
  const evaluation =
    scores && table.labels
      ? metricsOf(scores, takeValues(table.labels, rows.validation), {
          names: task.metrics,
          loss,
          threshold: parameters.predict_threshold,
          target,
          openBits: parameters.open_bits,
          leaveLabelHolder: task.receivers.some((name) => name !== task.parties[0]),
        })
      : null;

  const release = await releaseOf(context, task, map, weights, target);
  // Not after a failure: the other block's program might still be running, and encrypt under an erased key.
  context.he.close();
  task.checkpoint?.save({
    phase: 'evaluated',
    step: step + 1,
    weights,
    evaluation,
    release: release?.shares ?? null,
  });
  return { weights, whitening, target, evaluation, release };
}

async function solve(
  context: TrainingContext,
  task: TrainingTask,
  whitening: Whitening,
  train: PartyTable['features'],
  labels: Float64Array | undefined,
  resume: SolverState | null,
): Promise<SolverState> {
  const { parameters, checkpoint } = task;
  const peerColumns =
    task.peerFeatures + (context.role === 'feature_holder' && parameters.use_intercept ? 1 : 0);
  const weightsOfRows =
    labels && context.loss !== null ? rowWeights(labels, parameters.class_weight) : undefined;
  const withLabels = (batch: Batch, rows?: Uint32Array): Batch => ({
    ...batch,
    ...(labels && { labels: rows ? takeValues(labels, rows) : labels }),
    ...(weightsOfRows && { rowWeights: rows ? takeValues(weightsOfRows, rows) : weightsOfRows }),
  });
  const run = (planned: number): SolverRun => ({
    onStep: task.onStep,
    resume,
    onState: (state, steps) => {
      if (!isCheckpoint(state.step, steps, planned)) return;
      checkpoint?.save({ phase: 'training', ...state });
    },
  });

  if (parameters.solver === 'auto') {
    const batch = fullBatch(context, whitening, train, peerColumns);
    const { epochs } = parameters;
    const state = await solveFullBatch(context, withLabels(batch), epochs, run(epochs));
    batch.matrix.encoded.free();
    return state;
  }
  const batches = miniBatches(
    context,
    whitening,
    train,
    peerColumns,
    Math.min(parameters.batch_size, train.rows),
    parameters.seed,
  );
  const options = {
    epochs: parameters.epochs,
    learningRate: parameters.learning_rate * largestClassWeight(parameters.class_weight),
    momentum: parameters.momentum,
    ridge: relativePenalty(parameters) / train.rows,
    seed: parameters.seed,
    trainingRows: train.rows,
    intercept: parameters.use_intercept,
  };
  const state = await solveSgd(
    context,
    batches.map(({ batch, rows }) => withLabels(batch, rows)),
    options,
    run(parameters.epochs * batches.length),
  );
  for (const { batch } of batches) batch.matrix.encoded.free();
  return state;
}

async function releaseOf(
  context: TrainingContext,
  task: TrainingTask,
  map: BlockMap,
  weights: BlockShares,
  target: TargetScale | null,
): Promise<ReleaseShares | null> {
  const { parameters, peerFeatures } = task;
  if (parameters.model_release !== 'full') return null;
  const shares = await releasedShares(context, map, peerFeatures, weights, parameters, target);
  return { shares, exponents: map.exponents };
}

/** The penalty beside rows whose largest weight is 1. */
function relativePenalty({ l2, class_weight }: LinearParameters): number {
  return l2 / largestClassWeight(class_weight);
}

/** Bound on the second derivative of a row's loss. */
function curvatureOf(loss: TrainingContext['loss']): number {
  if (loss === null) return CURVATURE.squaredError;
  return loss === 'logloss' ? CURVATURE.logLoss : CURVATURE.brierLoss;
}

function checkClasses(labels: Float64Array): void {
  const row = labels.findIndex((y) => y !== 0 && y !== 1);
  if (row >= 0) throw new RangeError(`"labels" expected 0 or 1, got another value in row ${row}`);
}
