/**
 * Vertical gradient boosting, a feature holder's part: it answers the label holder (`label-holder.ts`, which has the
 * protocol's statement). It learns the shape of the trees and which of its own candidates became splits.
 */
import { BoostingRound, KeptSplits, SplitNodes } from '../../../../proto/gen/trees.ts';
import type { HintKernel } from '../../../kernels/hint-kernel.ts';
import type { RlweKernel } from '../../../kernels/rlwe-kernel.ts';
import { BucketHost, type HostArrangement } from '../../../protocols/aggregation/bucket-sums.ts';
import type { Channel } from '../../../protocols/channel.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import { bitAt } from '../../../protocols/primitives/bits.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { checkLength, decodeUint32 } from '../../../protocols/primitives/words.ts';
import type { Matrix } from '../../data/matrix.ts';
import type { BoostingParameters } from '../../trees/parameters.ts';
import { type CandidateNoise, candidateNoise, type NoiseSampler } from './candidate-noise.ts';
import { type Candidate, drawCandidates, type Offer, offerOf, sumsOf } from './candidates.ts';
import type { Checkpoints, FeatureHolderCheckpoint } from './checkpoint.ts';
import { binBits, type PlacedColumns, placeColumns, thresholdOf } from './columns.ts';
import { type OnRound, type Opening, type OwnSession, setupHost } from './context.ts';
import type { SplitRule } from './joint-tree.ts';
import { plainParameters, splitRows, type TreeParameters, vectorsOfRound } from './parameters.ts';
import { routeHost } from './routing.ts';
import { openSumsHost } from './split-finding.ts';

/** A training as the contract fixes it, seen by a feature holder. */
export interface FeatureHolderTask extends Opening {
  readonly parameters: TreeParameters;
  readonly kernels: { readonly rlwe: RlweKernel; readonly hint: HintKernel };
  /** This party's name. */
  readonly self: string;
  /** Where each row stands in this party's own table; default: in the order of the rows. See `placeColumns`. */
  readonly fileRows?: Uint32Array;
  readonly onRound: OnRound;
  /** Called once no more rounds are to be grown. */
  readonly onTrained?: () => void;
  /** Default: from the start to the end in one run. */
  readonly checkpoints?: Checkpoints<FeatureHolderCheckpoint>;
  /** ONLY TESTS PASS IT: what the noise of opened sums is drawn by. */
  readonly sampler?: NoiseSampler;
}

/** What a feature holder has after the training. */
export interface FeatureHolderPart {
  /** Its splits that are in the model. */
  readonly rules: readonly SplitRule[];
  /** How many rounds the model has. */
  readonly rounds: number;
}

/** Everything that a round needs. */
interface Run {
  readonly task: FeatureHolderTask;
  readonly parameters: BoostingParameters;
  readonly session: OwnSession;
  readonly buckets: BucketHost;
  /** Rows that train, then those held out. */
  readonly data: PlacedColumns;
  readonly offer: Offer;
  readonly rng: Rng;
}

/** features: [n, d], NaN where a value is missing; row i is the same record at every party. */
export async function trainFeatureHolder(
  channel: Channel,
  features: Matrix,
  task: FeatureHolderTask,
  rng: Rng,
): Promise<FeatureHolderPart> {
  const parameters = plainParameters(task.parameters);
  const resume = task.checkpoints?.resume ?? null;
  if (resume?.phase === 'evaluated') {
    task.onTrained?.();
    return { rules: resume.rules, rounds: resume.rounds };
  }
  const { train, validation } = splitRows(features.rows, task.parameters);
  const data = placeColumns(
    features,
    { train, others: validation },
    parameters.numBins,
    task.fileRows,
  );
  const offer = offerOf(data, train.length, parameters);

  const session = await setupHost(channel, task.kernels.rlwe, rng);
  const { he, buckets: lane, trees } = session;
  const buckets = await BucketHost.setup(lane, he, task.kernels.hint, offer.columns, rng);
  const run: Run = { task, parameters, session, buckets, data, offer, rng };

  const { num_trees } = task.parameters;
  let step = resume?.step ?? 0;
  let rules = resume?.rules ?? [];
  let next = step < num_trees ? arrange(run) : null;
  while (next) {
    const { grows } = await trees.receive(BoostingRound);
    const offered = await next;
    if (!grows) {
      offered.arrangement.close();
      break;
    }
    next = step + 1 < num_trees ? arrange(run) : null; // beside this round
    rules = [...rules, ...(await answerRound(run, offered, step))];
    offered.arrangement.close();
    step += 1;
    task.checkpoints?.save({ phase: 'training', step, rules });
    await task.onRound(step, num_trees);
  }
  task.onTrained?.();

  const kept = { class: 'kept_splits', to: [task.self], elements: rules.length };
  await task.ledger.record({ ...kept, value: null });
  const part = decodeKept(await trees.receive(KeptSplits), rules, step, parameters);
  // Not after a failure: another program might still be running, and encrypt under an erased key.
  he.close();
  task.checkpoints?.save({ phase: 'evaluated', step: step + 1, ...part });
  return part;
}

