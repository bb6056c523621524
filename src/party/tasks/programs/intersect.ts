/** A set intersection at one data holder: load the keys, match them, keep what a receiver learns. */
import { uint32Bytes } from '../../../protocols/primitives/words.ts';
import type { Payload } from '../../../protocols/psi/payload-records.ts';
import type { PsiContract } from '../../consensus/contract.ts';
import { tellsWithKeys } from '../../consensus/intersection-check.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { ProgramContext, ProgramResult } from '../program.ts';
import { intersectionChunks } from './intersection-file.ts';
import { countKeys, type LabelRequest, type MatchingOptions, matchKeys } from './key-matching.ts';
import { COUNT_BYTES } from './multiplicities.ts';
import { receiverLines } from './receiver-lines.ts';
import type { RecordGroups } from './record-groups.ts';

/**
 * Leaves each receiver `intersection.csv`: its own key columns under their own names, a line for each
 * record that the contract's join keeps; of one receiver in the order of its file, of several in an
 * order that they share. Where only the size is asked for there is no file. A data holder that receives
 * nothing learns sizes alone. Throws `TaskError` `TOO_FEW_COMMON` when the contract has a higher minimum.
 */
export async function intersect(
  context: ProgramContext<PsiContract>,
  options: MatchingOptions = {},
): Promise<ProgramResult> {
  const { contract, progress } = context;
  const receivers = receiversOf(contract);

  progress.phase('aligning');
  const dataset = await context.loadDataset();
  if (contract.parameters.output === 'size') {
    const { size, groups } = await countKeys(context, dataset, receivers);
    return intersectionResult(context, dataset, { size, chunks: null, groups });
  }
  const labels = labelsOf(context);
  const opens = (keys: number) => [
    { class: 'intersection', to: receivers, elements: keys },
    ...(labels ? [{ class: 'multiplicities', to: receivers, elements: keys }] : []),
  ];
  const request = { learners: receivers, opens, ...(labels && { labels }) };
  const matching = await matchKeys(context, dataset, request, options);
  const lines = await receiverLines(context, matching);

  progress.phase('publishing');
  const { alignment, parameters } = contract;
  const { common, groups, holders } = matching;
  const { join } = parameters;
  const chunks =
    lines &&
    intersectionChunks({
      keyColumns: holders.own.dataset.keyColumns!,
      keys: dataset.keys!,
      lines,
      tellsBoth: join !== 'inner' && join !== 'difference',
      tellsRow: alignment.duplicates === 'expand',
    });
  return intersectionResult(context, dataset, { size: common?.rows.length, chunks, groups });
}

/** The receivers, in the order of the parties. */
export function receiversOf({ parties, receivers }: PsiContract): string[] {
  return parties.flatMap(({ name }) => (receivers.includes(name) ? [name] : []));
}

/** What a data holder keeps of an intersection. */
export function intersectionResult(
  { contract, self }: ProgramContext<PsiContract>,
  { rowCount }: LoadedDataset,
  found: {
    /** Common keys; undefined where this party does not learn. */
    readonly size: number | undefined;
    readonly chunks: readonly Uint8Array[] | null;
    readonly groups: RecordGroups | null;
  },
  name = 'intersection.csv',
): ProgramResult {
  const { alignment, receivers } = contract;
  const { size, chunks, groups } = found;
  return {
    model: null,
    part: null,
    file: chunks && { name, chunks },
    metrics: receivers.includes(self) ? {} : null,
    extra: {
      rows: rowCount,
      ...(groups && alignment.duplicates === 'first' && { duplicates: repeated(groups) }),
      ...(size !== undefined && { intersection_size: size }),
    },
  };
}

/**
 * Where one of two receives every pair of records, the other one tells with every key how many records it
 * has: it does not know of which keys that is read.
 */
function labelsOf({ contract, self }: ProgramContext<PsiContract>): LabelRequest | undefined {
  const { alignment, parameters, receivers } = contract;
  const { duplicates } = alignment;
  const { join } = parameters;
  if (!tellsWithKeys({ labelled: false, duplicates, join, receivers })) return undefined;
  const own = receivers.includes(self) ? null : multiplicityPayload;
  return { own, maxBytes: COUNT_BYTES };
}

function multiplicityPayload(groups: RecordGroups | null): Payload {
  return {
    recordBytes: COUNT_BYTES,
    records: (rows) => uint32Bytes(rows.map((row) => groups!.sizes[row] ?? 0)), // none of padding
  };
}

/** Records that no line shows: an earlier one has their key. */
function repeated({ sizes }: RecordGroups): number {
  return sizes.reduce((records, size) => records + Number(size === 0), 0);
}
