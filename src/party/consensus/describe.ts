import { type DatasetUse, type PolicyRequest, policyAlgorithm } from '../policy-request.ts';
import { canonicalBytes } from './canonical-json.ts';
import type { ConsensusNode } from './consensus-node.ts';
import { allowedBy, refusedByPolicy } from './consent.ts';
import type { DatasetTerms } from './contract.ts';
import { MAX_CONTRACT_BYTES } from './contract-limits.ts';
import { DatasetTermsSchema } from './contract-schema.ts';
import { ConsensusError } from './errors.ts';
import { decodeJson } from './schema.ts';
import { checkDraft, datasetErrorCode, type TaskDraft, UNKNOWN_MODEL } from './task-draft.ts';
import { callPeer, DATA_TIMEOUT_MS, METHODS, refusalError } from './wire.ts';

/**
 * What `party` would bring to the task: this node's own dataset, or a peer's by asking it. Throws the
 * owner's refusal: `refused_by_policy`, or `dataset/...` with the dataset's error.
 */
export async function requestTerms(
  node: ConsensusNode,
  party: string,
  draft: TaskDraft,
): Promise<DatasetTerms> {
  if (party === node.signer.name) return describeOwn(node, party, draft);
  const request = { draft: canonicalBytes(draft) };
  const options = { timeoutMs: DATA_TIMEOUT_MS };
  const { result } = await callPeer(node.peers, party, METHODS.describe, request, options);
  if (result?.$case === 'refused') throw refusalError(result.value);
  if (!result) throw new ConsensusError('malformed_message', `${party} gave no answer`);
  const terms = decodeJson(
    DatasetTermsSchema,
    result.value,
    MAX_CONTRACT_BYTES,
    'malformed_message',
  );
  if (!answers(draft, terms)) {
    throw new ConsensusError('data_mismatch', `${party} described another dataset`);
  }
  return terms;
}

/**
 * Answers `peer`. The policy is asked about every column that the draft names before the dataset is
 * touched, and about every column of the file before a cell is read: a peer that it does not allow
 * learns nothing, not even from the time it takes, about whether a dataset or column exists or what
 * it holds.
 */
export async function describeOwn(
  node: ConsensusNode,
  peer: string,
  draft: TaskDraft,
): Promise<DatasetTerms> {
  checkDraft(draft);
  const { path, keyColumns: keys, labelColumn: label } = draft.dataset;
  const { selectColumns, discreteColumns, payload } = draft.dataset;
  const named = [...new Set([...(selectColumns ?? []), ...discreteColumns, ...payload])];
  const use: DatasetUse = { path, keys, label, features: named };
  const judge = (found: Partial<DatasetUse>) =>
    allowedBy(node, peer, requestOf(node, peer, draft, { ...use, ...found }));
  let { rule } = await judge({});
  let { dataset } = draft;
  // Other kinds name what they read: a model's columns, or keys alone.
  if (draft.kind === 'train' && !selectColumns) {
    dataset = await allColumns(node, draft, async (found) => {
      ({ rule } = await judge(found));
    });
  }
  // Aligned by row order every row is a common record, and the contract says how many there are.
  const minimumIntersection =
    draft.alignment.method === 'psi' ? (rule.minimum_intersection ?? 0) : 0;
  const { terms } = await orDatasetError(
    () => node.datasets.describe({ ...draft, dataset }, { minimumIntersection }, peer),
    // Every column that the message may name has been judged.
    (_code, message) => message,
  );
  return terms;
}

/** The columns of a file that a draft without a selection means, as the policy judges them. */
type FoundColumns = Required<Pick<DatasetUse, 'features' | 'excluded'>>;

/**
 * The draft with the selection that stands for "every column", once `judge` has let it pass. Naming a
 * denied column in `notFeatures` does not take it out of the question: that the answer changes would
 * tell that the column exists.
 */
async function allColumns(
  node: ConsensusNode,
  { dataset }: TaskDraft,
  judge: (found: FoundColumns) => Promise<unknown>,
): Promise<TaskDraft['dataset']> {
  const { path, type, keyColumns, labelColumn, notFeatures, discreteColumns } = dataset;
  const names = await orDatasetError(
    () => node.datasets.columns(path, type),
    (code) => `the dataset is not usable: ${code}`, // the message may name a column
  );
  const others = names.filter((name) => !keyColumns?.includes(name) && name !== labelColumn);
  const features = others.filter((name) => !notFeatures.includes(name));
  await judge({
    features: [...new Set([...features, ...discreteColumns])],
    excluded: others.filter((name) => notFeatures.includes(name)),
  });
  // A selection, so that a column that the file gets meanwhile is not read; without features every
  // column there is stays unread.
  return features.length > 0
    ? { ...dataset, selectColumns: features, notFeatures: [] }
    : { ...dataset, notFeatures: names };
}

/** What the directory answers; its refusals as `dataset/...` with the given reason. */
async function orDatasetError<T>(
  answer: () => Promise<T>,
  reason: (code: string, message: string) => string,
): Promise<T> {
  try {
    return await answer();
  } catch (cause) {
    const code = datasetErrorCode(cause);
    if (code === undefined) throw cause;
    if (code === UNKNOWN_MODEL) throw refusedByPolicy(); // whether there is such a model is no answer
    throw new ConsensusError(`dataset/${code}`, reason(code, (cause as Error).message), { cause });
  }
}

function requestOf(
  node: ConsensusNode,
  peer: string,
  draft: TaskDraft,
  dataset: DatasetUse,
): PolicyRequest {
  const me = node.signer.name;
  return {
    // Whoever asks learns the answer, whether or not it counts itself in.
    peers: [...new Set([...draft.parties, peer])].filter((name) => name !== me),
    purpose: draft.purpose,
    algorithm: policyAlgorithm(draft),
    dataset,
    receivers: draft.receivers.filter((name) => name !== me),
    modelRelease: draft.modelRelease,
    terms: null,
  };
}

/** Whether terms are of the dataset and the columns that the draft asks for. */
function answers({ dataset }: TaskDraft, terms: DatasetTerms): boolean {
  const selected = dataset.selectColumns && new Set(dataset.selectColumns);
  return (
    terms.path === dataset.path &&
    terms.type === dataset.type &&
    sameColumns(terms.keyColumns, dataset.keyColumns) &&
    terms.labelColumn === dataset.labelColumn &&
    sameColumns(terms.payload, dataset.payload) &&
    (!selected ||
      (terms.features.length === selected.size &&
        terms.features.every(({ name }) => selected.has(name))))
  );
}

/** Both the same columns in the same order, or both none. */
function sameColumns(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a?.length === b?.length && (a ?? []).every((name, i) => name === b![i]);
}
