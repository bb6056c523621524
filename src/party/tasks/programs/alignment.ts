import { alignReceiver, alignSender } from '../../../protocols/psi/align.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { ProgramContext } from '../program.ts';
import { openMatching } from './key-matching.ts';

/**
 * This party's row numbers of the records that both data holders have, in the order that both use:
 * row i of one is row i of the other. Throws `TaskError` `TOO_FEW_COMMON` when they are fewer than
 * the contract's minimum: then no party learnt which they are.
 */
export async function alignRows(
  context: ProgramContext,
  dataset: LoadedDataset,
): Promise<Uint32Array> {
  const { contract, ledger, rng } = context;
  if (contract.alignment.method === 'row_order') {
    return Uint32Array.from({ length: dataset.rowCount }, (_, i) => i);
  }
  const matching = await openMatching(context, dataset);
  const { items, rows, options, holders } = matching;
  await ledger.record({ class: 'intersection', to: holders, elements: rows.length });
  const channel = matching.channel.fork('match');
  const common = matching.isReceiver
    ? await alignReceiver(channel, items, options, rng)
    : await alignSender(channel, items, options, rng);
  return common.map((item) => rows[item]!);
}
