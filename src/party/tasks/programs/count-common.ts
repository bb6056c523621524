/** How many records two data holders have in common: counted, never told which. */
import type { Channel } from '../../../protocols/channel.ts';
import { cardinalityReceiver, cardinalitySender } from '../../../protocols/psi/cardinality.ts';
import type { ProgramContext } from '../program.ts';
import { TaskError } from '../task-error.ts';
import type { DataHolders } from './data-holders.ts';

/** What a count needs of a matching. */
export interface CountInputs {
  readonly holders: DataHolders;
  /** The protocol's receiver. */
  readonly leader: number;
  /** This party's distinct keys; m x 16. */
  readonly items: Uint8Array;
}

/** The number of common keys, which every data holder learns. */
export async function countCommon(
  context: ProgramContext,
  { holders, leader, items }: CountInputs,
): Promise<number> {
  const { contract, ledger, rng } = context;
  const { all, me, others } = holders;
  if (others.length !== 1) {
    throw new TaskError('NOT_AVAILABLE', 'common records are counted between two parties only');
  }
  const to = all.map(({ name }) => name);
  await ledger.record({ class: 'intersection_size', to, elements: 1, value: items });
  const channel: Channel = context.link(others[0]!.name).channel.fork('count');
  const maxItems = Math.max(...all.map(({ dataset }) => dataset.rowCount));
  const options = { engine: context.curve(), maxItems };
  const common = await (me === leader
    ? cardinalityReceiver(channel, items, options, rng)
    : cardinalitySender(channel, items, options, rng));
  const { minimumIntersection } = contract.alignment;
  if (common >= minimumIntersection) return common;
  // Not how many: the message reaches coordinators of other organisations.
  throw new TaskError(
    'TOO_FEW_COMMON',
    `the parties have fewer than ${minimumIntersection} records in common, the least that they agreed on; nobody learnt which they are`,
  );
}
