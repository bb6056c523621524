import { rowNumbers } from '../../../protocols/primitives/rows.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { ProgramContext } from '../program.ts';
import { type MatchingOptions, matchKeys } from './key-matching.ts';

/**
 * This party's row numbers of the records that all data holders have, in the order that all use: row i
 * of one is row i of another. Throws `TaskError` `TOO_FEW_COMMON` when they are fewer than the contract's
 * minimum: then no party learnt which they are.
 */
export async function alignRows(
  context: ProgramContext,
  dataset: LoadedDataset,
  options: MatchingOptions = {},
): Promise<Uint32Array<ArrayBuffer>> {
  const { contract } = context;
  if (contract.alignment.method === 'row_order') {
    return rowNumbers(dataset.rowCount);
  }
  const learners = contract.parties.flatMap(({ name, dataset: terms }) => (terms ? [name] : []));
  const opens = (keys: number) =>
    [{ class: 'intersection', to: learners, elements: keys }] as const;
  const { common } = await matchKeys(context, dataset, { learners, opens }, options);
  return common!.rows;
}
