/**
 * One level of a round's trees at the label holder, which has the protocol's statement in `label-holder.ts`: three turns
 * with every feature holder, all nodes of all trees at once.
 */
import { setImmediate } from 'node:timers/promises';
import { SplitNodes } from '../../../../proto/gen/trees.ts';
import type { BucketOwner, OwnerArrangement } from '../../../protocols/aggregation/bucket-sums.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import type { BoostingParameters } from '../../trees/parameters.ts';
import { isWorth } from '../../trees/split.ts';
import { type PlacedColumns, thresholdOf } from './columns.ts';
import type { HostSession, Opening } from './context.ts';
import {
  bestOwnSplit,
  checkSides,
  type Division,
  divide,
  maskedVector,
  type OpenNode,
  type OwnSplit,
} from './growth.ts';
import type { SplitRule } from './joint-tree.ts';
import { routeOwner, type TreeRoute } from './routing.ts';
import {
  bestCandidate,
  type OpenedSums,
  openSumsOwner,
  tellWinners,
  withSiblings,
} from './split-finding.ts';

/** Everything that a round needs. */
export interface LabelHolderRun extends Opening {
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

export interface Level {
  readonly depth: number;
  /** Below the roots in pairs of siblings; of each pair the sums of the first one are computed. */
  readonly nodes: readonly OpenNode[];
  /** Opened sums by host, one a pair; null at the roots. */
  readonly parents: readonly (readonly OpenedSums[])[] | null;
}

/** All splits so far: the label holder's own, and how many each host was told of. */
export interface Splits {
  readonly rules: SplitRule[];
  readonly told: number[];
}

/** What became of a level. */
export interface GrownLevel {
  /** Nodes that stay as they are. */
  readonly leaves: readonly OpenNode[];
  /** The others' children; null when they are leaves, or there are none. */
  readonly next: Level | null;
}

/** Splits the nodes that are worth it, and takes note of the splits. */
export async function growLevel(
  run: LabelHolderRun,
  arrangement: OwnerArrangement,
  level: Level,
  splits: Splits,
): Promise<GrownLevel> {
  const { hosts, parameters } = run;
  const [own, shares] = await Promise.all([ownSplits(run, level), sumsOf(run, arrangement, level)]);
  const opened = await Promise.all(
    hosts.map(async ({ trees }, h) => {
      const computed = await openSumsOwner(trees, shares[h]!, run);
      return withSiblings(computed, level.parents?.[h] ?? null);
    }),
  );

  const winners = winnersOf(level.nodes, own, opened, parameters);
  const sides = await Promise.all(
    hosts.map((host, h) => sidesOf(run, host, level.nodes, winners[h]!)),
  );

  const leaves: OpenNode[] = [];
  const children: OpenNode[] = [];
  const split: number[] = [];
  for (const [slot, node] of level.nodes.entries()) {
    const host = winners.findIndex((ofHost) => ofHost[slot]! >= 0);
    const theirs = host < 0 ? null : checkSides(node, sides[host]!.get(node)!, parameters);
    const rule = host < 0 ? -1 : splits.told[host]!++; // told of it, whether it is taken or not
    const found = betterOf(own[slot]!, theirs);
    if (!found) {
      leaves.push(node);
      continue;
    }
    const by =
      found === theirs
        ? { owner: host + 1, rule }
        : { owner: 0, rule: splits.rules.push(ruleOf(run, own[slot]!, node, level)) - 1 };
    const { left, right } = divide(node, found, by, run.data, parameters);
    children.push(...(isHeads(run.rng) ? [left, right] : [right, left]));
    split.push(slot);
  }
  if (level.depth + 1 === parameters.maxDepth) {
    return { leaves: [...leaves, ...children], next: null };
  }
  const nodes = new Uint8Array(Uint32Array.from(split).buffer);
  await Promise.all(hosts.map(({ trees }) => trees.send(SplitNodes, { nodes })));

  const parents = opened.map((ofHost) => split.map((slot) => ofHost[slot]!));
  const next = { depth: level.depth + 1, nodes: children, parents };
  return { leaves, next: children.length > 0 ? next : null };
}

/** The best split of every node among own columns. Lets the hosts' turns go on. */
async function ownSplits(
  { data, parameters }: LabelHolderRun,
  { nodes }: Level,
): Promise<(OwnSplit | null)[]> {
  const found: (OwnSplit | null)[] = [];
  for (const node of nodes) {
    await setImmediate();
    found.push(bestOwnSplit(node, data, parameters));
  }
  return found;
}

/** Shares of the computed nodes' sums, by host: of g and h of each. */
function sumsOf(
  { owner, trained }: LabelHolderRun,
  arrangement: OwnerArrangement,
  { nodes, parents }: Level,
): Promise<Uint32Array[][]> {
  const computed = parents ? nodes.filter((_, slot) => slot % 2 === 0) : nodes;
  return owner.sums(arrangement, vectorsOf(computed, trained));
}

function* vectorsOf(nodes: readonly OpenNode[], n: number): Generator<Int32Array> {
  for (const node of nodes) {
    yield maskedVector(node, 'g', n);
    yield maskedVector(node, 'h', n);
  }
}

/** For every host and node the candidate that gains more than all others and own splits; -1 for none. */
function winnersOf(
  nodes: readonly OpenNode[],
  own: readonly (OwnSplit | null)[],
  opened: readonly (readonly OpenedSums[])[],
  parameters: BoostingParameters,
): Int32Array[] {
  const winners = opened.map(() => new Int32Array(nodes.length).fill(-1));
  nodes.forEach(({ tree, sums }, slot) => {
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

/** Tells a host its winners and learns on which side the rows of their nodes are: packed bits, by node. */
async function sidesOf(
  run: LabelHolderRun,
  { trees, routing, ot, name }: HostSession,
  nodes: readonly OpenNode[],
  winners: Int32Array,
): Promise<ReadonlyMap<OpenNode, Uint8Array>> {
  await tellWinners(trees, winners, name, run);

  const won = nodes.filter((_, slot) => winners[slot]! >= 0);
  const byTree = Array.from({ length: run.parameters.numClass }, (_, k) =>
    won.filter(({ tree }) => tree.class === k),
  );
  const routes = byTree.map((ofTree) => routeOf(ofTree, run.data.rows));
  const bits = await routeOwner(routing, ot, routes, run.data.rows, run);
  return new Map(won.map((node) => [node, bits[node.tree.class]!]));
}

/** nodes: of one tree. */
function routeOf(nodes: readonly OpenNode[], n: number): TreeRoute {
  const indices = new Uint16Array(n);
  nodes.forEach(({ rows, others }, v) => {
    for (const some of [rows, others]) {
      for (let k = 0; k < some.length; k++) indices[some[k]!] = v + 1;
    }
  });
  return { splits: nodes.length, indices };
}

function betterOf(own: OwnSplit | null, theirs: Division | null): Division | null {
  return theirs && (!own || theirs.gain > own.gain) ? theirs : own;
}

function ruleOf(
  { data }: LabelHolderRun,
  split: OwnSplit,
  { tree }: OpenNode,
  { depth }: Level,
): SplitRule {
  const { feature, defaultLeft } = split;
  const threshold = thresholdOf(data.columns, split);
  return { feature, threshold, defaultLeft, tree: tree.number, depth };
}

function isHeads(rng: Rng): boolean {
  return (rng(1)[0]! & 1) === 1;
}
