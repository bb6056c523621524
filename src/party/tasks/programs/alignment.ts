import { rowNumbers } from '../../../protocols/primitives/rows.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { ProgramContext } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { type MatchingOptions, matchKeys } from './key-matching.ts';

/** Rows below which a joint model makes no sense: the validation split needs two, a fit a few more. */
const FEWEST_ROWS = 10;

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

/** Throws `TaskError` `TOO_FEW_ROWS` where so many aligned rows are too few to train on. */
export function requireRows(aligned: number): void {
  if (aligned >= FEWEST_ROWS) return;
  // Not how many: the message reaches parties that bring no records.
  const least = `the parties have fewer than ${FEWEST_ROWS} records in common`;
  throw new TaskError('TOO_FEW_ROWS', `${least}: too few to train on`);
}
