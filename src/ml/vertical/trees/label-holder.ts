/**
 * Vertical gradient boosting, the label holder's part: it drives, and feature holders answer (`feature-holder.ts`).
 *
 * Functionality: label holder A in (X_A, y), feature holders H_1 .. H_k in X_h, rows aligned; out: at A trees with weights
 *   and whose each split is, at every holder its own splits' columns, thresholds and directions; at A the metrics.
 *   A tree is that of plain boosting (`ml/trees`) on all columns together, up to noise in what H's candidates gain.
 *
 * Security: semi-honest, any set of feature holders corrupted together, or A alone; what A and feature holders could
 *   learn together is not bounded here. Ring LWE twice (`aggregation/bucket-sums.ts`), OT extension, AES-128 as a PRG.
 *   Feature holders see ring-LWE samples, ciphertexts and columns of transfers, all independent of memberships, and what is
 *   listed below. g, h, labels, a row's node or a node's size never leave A.
 * Leaks:    what `leakage.ts` declares, each opening through the ledger of A and of H. To H also the shape of the trees:
 *           which nodes of a level are split further, by whomever, and how many rounds there are. Which of two children was
 *           computed and which is what is left of the parent, H knows; which of them is the left one, A draws at random,
 *           so that this tells nothing of their sizes.
 * Cost:     set-up of `bucket-sums.ts` and one OT extension a host. A round of K trees, at a level of v nodes: 2 v vectors at
 *           the roots, v below; the openings of `split-finding.ts`; the transfers of `routing.ts`; 4 v bytes A->H.
 *           Three turns a level.
 *
 * Names: K trees a round, one a class; g, h derivatives of the loss; v nodes of a level.
 */
import { BoostingRound } from '../../../../proto/gen/trees.ts';
import type { RlweKernel } from '../../../kernels/rlwe-kernel.ts';
import { BucketOwner, type OwnerArrangement } from '../../../protocols/aggregation/bucket-sums.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { type Matrix, takeValues } from '../../data/matrix.ts';
import type { Evaluation, MetricName } from '../../metrics/evaluate.ts';
import { startMargins } from '../../trees/gradient-boosting.ts';
import { assertLabels } from '../../trees/objective.ts';
import type { BoostingParameters } from '../../trees/parameters.ts';
import { roundMetrics, tooFewToReport } from '../reported-metrics.ts';
import type {
  BestRound,
  Checkpoints,
  LabelHolderCheckpoint,
  LabelHolderRound,
} from './checkpoint.ts';
import { placeColumns } from './columns.ts';
import { type HostLink, type OnRound, type Opening, setupHosts } from './context.ts';
import { evaluateMargins, lossOf } from './evaluation.ts';
import { type KeptModel, keepSplits } from './kept-splits.ts';
import type { LabelHolderRun } from './level.ts';
import { plainParameters, splitRows, type TreeParameters, vectorsOfRound } from './parameters.ts';
import { growRound } from './round.ts';

/** The label holder's aligned rows: row i is the same record at every party. */
export interface LabelHolderTable {
  /** [n, d], NaN where a value is missing. */
  readonly features: Matrix;
  /** [n]: 0 or 1, a class from 0 to num_class - 1, or a number. */
  readonly labels: Float64Array;
}

/** A training as the contract fixes it, seen by the label holder. */
export interface LabelHolderTask extends Opening {
  readonly parameters: TreeParameters;
  readonly metrics: readonly MetricName[];
  /** Whether a party that does not hold the labels receives the metrics. */
  readonly metricsLeave: boolean;
  readonly kernel: RlweKernel;
  /** Where each row stands in this party's own table; default: in the order of the rows. See `placeColumns`. */
  readonly fileRows?: Uint32Array;
  readonly onRound: OnRound;
  /** Called once no more rounds are to be grown. */
  readonly onTrained?: () => void;
  /** Default: from the start to the end in one run. */
  readonly checkpoints?: Checkpoints<LabelHolderCheckpoint>;
}

/** What the label holder has after the training: by round one tree a class, and its own splits. */
export interface LabelHolderPart extends KeptModel {
  /** Margins are told as multiples of 2^(exponent - open_bits): of a regression next to the label's deviation, else 0. */
  readonly exponent: number;
  readonly evaluation: Evaluation;
}

