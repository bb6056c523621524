/**
 * Delivery of a trained model: metrics, and for `model_release: full` the trees, to the receivers.
 *
 * Functionality: label holder in: trees, its own splits, metrics; feature holders in: their splits; out at each receiver:
 *           one model over all parties' columns, and the metrics; at the others: nothing.
 * Security: semi-honest; every owner sends to every receiver and records it in its ledger before; a receiver records
 *           the trees before it reads the first of them.
 * Leaks:    what the classes `metrics`, `trees` and `thresholds` declare.
 * Cost:     to each receiver one message of every holder: 8.2 bytes a split and the columns' names; from the label holder
 *           also 36 bytes a node, one message a tree. No round of its own.
 */
import {
  ReleasedForest,
  ReleasedSplits,
  ReleasedTree,
  TreeMetrics,
} from '../../../../proto/gen/trees.ts';
import type { Channel } from '../../../protocols/channel.ts';
import type { DisclosureLedger } from '../../../protocols/disclosure.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import { bitAt, packBits } from '../../../protocols/primitives/bits.ts';
import {
  bytesOf,
  checkLength,
  decodeDoubles,
  decodeUint32,
} from '../../../protocols/primitives/words.ts';
import type { MetricName } from '../../metrics/evaluate.ts';
import type { BoostedTrees } from '../../trees/gradient-boosting.ts';
import type { FeatureHolderPart } from './feature-holder.ts';
import { type JointTree, plainTree, type SplitRule } from './joint-tree.ts';
import type { LabelHolderPart } from './label-holder.ts';
import { innerNodes, plainParameters, type TreeParameters, treesOf } from './parameters.ts';
import { countRules, decodeTree, encodeTree } from './tree-bytes.ts';

const MAX_NAME_LENGTH = 1024;

/** A column of the model; with a level, the indicator of one value of a categorical column. */
export interface TreeColumn {
  readonly party: string;
  readonly column: string;
  readonly level?: number;
}

/** What a receiver learns. */
export interface TreePublication {
  /** Null for `model_release: split`. */
  readonly model: {
    /** Of all parties in the contract's order: what a split's `feature` counts. */
    readonly columns: readonly TreeColumn[];
    readonly trees: BoostedTrees;
  } | null;
  /** The requested metrics, null where one cannot be computed. */
  readonly metrics: Readonly<Record<string, number | null>>;
}

export interface TreePublishOptions {
  readonly parameters: TreeParameters;
  /** Names of the data holders, the label holder first, and how many columns each has. */
  readonly parties: readonly { readonly name: string; readonly features: number }[];
  /** This party's name. */
  readonly self: string;
  /** Names of the receivers, one or more of the parties. */
  readonly receivers: readonly string[];
  readonly metrics: readonly MetricName[];
  /** This party's columns. */
  readonly columns: readonly Omit<TreeColumn, 'party'>[];
  readonly ledger: DisclosureLedger;
  /** A channel to another data holder, for this alone. */
  readonly channel: (peer: string) => Channel;
}

/** What one party has of the splits. */
interface OwnedSplits {
  readonly columns: readonly Omit<TreeColumn, 'party'>[];
  readonly rules: readonly Omit<SplitRule, 'tree' | 'depth'>[];
}

