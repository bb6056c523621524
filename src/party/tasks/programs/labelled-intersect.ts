/** A labelled intersection at one data holder: as intersect.ts, and the requester learns payload. */
import { gatherRows, rowNumbers } from '../../../protocols/primitives/rows.ts';
import { MAX_RECORD_BYTES } from '../../../protocols/psi/labelled-psi.ts';
import {
  decodeRecords,
  longestRecord,
  type Payload,
  textPayload,
} from '../../../protocols/psi/payload-records.ts';
import type { PsiContract } from '../../consensus/contract.ts';
import { DatasetError } from '../../datasets/dataset-error.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { ProgramContext, ProgramResult } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { type DataHolder, type DataHolders, dataHolders } from './data-holders.ts';
import { intersectionResult, receiversOf } from './intersect.ts';
import { type IntersectionTable, intersectionChunks } from './intersection-file.ts';
import { type MatchingOptions, matchKeys } from './key-matching.ts';
import type { CommonKeys } from './matching-checkpoint.ts';

/**
 * Leaves the requester `labelled_intersection.csv`: its own key columns, then the provider's payload of
 * the common records. The provider learns nothing, unless it is a receiver too: then it is left its own
 * `intersection.csv`, in the same order.
 */
export async function labelledIntersect(
  context: ProgramContext<PsiContract>,
  options: MatchingOptions = {},
): Promise<ProgramResult> {
  const { contract, self, progress } = context;
  const holders = dataHolders(contract, self);
  const provider = providerOf(contract, holders);
  const isProvider = provider.name === self;
  const receivers = receiversOf(contract);

  progress.phase('aligning');
  const dataset = await context.loadDataset();
  const columns = provider.dataset.payload;
  const requester = receivers.filter((name) => name !== provider.name);
  let records = Math.min(...holders.all.map(({ dataset: { rowCount } }) => rowCount));
  const opens = (keys: number) => {
    const most = Math.min(keys, records); // as many may be common, in all buckets together
    records -= most;
    return [
      { class: 'intersection', to: receivers, elements: keys },
      { class: 'payload', to: requester, elements: most * columns.length },
    ];
  };
  const own = isProvider ? payloadOf(dataset, provider.dataset.path) : null;
  const labels = { own: own && (() => own), maxBytes: MAX_RECORD_BYTES };
  const matching = await matchKeys(
    context,
    dataset,
    { learners: receivers, labels, opens },
    options,
  );

  progress.phase('publishing');
  const { common, groups } = matching;
  const chunks =
    common &&
    intersectionChunks({
      keyColumns: holders.own.dataset.keyColumns!,
      keys: dataset.keys!,
      ...linesOf(common, isProvider ? null : provider, receivers.length > 1),
      tellsBoth: false,
      tellsRow: false,
    });
  return intersectionResult(
    context,
    dataset,
    { size: common?.rows.length, chunks, groups },
    isProvider ? 'intersection.csv' : 'labelled_intersection.csv',
  );
}

/** The data holder whose payload the other one learns. */
function providerOf({ parameters, alignment }: PsiContract, { all }: DataHolders): DataHolder {
  const providers = all.filter(({ dataset }) => dataset.payload.length > 0);
  const isPlain = parameters.join === 'inner' && parameters.output === 'rows';
  if (providers.length !== 1 || all.length !== 2 || !isPlain || alignment.duplicates === 'expand') {
    throw new TaskError('NOT_AVAILABLE', 'payload goes from one of two data holders to the other');
  }
  return providers[0]!;
}

/** The provider's records, padded to the longest one. */
function payloadOf({ payload }: LoadedDataset, path: string): Payload {
  const bytes = longestRecord(payload);
  if (bytes <= MAX_RECORD_BYTES) return textPayload(payload, bytes);
  const what = `a record's payload takes ${bytes} bytes, more than ${MAX_RECORD_BYTES}`;
  throw new DatasetError('bad_selection', `${path}: ${what}: choose fewer columns`);
}

/** Lines of the common records, and what the provider says of each. */
function linesOf(
  common: CommonKeys,
  provider: DataHolder | null,
  inJointOrder: boolean,
): Pick<IntersectionTable, 'lines' | 'payload'> {
  const { rows, labels, labelBytes } = inJointOrder ? common : inFileOrder(common);
  const lines = { rows, common: rows.length };
  if (!provider) return { lines };
  const { name, dataset } = provider;
  const columns = decodeRecords(labels, labelBytes, dataset.payload.length);
  return { lines, payload: { party: name, names: dataset.payload, columns } };
}

function inFileOrder({ rows, labels, labelBytes }: CommonKeys): CommonKeys {
  const order = rowNumbers(rows.length).sort((i, j) => rows[i]! - rows[j]!);
  return {
    rows: order.map((k) => rows[k]!),
    labels: gatherRows(labels, labelBytes, order),
    labelBytes,
  };
}
