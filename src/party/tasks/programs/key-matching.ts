/** What alignment and set intersection share: keys as items, and the count before identities. */
import type { Channel } from '../../../protocols/channel.ts';
import {
  type CardinalityOptions,
  cardinalityReceiver,
  cardinalitySender,
} from '../../../protocols/psi/cardinality.ts';
import { DuplicateKeyError, deduplicate } from '../../../protocols/psi/deduplicate.ts';
import { itemDigests } from '../../../protocols/psi/item-digest.ts';
import type { DatasetTerms } from '../../consensus/contract.ts';
import { DatasetError } from '../../datasets/dataset-error.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { ProgramContext } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { dataHolders } from './data-holders.ts';

/** This party's side of a matching with the other data holder. */
export interface KeyMatching {
  /** The distinct keys; m x 16. */
  readonly items: Uint8Array<ArrayBuffer>;
  /** The dataset's row of each of them, ascending; m. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** Both data holders, in the contract's order. */
  readonly holders: readonly string[];
  /** Whether this party is the protocols' receiver. */
  readonly isReceiver: boolean;
  /** For the matching alone. */
  readonly channel: Channel;
  readonly options: CardinalityOptions;
}

/**
 * Prepares this party's keys, and counts the common ones first where the contract has a minimum:
 * below it every party throws `TOO_FEW_COMMON`, before any of them learns which they are.
 *
 * @param receiver - The data holder in the protocols' receiver's role; the first unless told.
 */
export async function openMatching(
  context: ProgramContext,
  dataset: LoadedDataset,
  receiver?: string,
): Promise<KeyMatching> {
  const { contract, self } = context;
  const { own, peer } = dataHolders(contract, self);
  const link = context.link(peer.name);
  const salt = await link.deriveKey('psi item digests', 32);
  const { items, rows } = distinctKeys(dataset, own.dataset!, contract.alignment.duplicates, salt);
  const holders = contract.parties.flatMap(({ name, dataset }) => (dataset ? [name] : []));
  const matching: KeyMatching = {
    items,
    rows,
    holders,
    isReceiver: self === (receiver ?? holders[0]),
    channel: link.channel.fork('align'),
    options: {
      engine: context.curve(),
      maxItems: Math.max(own.dataset!.rowCount, peer.dataset!.rowCount),
    },
  };
  if (contract.alignment.minimumIntersection > 0) await requireCommon(context, matching);
  return matching;
}

async function requireCommon(context: ProgramContext, matching: KeyMatching): Promise<void> {
  const { contract, ledger, rng } = context;
  const { items, options, holders } = matching;
  await ledger.record({ class: 'intersection_size', to: holders, elements: 1 });
  const channel = matching.channel.fork('count');
  const common = matching.isReceiver
    ? await cardinalityReceiver(channel, items, options, rng)
    : await cardinalitySender(channel, items, options, rng);
  const { minimumIntersection } = contract.alignment;
  if (common < minimumIntersection) {
    // Not how many: the message reaches coordinators of other organisations.
    throw new TaskError(
      'TOO_FEW_COMMON',
      `the parties have fewer than ${minimumIntersection} records in common, the least that they agreed on; nobody learnt which they are`,
    );
  }
}

function distinctKeys(
  { keys }: LoadedDataset,
  { path, keyColumns }: DatasetTerms,
  rule: 'reject' | 'first' | 'expand',
  salt: Uint8Array,
): Pick<KeyMatching, 'items' | 'rows'> {
  try {
    return deduplicate(itemDigests(keys!, salt), rule === 'reject' ? 'reject' : 'first');
  } catch (error) {
    if (!(error instanceof DuplicateKeyError)) throw error;
    const row = error.firstDuplicate.again + 1;
    const where = `${path}: row ${row}, column ${keyColumns!.join(', ')}`;
    throw new DatasetError('duplicate_key', `${where}: repeats the key of an earlier row`);
  }
}
