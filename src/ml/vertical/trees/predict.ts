/**
 * Joint predictions by trees whose parts stay at their owners.
 *
 * Functionality: sums of leaf weights of every row, as probabilities of each class or values.
 *   Label holder   in: X_A [n, d_A], its part   out: predictions if it receives them
 *   Feature holder in: X_H [n, d_H], its part   out: predictions if it receives them
 *   A level at a time all trees ask each owner for the sides of the rows at its own splits (`routing.ts`).
 *
 * Security: semi-honest, as training without its sums: a feature holder sees columns of transfers only, so neither paths
 *           nor leaves; the label holder sees the bits on every row's paths.
 * Leaks:    what `treePredictionLeakage` declares, through the ledger; n, and how many splits each feature holder has at
 *           every level of every tree, which the label holder knows since the training.
 * Cost:     a level, a holder: `routing.ts` over rows of all trees that it has splits of there, one turn for each
 *           `rowsAtOnce` rows; 8 K n bytes to each receiver, K classes.
 */
import { TreeScores } from '../../../../proto/gen/trees.ts';
import type { Channel } from '../../../protocols/channel.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import { OtReceiver, OtSender } from '../../../protocols/ot/ot-extension.ts';
import { bitAt } from '../../../protocols/primitives/bits.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { decodeDoubles } from '../../../protocols/primitives/words.ts';
import type { Matrix } from '../../data/matrix.ts';
import { startMargins } from '../../trees/gradient-boosting.ts';
import { transformMargins } from '../../trees/objective.ts';
import { valueBits } from './columns.ts';
import type { HostLink, Opening } from './context.ts';
import { type JointTree, placesOf, rulesAt, type SplitRule } from './joint-tree.ts';
import { plainParameters, type TreeParameters } from './parameters.ts';
import { routeHost, routeOwner } from './routing.ts';

/** A prediction as the contract fixes it. */
export interface TreePredictionTask extends Opening {
  /** Of the training. */
  readonly parameters: TreeParameters;
  /** How many trees the model has. */
  readonly trees: number;
  /** Names of the parties that learn the predictions. */
  readonly receivers: readonly string[];
  /** Called after every block of rows. */
  readonly onRows: (rows: number, of: number) => void;
}

/** What the label holder keeps of a model to predict with. */
export interface ForestPart {
  /** By round, one tree a class. */
  readonly rounds: readonly (readonly JointTree[])[];
  readonly rules: readonly SplitRule[];
  /** Margins are told as multiples of 2^(exponent - open_bits). */
  readonly exponent: number;
}

/** Places of rows in trees at a time. */
const PLACES_AT_ONCE = 2 ** 22;
/** Rows of predictions a message. */
const SCORE_ROWS = 2 ** 16;

/** Rows that all trees are asked about at a time: a multiple of 8. */
export function rowsAtOnce(trees: number): number {
  return Math.max(8, 8 * Math.floor(PLACES_AT_ONCE / Math.max(1, trees) / 8));
}

/**
 * The label holder's part. links: of the feature holders, in the contract's order.
 * @returns [classes] x [n], probabilities or values; null at a party that receives none
 */
export async function predictLabelHolder(
  links: readonly HostLink[],
  X: Matrix,
  part: ForestPart,
  task: TreePredictionTask,
  rng: Rng,
): Promise<readonly Float64Array[] | null> {
  const parameters = plainParameters(task.parameters);
  const forest = part.rounds.flat();
  if (forest.length !== task.trees) {
    throw new RangeError(`"part" expected ${task.trees} trees, got ${forest.length}`);
  }
  const hosts = await Promise.all(
    links.map(async ({ name, channel }, h) => ({
      name,
      ot: await OtReceiver.setup(channel, rng),
      routing: channel.fork('routing'),
      scores: channel.fork('scores'),
      places: placesOf(forest, h + 1),
    })),
  );
  const margins = startMargins(parameters, X.rows);
  const step = rowsAtOnce(forest.length);
  for (let from = 0; from < X.rows; from += step) {
    const n = Math.min(step, X.rows - from);
    const nodes = forest.map(() => new Uint32Array(n));
    for (let depth = 0; depth < parameters.maxDepth; depth++) {
      const asked = hosts.map(({ places }, h) =>
        questions(forest, nodes, rulesAt(places, forest.length, depth), h + 1),
      );
      const sides = await Promise.all(
        hosts.map(({ routing, ot }, h) => routeOwner(routing, ot, asked[h]!, n, task)),
      );
      descend(forest, nodes, [ownSides(X, part.rules, forest.length, depth, from, n), ...sides]);
    }
    forest.forEach((tree, t) => {
      const of = margins[t % parameters.numClass]!;
      nodes[t]!.forEach((node, i) => {
        of[from + i]! += tree[node]!.weight;
      });
    });
    task.onRows(from + n, X.rows);
  }

  const unit = 2 ** (part.exponent - task.parameters.open_bits);
  const rounded = margins.map((each) => each.map((z) => Math.round(z / unit) * unit));
  const predictions = transformMargins(parameters.objective, rounded);
  const elements = X.rows * predictions.length;
  const disclosure = { class: 'prediction_scores', to: task.receivers, elements };
  await task.ledger.record({ ...disclosure, value: bytesOf(...predictions) });
  const readers = hosts.filter(({ name }) => task.receivers.includes(name));
  await Promise.all(readers.map(({ scores }) => sendScores(scores, predictions)));
  return task.receivers.includes(task.labelHolder) ? predictions : null;
}