/** The candidates of a round. */
interface Offered {
  readonly candidates: readonly (Candidate | null)[];
  readonly noise: CandidateNoise;
  readonly arrangement: HostArrangement;
}

/** Draws candidates for the next round, and prepares what their sums need. */
function arrange({ task, parameters, offer, buckets, rng }: Run): Promise<Offered> {
  const candidates = drawCandidates(offer, parameters, rng);
  const sums = sumsOf(candidates);
  const multiplier = task.parameters.noise_multiplier;
  const noise = candidateNoise(sums, offer.binRows, multiplier, task.sampler);
  const offered = buckets
    .arrange(sums, vectorsOfRound(parameters))
    .then((arrangement) => ({ candidates, noise, arrangement }));
  offered.catch(() => undefined); // thrown where it is needed, unless the round before fails
  return offered;
}

/** A candidate that became a split, and the number of its tree in the round. */
interface Won {
  readonly candidate: Candidate;
  readonly tree: number;
}

/** One round. Returns the splits that this party was told of, in their order. */
async function answerRound(
  run: Run,
  { candidates, noise, arrangement }: Offered,
  round: number,
): Promise<SplitRule[]> {
  const { task, parameters, session, buckets, data, rng } = run;
  const { trees: channel, routing, ot } = session;

  const rules: SplitRule[] = [];
  /** Of every node of the level the number of its tree in the round. */
  let level = Array.from({ length: parameters.numClass }, (_, k) => k);
  for (let depth = 0; depth < parameters.maxDepth && level.length > 0; depth++) {
    const vectors = await buckets.sums(arrangement, depth === 0 ? 2 * level.length : level.length);
    const opening = { ...task, nodes: level.length, noise };
    const winners = await openSumsHost(channel, vectors, opening, rng);
    const won = wonBy(winners, level, candidates);
    const told = { class: 'winning_splits', to: [task.self], elements: level.length };
    await task.ledger.record({ ...told, value: null });
    for (const { candidate, tree } of won) {
      const { feature, defaultLeft } = candidate;
      const threshold = thresholdOf(data.columns, candidate);
      const number = round * parameters.numClass + tree;
      rules.push({ feature, threshold, defaultLeft, tree: number, depth });
    }

    const byTree = Array.from({ length: parameters.numClass }, (_, k) =>
      won.filter(({ tree }) => tree === k),
    );
    const bitsOf = ({ candidate }: Won, from: number, n: number): Uint8Array =>
      binBits(data, candidate, from, n);
    await routeHost(routing, ot, byTree, data.rows, bitsOf, task);

    if (depth + 1 === parameters.maxDepth) break;
    const split = decodeNodes(await channel.receive(SplitNodes), level.length);
    level = split.flatMap((slot) => [level[slot]!, level[slot]!]);
  }
  return rules;
}

/** In the order of the nodes. Throws `MALFORMED_MESSAGE` for a candidate that is none. */
function wonBy(
  winners: Int32Array,
  level: readonly number[],
  candidates: readonly (Candidate | null)[],
): Won[] {
  return level.flatMap((tree, slot) => {
    const winner = winners[slot]!;
    if (winner < 0) return [];
    const candidate = candidates[winner];
    if (!candidate) throw new ProtocolError('MALFORMED_MESSAGE', 'an empty sum is no split');
    return [{ candidate, tree }];
  });
}

/** Numbers of nodes, ascending and below `nodes`. */
function decodeNodes({ nodes: bytes }: SplitNodes, nodes: number): number[] {
  if (bytes.length > 4 * nodes) {
    throw new ProtocolError('MALFORMED_MESSAGE', `expected up to ${nodes} nodes to be split`);
  }
  const split = [...decodeUint32(bytes, Math.ceil(bytes.length / 4))];
  if (split.some((slot, i) => slot >= nodes || (i > 0 && slot <= split[i - 1]!))) {
    throw new ProtocolError('MALFORMED_MESSAGE', `expected ascending nodes below ${nodes}`);
  }
  return split;
}

/** The first rounds of those grown, and splits of theirs. */
function decodeKept(
  { kept, rounds }: KeptSplits,
  rules: readonly SplitRule[],
  grown: number,
  { numClass }: BoostingParameters,
): FeatureHolderPart {
  checkLength(kept, Math.ceil(rules.length / 8));
  const found = rules.filter((_, rule) => bitAt(kept, rule) === 1);
  if (rounds > grown || found.some(({ tree }) => tree >= rounds * numClass)) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'the model has rounds that were not grown');
  }
  return { rules: found, rounds };
}
