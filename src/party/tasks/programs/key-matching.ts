/**
 * What alignment and set intersections share: keys as items, bucket after bucket, through the engine
 * that the contract names. A matching of more than one bucket saves a checkpoint after each.
 */
import type { DisclosureTerms } from '../../../protocols/disclosure.ts';
import { ProtocolError } from '../../../protocols/errors.ts';
import { bucketCapacity, bucketCount } from '../../../protocols/psi/item-buckets.ts';
import type { Payload } from '../../../protocols/psi/payload-records.ts';
import type { VoleSource } from '../../../protocols/vole/vole.ts';
import type { Contract } from '../../consensus/contract.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import { type Checkpoints, PHASE_STEPS, type ProgramContext } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { openBucketSession } from './bucket-session.ts';
import { unusable } from './checkpoint-bytes.ts';
import { countCommon } from './count-common.ts';
import { type DataHolders, dataHolders, leaderOf, partiesOf } from './data-holders.ts';
import {
  type CommonKeys,
  decodeMatching,
  encodeMatching,
  isMatching,
  type MatchingPoint,
  type MatchingShape,
  NO_KEYS,
} from './matching-checkpoint.ts';
import { agreeSalt } from './matching-salt.ts';
import { keysDigest, openKeys, undividedKeys } from './own-keys.ts';
import type { RecordGroups } from './record-groups.ts';
import { haveOneOrigin } from './shares-origin.ts';

/** What a program wants to know of the keys that all data holders have. */
export interface MatchingRequest {
  /** Data holders that learn which of their keys are common, in the contract's order. */
  readonly learners: readonly string[];
  /** Between two: what one says of its keys to the other one, who learns first then. */
  readonly labels?: LabelRequest;
  /** What is opened by matching so many of this party's keys. */
  readonly opens: (keys: number) => readonly DisclosureTerms[];
}

export interface LabelRequest {
  /** What this party says of a key, by its first row and of `NO_ROW`; null at the one who is told. */
  readonly own: ((groups: RecordGroups | null) => Payload) | null;
  /** Longest label that is agreed on. */
  readonly maxBytes: number;
}

/** Of the class the others learn which of the items are common; of others what is told with the keys. */
const KEYS = 'intersection';

/** For tests alone: what is otherwise a constant of the code that all parties run. */
export interface MatchingOptions {
  /** Into how many buckets the keys are spread, given the rows of the largest table. */
  readonly bucketCount?: (rows: number) => number;
  /** Where correlations come from. */
  readonly vole?: VoleSource;
}

export interface Matching {
  readonly holders: DataHolders;
  /** Which of this party's records share a key; null where none do. */
  readonly groups: RecordGroups | null;
  /** Null where this party does not learn. */
  readonly common: CommonKeys | null;
}

/**
 * Matches this party's keys with those of all other data holders. Where the contract has a minimum the
 * common ones are counted first: below it every party throws `TOO_FEW_COMMON`, before any of them
 * learns which they are.
 */
export async function matchKeys(
  context: ProgramContext,
  dataset: LoadedDataset,
  request: MatchingRequest,
  options: MatchingOptions = {},
): Promise<Matching> {
  const { checkpoints, contract, ledger, progress, self } = context;
  const { labels, learners } = request;
  const holders = dataHolders(contract, self);
  const leader = labels ? labelledLeader(holders, labels) : leaderOf(holders, learners);
  const sizes = holders.all.map(({ dataset: { rowCount } }) => rowCount);
  const buckets = (options.bucketCount ?? bucketCount)(Math.max(...sizes));
  const shape = {
    taskId: context.taskId,
    tableRows: dataset.rowCount,
    buckets,
    learns: learners.includes(self),
    maxLabelBytes: labels?.maxBytes ?? 0,
  };
  const digest = buckets > 1 ? keysDigest(dataset.keys!) : null;
  const point = digest && (await resumePoint(context, holders, leader, shape, digest));
  const salt = point?.salt ?? (await agreeSalt(context, holders, leader));
  if (contract.alignment.minimumIntersection > 0 && !point) {
    const { items } = undividedKeys(context, holders.own, dataset, salt);
    await countCommon(context, { holders, leader, items });
  }
  const done = point?.done ?? 0;
  // The session starts before the items are made: what the parties do in it first needs none.
  const opening =
    done < buckets &&
    openBucketSession(context, partiesOf(context, holders, 'match'), {
      maxItems: Math.max(...sizes.map((rows) => bucketCapacity(rows, buckets))),
      buckets,
      leader,
      learners: holders.all.flatMap(({ name }, i) => (learners.includes(name) ? [i] : [])),
      ...(!sizes.includes(0) && {
        forecast: { items: bucketCapacity(sizes[leader]!, buckets), evaluations: buckets - done },
      }),
      labels: labels && {
        maxBytes: labels.maxBytes,
        own: labels.own && (() => labels.own!(own.groups)),
      },
      vole: options.vole,
    });
  if (opening) opening.catch(() => {}); // seen below, unless the keys are refused first
  const own = await openKeys(context, holders.own, dataset, { salt, buckets });
  // Only these buckets' keys are matched again; of the others it is the repeated keys that matter.
  if (own.groups) for (let bucket = 0; bucket < done; bucket++) await own.read(bucket);

  let common = point ? point.common : shape.learns ? NO_KEYS : null;
  const { groups } = own;
  const told = labels?.own?.(groups);
  if (!opening) return { holders, groups, common };
  for (let bucket = done; bucket < buckets; bucket++) {
    const { items, rows, keys } = await own.read(bucket);
    const session = await opening;
    for (const terms of request.opens(keys)) {
      const handed = terms.class === KEYS ? items : (told?.records(rows) ?? null);
      const isHanded = terms.to.some((party) => party !== self);
      await ledger.record({ ...terms, value: isHanded ? handed : null });
    }
    const found = await session.intersect(items, rows);
    common = common && joined(common, found!);
    if (!digest) break;
    const after = { salt, keys: digest, done: bucket + 1, common };
    checkpoints.save(encodeMatching(after, shape));
    progress.step(after.done, buckets);
  }
  return { holders, groups, common };
}