/** The feature holder's part. rules: its splits of the model. Returns as `predictLabelHolder`. */
export async function predictFeatureHolder(
  channel: Channel,
  X: Matrix,
  { rules }: { readonly rules: readonly SplitRule[] },
  task: TreePredictionTask & { readonly self: string },
  rng: Rng,
): Promise<readonly Float64Array[] | null> {
  const { maxDepth, numClass } = plainParameters(task.parameters);
  const ot = await OtSender.setup(channel, rng);
  const [routing, scores] = [channel.fork('routing'), channel.fork('scores')];
  const step = rowsAtOnce(task.trees);
  for (let from = 0; from < X.rows; from += step) {
    const n = Math.min(step, X.rows - from);
    const bitsOf = (id: number, row: number, count: number): Uint8Array =>
      valueBits(X, rules[id]!, from + row, count);
    for (let depth = 0; depth < maxDepth; depth++) {
      await routeHost(routing, ot, rulesAt(rules, task.trees, depth), n, bitsOf, task);
    }
    task.onRows(from + n, X.rows);
  }

  const elements = X.rows * numClass;
  const disclosure = { class: 'prediction_scores', to: task.receivers, elements };
  await task.ledger.record({ ...disclosure, value: null });
  return task.receivers.includes(task.self) ? receiveScores(scores, X.rows, numClass) : null;
}

/** What an owner is asked at one level: for every tree its number among the owner's splits, by row. */
function questions(
  forest: readonly JointTree[],
  nodes: readonly Uint32Array[],
  rules: readonly (readonly number[])[],
  owner: number,
): { readonly splits: number; readonly indices: Uint16Array }[] {
  return forest.map((tree, t) => {
    const numbers = new Map(rules[t]!.map((rule, v) => [rule, v + 1]));
    const ofNode = tree.map(({ split }) =>
      split?.owner === owner ? (numbers.get(split.rule) ?? 0) : 0,
    );
    return { splits: numbers.size, indices: Uint16Array.from(nodes[t]!, (node) => ofNode[node]!) };
  });
}

/** Sides of rows at the label holder's own splits of one level, by rule. */
function ownSides(
  X: Matrix,
  rules: readonly SplitRule[],
  trees: number,
  depth: number,
  from: number,
  n: number,
): ReadonlyMap<number, Uint8Array> {
  const ids = rulesAt(rules, trees, depth).flat();
  return new Map(ids.map((id) => [id, valueBits(X, rules[id]!, from, n)]));
}

/** Moves every row to the child that its side names. sides: own ones by rule, then of each holder by tree. */
function descend(
  forest: readonly JointTree[],
  nodes: readonly Uint32Array[],
  [own, ...hosts]: readonly [
    ReadonlyMap<number, Uint8Array>,
    ...(readonly (Uint8Array | null)[])[],
  ],
): void {
  forest.forEach((tree, t) => {
    const at = nodes[t]!;
    for (let i = 0; i < at.length; i++) {
      const { split } = tree[at[i]!]!;
      if (!split) continue;
      const { owner, rule, left, right } = split;
      const sides = owner === 0 ? own.get(rule)! : hosts[owner - 1]![t]!;
      at[i] = bitAt(sides, i) === 1 ? left : right;
    }
  });
}

/** Vectors one after another, 8 bytes a number. */
function bytesOf(...vectors: readonly Float64Array[]): Uint8Array {
  const bytes = vectors.map((v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength));
  return Buffer.concat(bytes);
}

async function sendScores(ch: Channel, predictions: readonly Float64Array[]): Promise<void> {
  const n = predictions[0]!.length;
  for (let from = 0; from < n; from += SCORE_ROWS) {
    const rows = Math.min(SCORE_ROWS, n - from);
    const values = new Float64Array(rows * predictions.length);
    predictions.forEach((each, k) => {
      values.set(each.subarray(from, from + rows), k * rows);
    });
    await ch.send(TreeScores, { scores: new Uint8Array(values.buffer) });
  }
}

async function receiveScores(ch: Channel, n: number, classes: number): Promise<Float64Array[]> {
  const predictions = Array.from({ length: classes }, () => new Float64Array(n));
  for (let from = 0; from < n; from += SCORE_ROWS) {
    const rows = Math.min(SCORE_ROWS, n - from);
    const values = decodeScores(await ch.receive(TreeScores), rows * classes);
    predictions.forEach((each, k) => {
      each.set(values.subarray(k * rows, (k + 1) * rows), from);
    });
  }
  return predictions;
}

function decodeScores({ scores }: TreeScores, n: number): Float64Array {
  const values = decodeDoubles(scores, n);
  if (!values.every(Number.isFinite)) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'a prediction is no number');
  }
  return values;
}
