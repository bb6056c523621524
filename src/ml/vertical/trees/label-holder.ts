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
import { BoostingRound, KeptSplits, SplitNodes } from '../../../../proto/gen/trees.ts';
import type { RlweKernel } from '../../../kernels/rlwe-kernel.ts';
import { BucketOwner } from '../../../protocols/aggregation/bucket-sums.ts';
import { packBits } from '../../../protocols/primitives/bits.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import type { Matrix } from '../../data/matrix.ts';
import { seededGenerator } from '../../data/random.ts';
import type { Evaluation, MetricName } from '../../metrics/evaluate.ts';
import { sampleColumns, sampleRows, startMargins } from '../../trees/gradient-boosting.ts';
import { assertLabels, gradients } from '../../trees/objective.ts';
import type { BoostingParameters } from '../../trees/parameters.ts';
import { isWorth } from '../../trees/split.ts';
import { roundMetrics, tooFewToReport } from '../reported-metrics.ts';
import type {
  BestRound,
  Checkpoints,
  LabelHolderCheckpoint,
  LabelHolderRound,
} from './checkpoint.ts';
import { type PlacedColumns, placeColumns, thresholdOf } from './columns.ts';
import {
  type HostLink,
  type HostSession,
  type OnRound,
  type Opening,
  setupHosts,
} from './context.ts';
import { evaluateMargins, lossOf } from './evaluation.ts';
import {
  bestOwnSplit,
  checkSides,
  divide,
  maskedVector,
  type OpenNode,
  type OwnSplit,
  pick,
  plant,
} from './growth.ts';
import { inOrder, type JointTree, type SplitRule } from './joint-tree.ts';
import { plainParameters, splitRows, type TreeParameters } from './parameters.ts';
import { routeOwner } from './routing.ts';
import {
  bestCandidate,
  levelShares,
  type NodeShares,
  openSumsOwner,
  tellWinners,
} from './split-finding.ts';

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
  readonly onRound: OnRound;
  /** Called once no more rounds are to be grown. */
  readonly onTrained?: () => void;
  /** Default: from the start to the end in one run. */
  readonly checkpoints?: Checkpoints<LabelHolderCheckpoint>;
}

/** What the label holder has after the training. */
export interface LabelHolderPart {
  /** By round, one tree a class. */
  readonly rounds: readonly (readonly JointTree[])[];
  /** Its own splits. */
  readonly rules: readonly SplitRule[];
  /** Margins are told as multiples of 2^(exponent - open_bits): of a regression next to the label's deviation, else 0. */
  readonly exponent: number;
  readonly evaluation: Evaluation;
}

/** Everything that a round needs. */
interface Run extends Opening {
  readonly parameters: BoostingParameters;
  readonly seed: number;
  readonly hosts: readonly HostSession[];
  readonly owner: BucketOwner;
  /** Rows that train, then those held out. */
  readonly data: PlacedColumns;
  readonly labels: Float64Array;
  /** How many rows train. */
  readonly trained: number;
  readonly rng: Rng;
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
  const exponent = exponentOf(parameters, pick(labels, train));
  const resume = task.checkpoints?.resume ?? null;
  if (resume?.phase === 'evaluated') {
    task.onTrained?.();
    return { rounds: resume.rounds, rules: resume.rules, exponent, evaluation: resume.evaluation };
  }
  const data = placeColumns(features, { train, others: validation }, parameters.numBins);
  const ordered = new Float64Array(labels.length);
  ordered.set(pick(labels, train));
  ordered.set(pick(labels, validation), train.length);

  const hosts = await setupHosts(links, task.kernel, rng);
  const owner = await BucketOwner.setup(
    hosts.map(({ buckets, he }) => ({ channel: buckets, he })),
    train.length,
    rng,
  );
  const run: Run = {
    ...{ parameters, hosts, owner, data, rng, labels: ordered, trained: train.length },
    ...{ seed: task.parameters.seed, ledger: task.ledger, labelHolder: task.labelHolder },
  };
  const grown = await growRounds(run, task, resume ?? startOf(run));
  task.onTrained?.();