/** The label holder's part. Null when it is no receiver. */
export async function publishLabelHolder(
  part: LabelHolderPart,
  options: TreePublishOptions,
): Promise<TreePublication | null> {
  const { metrics, receivers, ledger, self, channel } = options;
  const peers = peersOf(options);
  const computed = part.evaluation.metrics;
  const values = Float64Array.from(metrics, (name) => computed[name] ?? Number.NaN);
  const disclosure = { class: 'metrics', to: receivers, elements: metrics.length };
  await ledger.record({ ...disclosure, value: bytesOf(values) });
  const readers = peers.filter((peer) => receivers.includes(peer));
  const links = new Map(peers.map((peer) => [peer, channel(peer)]));
  await Promise.all(
    readers.map((peer) => links.get(peer)!.send(TreeMetrics, { values: bytesOf(values) })),
  );

  const isFull = options.parameters.model_release === 'full';
  if (isFull) {
    const nodes = part.rounds.flat(2).length;
    const trees = part.rounds.flat().map(encodeTree);
    const value = Buffer.concat(trees.map((tree) => ReleasedTree.encode(tree).finish()));
    await ledger.record({ class: 'trees', to: receivers, elements: nodes, value });
    const forest = { rounds: part.rounds.length, nodes };
    await Promise.all(readers.map((peer) => sendForest(links.get(peer)!, forest, trees)));
    await sendSplits(options, links, { columns: options.columns, rules: part.rules });
  }
  if (!receivers.includes(self)) return null;
  const named = namedMetrics(metrics, values);
  if (!isFull) return { model: null, metrics: named };
  return { model: await composed(options, links, part.rounds, part.rules), metrics: named };
}

/** A feature holder's part. Null when it is no receiver. */
export async function publishFeatureHolder(
  part: FeatureHolderPart,
  options: TreePublishOptions,
): Promise<TreePublication | null> {
  const { metrics, receivers, ledger, self, channel, parties, parameters } = options;
  const labelHolder = parties[0]!.name;
  const links = new Map(peersOf(options).map((peer) => [peer, channel(peer)]));
  const disclosure = { class: 'metrics', to: receivers, elements: metrics.length };
  await ledger.record({ ...disclosure, value: null });
  const isFull = parameters.model_release === 'full';
  const reads = receivers.includes(self);
  if (isFull) await sendSplits(options, links, { columns: options.columns, rules: part.rules });
  if (!reads) return null;

  const { values } = await links.get(labelHolder)!.receive(TreeMetrics);
  const named = namedMetrics(metrics, decodeDoubles(values, metrics.length));
  if (!isFull) return { model: null, metrics: named };
  const forest = decodeForest(await links.get(labelHolder)!.receive(ReleasedForest), parameters);
  await ledger.record({ class: 'trees', to: receivers, elements: forest.nodes, value: null });
  const rounds = await receiveTrees(links.get(labelHolder)!, forest, parameters, parties.length);
  return { model: await composed(options, links, rounds, part.rules), metrics: named };
}

function peersOf({ parties, self }: TreePublishOptions): string[] {
  return parties.map(({ name }) => name).filter((name) => name !== self);
}

/** This party's splits to all receivers but itself. */
async function sendSplits(
  { receivers, ledger }: TreePublishOptions,
  links: ReadonlyMap<string, Channel>,
  own: OwnedSplits,
): Promise<void> {
  const message = encodeSplits(own);
  const value = ReleasedSplits.encode(message).finish();
  await ledger.record({ class: 'thresholds', to: receivers, elements: own.rules.length, value });
  await Promise.all(
    receivers.map((peer) => links.get(peer)?.send(ReleasedSplits, message) ?? Promise.resolve()),
  );
}

/** The model over all columns, once all other owners' splits are there. */
async function composed(
  { parties, self, columns, parameters }: TreePublishOptions,
  links: ReadonlyMap<string, Channel>,
  rounds: readonly (readonly JointTree[])[],
  rules: readonly SplitRule[],
): Promise<TreePublication['model']> {
  const counts = parties.map((_, owner) => countRules(rounds, owner));
  const owned = await Promise.all(
    parties.map(async ({ name, features }, owner): Promise<OwnedSplits> => {
      if (name === self) return { columns, rules };
      const message = await links.get(name)!.receive(ReleasedSplits);
      return decodeSplits(message, features, counts[owner]!);
    }),
  );
  if (rules.length !== counts[parties.findIndex(({ name }) => name === self)]) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'the trees have other splits of this party');
  }
  let first = 0;
  const owners = owned.map((each) => {
    const owner = { rules: each.rules, first };
    first += each.columns.length;
    return owner;
  });
  return {
    columns: owned.flatMap((each, p) =>
      each.columns.map((column) => ({ party: parties[p]!.name, ...column })),
    ),
    trees: {
      parameters: plainParameters(parameters),
      features: first,
      rounds: rounds.map((trees) => trees.map((tree) => plainTree(tree, owners))),
    },
  };
}