/** links: of the feature holders, in the contract's order. Throws `RangeError` for labels that do not fit. */
export async function trainLabelHolder(
  links: readonly HostLink[],
  { features, labels }: LabelHolderTable,
  task: LabelHolderTask,
  rng: Rng,
): Promise<LabelHolderPart> {
  const parameters = plainParameters(task.parameters);
  if (labels.length !== features.rows) {
    throw new RangeError(`"labels" expected ${features.rows} rows, got ${labels.length}`);
  }
  assertLabels(parameters, labels);
  const { train, validation } = splitRows(features.rows, task.parameters);
  const exponent = exponentOf(parameters, takeValues(labels, train));
  const resume = task.checkpoints?.resume ?? null;
  if (resume?.phase === 'evaluated') {
    task.onTrained?.();
    return { rounds: resume.rounds, rules: resume.rules, exponent, evaluation: resume.evaluation };
  }
  const data = placeColumns(
    features,
    { train, others: validation },
    parameters.numBins,
    task.fileRows,
  );
  const ordered = new Float64Array(labels.length);
  ordered.set(takeValues(labels, train));
  ordered.set(takeValues(labels, validation), train.length);

  const hosts = await setupHosts(links, task.kernel, rng);
  const owner = await BucketOwner.setup(
    hosts.map(({ buckets, he }) => ({ channel: buckets, he })),
    train.length,
    rng,
  );
  const run: LabelHolderRun = {
    ...{ parameters, hosts, owner, data, rng, labels: ordered, trained: train.length },
    ...{ seed: task.parameters.seed, ledger: task.ledger, labelHolder: task.labelHolder },
  };
  const grown = await growRounds(run, task, resume ?? startOf(run));
  task.onTrained?.();

  const { step, told, rules } = grown;
  const rounds = grown.rounds.slice(0, grown.best?.rounds ?? step);
  const model = await keepSplits(hosts, { rounds, rules }, told, task);
  const evaluation = evaluationOf(run, task, grown);
  // Not after a failure: another program might still be running, and encrypt under an erased key.
  owner.close();
  for (const { he } of hosts) he.close();
  task.checkpoints?.save({ phase: 'evaluated', step: step + 1, ...model, evaluation });
  return { ...model, exponent, evaluation };
}

/** The power of two next to the deviation of a regression's label. */
function exponentOf({ objective }: BoostingParameters, y: Float64Array): number {
  if (objective !== 'reg:squarederror') return 0;
  const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
  const variance = y.reduce((sum, value) => sum + (value - mean) ** 2, 0) / y.length;
  return variance > 0 ? Math.ceil(Math.log2(variance) / 2) : 0;
}

function startOf({ parameters, data, hosts }: LabelHolderRun): LabelHolderRound {
  const margins = startMargins(parameters, data.rows);
  const told = hosts.map(() => 0);
  return { phase: 'training', step: 0, rounds: [], rules: [], told, margins, best: null };
}

async function growRounds(
  run: LabelHolderRun,
  task: LabelHolderTask,
  start: LabelHolderRound,
): Promise<LabelHolderRound> {
  const { num_trees, early_stopping_rounds } = task.parameters;
  const patience = run.trained < run.labels.length ? early_stopping_rounds : 0;
  let state = start;
  let next = state.step < num_trees ? arranged(run) : null;
  while (next) {
    const grows = patience === 0 || state.step - (state.best?.rounds ?? 0) < patience;
    await Promise.all(run.hosts.map(({ trees }) => trees.send(BoostingRound, { grows })));
    const arrangement = await next;
    if (!grows) {
      arrangement.close();
      break;
    }
    next = state.step + 1 < num_trees ? arranged(run) : null; // beside this round
    state = await growRound(run, arrangement, state);
    arrangement.close();
    if (patience > 0) state = { ...state, best: bestOf(run, state) };
    task.checkpoints?.save(state);
    await task.onRound(state.step, num_trees);
  }
  return state;
}

/** The hosts' candidates of the next round, as far as they concern the label holder. */
function arranged({ owner, parameters }: LabelHolderRun): Promise<OwnerArrangement> {
  const arrangement = owner.arranged(vectorsOfRound(parameters));
  arrangement.catch(() => undefined); // thrown where it is needed, unless the round before fails
  return arrangement;
}

function bestOf(run: LabelHolderRun, { step, margins, best }: LabelHolderRound): BestRound {
  const { labels, trained, parameters } = run;
  const held = margins.map((each) => each.slice(trained));
  const loss = lossOf(parameters.objective, held, labels.subarray(trained));
  return !best || loss < best.loss ? { loss, rounds: step, margins: held } : best;
}

/** The metrics of the held-out rows, of the training rows where nothing is held out. */
function evaluationOf(
  run: LabelHolderRun,
  task: LabelHolderTask,
  grown: LabelHolderRound,
): Evaluation {
  const { labels, trained, parameters } = run;
  const { objective, numClass } = parameters;
  const { predict_threshold, open_bits } = task.parameters;
  const from = trained === labels.length ? 0 : trained;
  const y = labels.subarray(from);
  const margins = grown.best?.margins ?? grown.margins.map((each) => each.subarray(from));
  const classes = objective === 'reg:squarederror' ? 0 : Math.max(2, numClass);
  const few = task.metricsLeave && tooFewToReport(task.metrics, y, classes);
  if (few) return few;
  const evaluation = evaluateMargins(task.metrics, objective, margins, y, predict_threshold);
  return roundMetrics(evaluation, open_bits);
}