  const { step, told } = grown;
  const kept = grown.best?.rounds ?? step;
  const model = await keepSplits(run, grown.rounds.slice(0, kept), grown.rules, told);
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

function startOf({ parameters, data, hosts }: Run): LabelHolderRound {
  const margins = startMargins(parameters, data.rows);
  const told = hosts.map(() => 0);
  return { phase: 'training', step: 0, rounds: [], rules: [], told, margins, best: null };
}

async function growRounds(
  run: Run,
  task: LabelHolderTask,
  start: LabelHolderRound,
): Promise<LabelHolderRound> {
  const { num_trees, early_stopping_rounds } = task.parameters;
  const patience = run.trained < run.labels.length ? early_stopping_rounds : 0;
  let state = start;
  while (state.step < num_trees) {
    const grows = patience === 0 || state.step - (state.best?.rounds ?? 0) < patience;
    await Promise.all(run.hosts.map(({ trees }) => trees.send(BoostingRound, { grows })));
    if (!grows) break;

    state = await growRound(run, state);
    if (patience > 0) state = { ...state, best: bestOf(run, state) };
    task.checkpoints?.save(state);
    await task.onRound(state.step, num_trees);
  }
  return state;
}

function bestOf(run: Run, { step, margins, best }: LabelHolderRound): BestRound {
  const { labels, trained, parameters } = run;
  const held = margins.map((each) => each.slice(trained));
  const loss = lossOf(parameters.objective, held, labels.subarray(trained));
  return !best || loss < best.loss ? { loss, rounds: step, margins: held } : best;
}

/** One round: a tree a class, all of them level by level. */
async function growRound(run: Run, state: LabelHolderRound): Promise<LabelHolderRound> {
  const { parameters, owner, hosts } = run;
  const rules = [...state.rules];
  const told = [...state.told];
  await owner.arranged();
  const roots = plantRound(run, state);
  const leaves: OpenNode[] = [];
  let level = roots;
  let parents: (readonly NodeShares[])[] | null = null;
  for (let depth = 0; depth < parameters.maxDepth && level.length > 0; depth++) {
    const computed = depth === 0 ? level : level.filter((_, slot) => slot % 2 === 0);
    const vectors = await owner.sums(vectorsOf(computed, run.trained));
    const shares = vectors.map((ofHost, h) => levelShares(ofHost, parents?.[h] ?? null));
    const opened = await Promise.all(
      hosts.map(({ trees }, h) => openSumsOwner(trees, shares[h]!, run)),
    );

    const own = level.map((node) => bestOwnSplit(node, run.data, parameters));
    const winners = winnersOf(level, own, opened, parameters);
    const sides = await Promise.all(
      hosts.map((host, h) => askHost(run, host, level, roots, winners[h]!)),
    );

    const isLast = depth + 1 === parameters.maxDepth;
    const next: OpenNode[] = [];
    const split: number[] = [];
    for (const [slot, node] of level.entries()) {
      const host = winners.findIndex((ofHost) => ofHost[slot]! >= 0);
      const rule = host < 0 ? -1 : told[host]!++;
      const theirs = host < 0 ? null : checkSides(node, sides[host]!.get(node)!, parameters);
      const mine = own[slot]!;
      const found = theirs && (!mine || theirs.gain > mine.gain) ? theirs : mine;
      if (!found) {
        leaves.push(node);
        continue;
      }
      const by =
        found === theirs
          ? { owner: host + 1, rule }
          : { owner: 0, rule: rules.push(ruleOf(run.data, mine!, node, depth)) - 1 };
      const { left, right } = divide(node, found, run.data, parameters, isLast);
      const { nodes } = node.tree;
      const ids = { left: left.id, right: right.id };
      nodes[node.id] = { ...nodes[node.id]!, split: { ...by, ...ids, gain: found.gain } };
      split.push(slot);
      next.push(...(isHeads(run.rng) ? [left, right] : [right, left]));
    }
    level = next;
    if (isLast) break;
    const nodes = new Uint8Array(Uint32Array.from(split).buffer);
    await Promise.all(hosts.map(({ trees }) => trees.send(SplitNodes, { nodes })));
    parents = shares.map((ofHost) => split.map((slot) => ofHost[slot]!));
  }
  const margins = addLeaves(state.margins, roots, [...leaves, ...level]);
  const trees = roots.map(({ tree }) => inOrder(tree.nodes));
  const rounds = [...state.rounds, trees];
  return { ...state, step: state.step + 1, rounds, rules, told, margins };
}

/** The roots of a round's trees: gradients at the margins so far, on the rows and columns that are drawn. */
function plantRound(run: Run, { step, margins }: LabelHolderRound): OpenNode[] {
  const { parameters, data, labels, trained } = run;
  const next = seededGenerator(run.seed + 1 + step);
  const rows = sampleRows(trained, parameters.subsample, next);
  const counts = new Uint8Array(data.rows);
  for (const row of rows) counts[row] = 1;
  const others = new Uint32Array(data.rows - rows.length);
  for (let row = 0, at = 0; row < data.rows; row++) if (counts[row] === 0) others[at++] = row;
  const trainedMargins = margins.map((each) => each.subarray(0, trained));
  const derivatives = gradients(parameters, trainedMargins, labels.subarray(0, trained));
  return derivatives.map((each, k) => {
    const columns = sampleColumns(data.columns.length, parameters, next);
    const number = step * parameters.numClass + k;
    return plant(number, each, data, { rows, others }, columns, parameters);
  });
}

function* vectorsOf(nodes: readonly OpenNode[], n: number): Generator<Int32Array> {
  for (const node of nodes) {
    yield maskedVector(node, 'g', n);
    yield maskedVector(node, 'h', n);
  }
}

/** For every host and node the candidate that gains more than all others and own splits; -1 for none. */
function winnersOf(
  level: readonly OpenNode[],
  own: readonly (OwnSplit | null)[],
  opened: readonly (readonly { readonly G: Int32Array; readonly H: Int32Array }[])[],
  parameters: BoostingParameters,
): Int32Array[] {
  const winners = opened.map(() => new Int32Array(level.length).fill(-1));
  level.forEach(({ tree, sums }, slot) => {
    let best = { host: -1, candidate: -1, gain: own[slot]?.gain ?? -Infinity };
    opened.forEach((ofHost, host) => {
      const found = bestCandidate(ofHost[slot]!, tree.scale, sums, parameters);
      if (found && isWorth(found.gain, parameters) && found.gain > best.gain) {
        best = { host, ...found };
      }
    });
    if (best.host >= 0) winners[best.host]![slot] = best.candidate;
  });
  return winners;
}

/** Tells a host its winners and learns the rows' sides: packed bits, by node. */
async function askHost(
  run: Run,
  { trees, routing, ot, name }: HostSession,
  level: readonly OpenNode[],
  roots: readonly OpenNode[],
  winners: Int32Array,
): Promise<Map<OpenNode, Uint8Array>> {
  await tellWinners(trees, winners, name, run);

  const n = run.data.rows;
  const won = level.filter((_, slot) => winners[slot]! >= 0);
  const routes = roots.map((root) => {
    const nodes = won.filter(({ tree }) => tree === root.tree);
    const indices = new Uint16Array(n);
    nodes.forEach(({ rows, others }, v) => {
      for (const row of rows) indices[row] = v + 1;
      for (const row of others) indices[row] = v + 1;
    });
    return { splits: nodes.length, indices };
  });
  const bits = await routeOwner(routing, ot, routes, n, run);
  return new Map(
    won.map((node) => [node, bits[roots.findIndex(({ tree }) => tree === node.tree)]!]),
  );
}

function ruleOf(
  data: PlacedColumns,
  split: OwnSplit,
  { tree }: OpenNode,
  depth: number,
): SplitRule {
  const { feature, defaultLeft } = split;
  const threshold = thresholdOf(data.columns, split);
  return { feature, threshold, defaultLeft, tree: tree.number, depth };
}

function isHeads(rng: Rng): boolean {
  return (rng(1)[0]! & 1) === 1;
}

/** Margins with the weights of the leaves that every row came to. */
function addLeaves(
  margins: readonly Float64Array[],
  roots: readonly OpenNode[],
  leaves: readonly OpenNode[],
): Float64Array[] {
  const added = margins.map((each) => each.slice());
  for (const { tree, id, rows, others } of leaves) {
    const of = added[roots.findIndex((root) => root.tree === tree)]!;
    const { weight } = tree.nodes[id]!;
    for (const row of rows) of[row]! += weight;
    for (const row of others) of[row]! += weight;
  }
  return added;
}

/** Tells every host which of its splits the model has, and its rounds; the model with splits numbered anew. */
async function keepSplits(
  { hosts, ledger }: Run,
  rounds: readonly (readonly JointTree[])[],
  rules: readonly SplitRule[],
  told: readonly number[],
): Promise<Pick<LabelHolderPart, 'rounds' | 'rules'>> {
  const kept = [rules.length, ...told].map((count) => new Uint8Array(count));
  for (const { split } of rounds.flat(2)) if (split) kept[split.owner]![split.rule] = 1;
  await Promise.all(
    hosts.map(async ({ trees, name }, h) => {
      await ledger.record({ class: 'kept_splits', to: [name], elements: told[h]! });
      await trees.send(KeptSplits, { kept: packBits(kept[h + 1]!), rounds: rounds.length });
    }),
  );
  const numbers = kept.map((flags) => {
    let next = 0;
    return Int32Array.from(flags, (flag) => (flag === 1 ? next++ : -1));
  });
  const renumbered = rounds.map((trees) =>
    trees.map((nodes) =>
      nodes.map((node) => {
        const { split } = node;
        if (!split) return node;
        return { ...node, split: { ...split, rule: numbers[split.owner]![split.rule]! } };
      }),
    ),
  );
  return { rounds: renumbered, rules: rules.filter((_, rule) => kept[0]![rule] === 1) };
}

/** The metrics of the held-out rows, of the training rows where nothing is held out. */
function evaluationOf(run: Run, task: LabelHolderTask, grown: LabelHolderRound): Evaluation {
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