async function sendForest(
  ch: Channel,
  forest: ReleasedForest,
  trees: readonly ReleasedTree[],
): Promise<void> {
  await ch.send(ReleasedForest, forest);
  for (const tree of trees) await ch.send(ReleasedTree, tree);
}

function decodeForest(forest: ReleasedForest, parameters: TreeParameters): ReleasedForest {
  const { rounds, nodes } = forest;
  if (rounds > parameters.num_trees) {
    throw new ProtocolError('MALFORMED_MESSAGE', `expected ${treesOf(parameters)} trees at most`);
  }
  const trees = rounds * parameters.num_class;
  if (nodes < trees || nodes > trees * mostNodes(parameters)) {
    throw new ProtocolError('MALFORMED_MESSAGE', `${trees} trees do not have ${nodes} nodes`);
  }
  return forest;
}

/** Nodes of a full tree. */
function mostNodes(parameters: TreeParameters): number {
  return 2 * innerNodes(parameters) + 1;
}

async function receiveTrees(
  ch: Channel,
  { rounds, nodes }: ReleasedForest,
  parameters: TreeParameters,
  owners: number,
): Promise<JointTree[][]> {
  const found: JointTree[][] = [];
  while (found.length < rounds) {
    const trees: JointTree[] = [];
    while (trees.length < parameters.num_class) {
      trees.push(decodeTree(await ch.receive(ReleasedTree), mostNodes(parameters), owners));
    }
    found.push(trees);
  }
  if (found.flat(2).length !== nodes) {
    throw new ProtocolError('MALFORMED_MESSAGE', `the trees do not have ${nodes} nodes in all`);
  }
  return found;
}

function encodeSplits({ columns, rules }: OwnedSplits): ReleasedSplits {
  return {
    columns: columns.map(({ column, level }) => ({ name: column, level })),
    features: bytesOf(Uint32Array.from(rules, ({ feature }) => feature)),
    thresholds: bytesOf(Float32Array.from(rules, ({ threshold }) => threshold)),
    defaultLeft: packBits(rules.map(({ defaultLeft }) => defaultLeft)),
  };
}

function decodeSplits(message: ReleasedSplits, d: number, count: number): OwnedSplits {
  if (message.columns.length !== d) {
    throw new ProtocolError('MALFORMED_MESSAGE', `expected ${d} columns`);
  }
  const columns = message.columns.map(({ name, level }) => {
    if (name.length > MAX_NAME_LENGTH) {
      throw new ProtocolError('MALFORMED_MESSAGE', 'a column name is too long');
    }
    return level === undefined ? { column: name } : { column: name, level };
  });
  const features = decodeUint32(message.features, count);
  checkLength(message.thresholds, 4 * count);
  const thresholds = new Float32Array(new Uint8Array(message.thresholds).buffer);
  checkLength(message.defaultLeft, Math.ceil(count / 8));
  const rules = Array.from(features, (feature, i) => {
    const threshold = thresholds[i]!;
    if (feature >= d || !Number.isFinite(threshold)) {
      throw new ProtocolError('MALFORMED_MESSAGE', 'a split is of no column, or at no number');
    }
    return { feature, threshold, defaultLeft: bitAt(message.defaultLeft, i) === 1 };
  });
  return { columns, rules };
}

function namedMetrics(
  names: readonly MetricName[],
  values: Float64Array,
): Readonly<Record<string, number | null>> {
  return Object.fromEntries(
    names.map((name, i) => [name, Number.isFinite(values[i]!) ? values[i]! : null]),
  );
}
