import { alignReceiver, alignSender } from '../../../protocols/psi/align.ts';
import { deduplicate } from '../../../protocols/psi/deduplicate.ts';
import { itemDigests } from '../../../protocols/psi/item-digest.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { ProgramContext } from '../program.ts';
import { dataHolders } from './data-holders.ts';

/**
 * This party's row numbers of the records that both data holders have, in the order that both use:
 * row i of one is row i of the other.
 */
export async function alignRows(
  context: ProgramContext,
  dataset: LoadedDataset,
): Promise<Uint32Array> {
  const { contract, self, ledger, rng } = context;
  if (contract.alignment.method === 'row_order') {
    return Uint32Array.from({ length: dataset.rowCount }, (_, i) => i);
  }
  const { own, peer } = dataHolders(contract, self);
  const link = context.link(peer.name);
  const salt = await link.deriveKey('psi item digests', 32);
  const distinct = deduplicate(itemDigests([dataset.keys!], salt), contract.alignment.duplicates);
  const holders = contract.parties.filter((party) => party.dataset !== null);
  await ledger.record({
    class: 'intersection',
    to: holders.map((party) => party.name),
    elements: distinct.rows.length,
  });
  const options = {
    engine: context.curve(),
    maxItems: Math.max(...holders.map((party) => party.dataset!.rowCount)),
  };
  const channel = link.channel.fork('align');
  const isFirst = own.name === holders[0]!.name;
  const common = isFirst
    ? await alignReceiver(channel, distinct.items, options, rng)
    : await alignSender(channel, distinct.items, options, rng);
  return common.map((item) => distinct.rows[item]!);
}
