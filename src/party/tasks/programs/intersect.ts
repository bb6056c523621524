/** A set intersection at one data holder: load the keys, match them, keep what a receiver learns. */
import { ecdhPsiReceiver, ecdhPsiSender } from '../../../protocols/psi/ecdh-psi.ts';
import { type TextColumn, textAt } from '../../../protocols/psi/text-column.ts';
import type { PsiContract } from '../../consensus/contract.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { Program, ProgramContext } from '../program.ts';
import { csvChunks } from './csv-chunks.ts';
import { dataHolders } from './data-holders.ts';
import { openMatching } from './key-matching.ts';

/**
 * Leaves each receiver `intersection.csv`: its own key columns under their own names, the common keys in
 * canonical text and in the order of its file, each once. A data holder that receives nothing learns
 * sizes alone. Throws `TaskError` `TOO_FEW_COMMON` when the contract has a higher minimum.
 */
export const intersect: Program<PsiContract> = async (context) => {
  const { contract, self, progress } = context;
  const { own } = dataHolders(contract, self);

  progress.phase('aligning');
  const dataset = await context.loadDataset();
  const common = await commonRows(context, dataset);

  progress.phase('publishing');
  const isReceiver = contract.receivers.includes(self);
  return {
    model: null,
    part: null,
    file: common && {
      name: 'intersection.csv',
      chunks: csvChunks(records(own.dataset!.keyColumns!, dataset.keys!, common)),
    },
    metrics: isReceiver ? {} : null,
    extra: {
      rows: dataset.rowCount,
      ...(common && { intersection_size: common.length }),
    },
  };
};

/** The dataset's common rows, ascending; null where this party is no receiver. */
async function commonRows(
  context: ProgramContext<PsiContract>,
  dataset: LoadedDataset,
): Promise<Uint32Array | null> {
  const { contract, ledger, rng } = context;
  const receivers = contract.parties
    .map(({ name }) => name)
    .filter((name) => contract.receivers.includes(name));
  const matching = await openMatching(context, dataset, receivers[0]!);
  const { items, rows } = matching;
  await ledger.record({ class: 'intersection', to: receivers, elements: rows.length });
  const resultTo = receivers.length > 1 ? 'both' : 'receiver';
  const options = { ...matching.options, resultTo } as const;
  const channel = matching.channel.fork('match');
  const common = matching.isReceiver
    ? await ecdhPsiReceiver(channel, items, options, rng)
    : await ecdhPsiSender(channel, items, options, rng);
  return common?.map((item) => rows[item]!) ?? null;
}

function* records(
  names: readonly string[],
  keys: readonly TextColumn[],
  rows: Uint32Array,
): Generator<readonly string[]> {
  yield names;
  for (const row of rows) yield keys.map((column) => textAt(column, row));
}