export interface KeyCount extends Pick<Matching, 'groups'> {
  readonly size: number;
}

/** How many keys all data holders have, and nothing else of them. */
export async function countKeys(
  context: ProgramContext,
  dataset: LoadedDataset,
  learners: readonly string[],
): Promise<KeyCount> {
  const holders = dataHolders(context.contract, context.self);
  const leader = leaderOf(holders, learners);
  const salt = await agreeSalt(context, holders, leader);
  const { items, groups } = undividedKeys(context, holders.own, dataset, salt);
  return { size: await countCommon(context, { holders, leader, items }), groups };
}

/**
 * The step of the first checkpoint after a matching by this contract: those of its buckets come before.
 * With one bucket there are none.
 */
function stepAfterMatching(
  { alignment, parties }: Contract,
  options: MatchingOptions = {},
): number {
  if (alignment.method === 'row_order') return 0;
  const rows = parties.flatMap(({ dataset }) => dataset?.rowCount ?? []);
  return (options.bucketCount ?? bucketCount)(Math.max(...rows)) === 1 ? 0 : PHASE_STEPS;
}

/** The checkpoints of what follows a matching by this contract, whose steps count from its end. */
export function checkpointsAfterMatching(
  { contract, checkpoints }: Pick<ProgramContext, 'contract' | 'checkpoints'>,
  options: MatchingOptions = {},
): Checkpoints {
  const first = stepAfterMatching(contract, options);
  const { resume } = checkpoints;
  return {
    resume: resume && !isMatching(resume) ? { ...resume, step: resume.step - first } : null,
    save: ({ step, bytes }) => checkpoints.save({ step: first + step, bytes }),
  };
}

/** The one who is told. */
function labelledLeader({ me }: DataHolders, { own }: LabelRequest): number {
  return own ? 1 - me : me;
}

/** Where to go on: null at the start. Throws `CHECKPOINT_UNUSABLE`. */
async function resumePoint(
  context: ProgramContext,
  { all, me, others }: DataHolders,
  leader: number,
  shape: MatchingShape,
  digest: Uint8Array,
): Promise<MatchingPoint | null> {
  const { resume } = context.checkpoints;
  if (!resume || !isMatching(resume)) return null;
  const point = decodeMatching(resume, shape);
  if (Buffer.compare(digest, point.keys) !== 0) throw unusable('is of other records');
  // Checkpoints of one attempt and step fit together; that they do is checked all the same.
  for (const { name } of me === leader ? others : [all[leader]!]) {
    const channel = context.link(name).channel.fork('resume');
    if (await haveOneOrigin(channel, point.salt, point.done)) continue;
    throw new TaskError(
      'CHECKPOINT_UNUSABLE',
      'the parties’ checkpoints are of different attempts: start the task again',
    );
  }
  return point;
}

function joined(before: CommonKeys, next: CommonKeys): CommonKeys {
  if (before.rows.length === 0) return next;
  if (before.labelBytes !== next.labelBytes) {
    throw new ProtocolError('MALFORMED_MESSAGE', 'the length of records changed between buckets');
  }
  const rows = new Uint32Array(before.rows.length + next.rows.length);
  rows.set(before.rows);
  rows.set(next.rows, before.rows.length);
  const labels = new Uint8Array(before.labels.length + next.labels.length);
  labels.set(before.labels);
  labels.set(next.labels, before.labels.length);
  return { rows, labels, labelBytes: next.labelBytes };
}
