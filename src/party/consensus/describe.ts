import type { DatasetUse } from '../policy.ts';
import { canonicalBytes } from './canonical-json.ts';
import type { ConsensusNode } from './consensus-node.ts';
import { allowedBy } from './consent.ts';
import type { DatasetTerms } from './contract.ts';
import { DatasetTermsSchema, MAX_CONTRACT_BYTES } from './contract-schema.ts';
import { ConsensusError } from './errors.ts';
import { decodeJson } from './schema.ts';
import { datasetErrorCode, type TaskDraft } from './task-draft.ts';
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
 * Answers `peer`. The policy is asked before the dataset is touched: a peer that it does not allow
 * learns nothing, not even from the time it takes, about whether a dataset or column exists.
 */
export async function describeOwn(
  node: ConsensusNode,
  peer: string,
  draft: TaskDraft,
): Promise<DatasetTerms> {
  const { path, keyColumn: key, labelColumn: label, selectColumns } = draft.dataset;
  const use: DatasetUse = { path, key, label, features: selectColumns };
  await allowedBy(node, peer, requestOf(node, peer, draft, use));
  let terms: DatasetTerms;
  try {
    ({ terms } = await node.datasets.describe(draft));
  } catch (cause) {
    const code = datasetErrorCode(cause);
    if (code === undefined) throw cause;
    // The message may name a column. When none was selected, the policy has not judged it yet.
    const reason = selectColumns ? (cause as Error).message : `the dataset is not usable: ${code}`;
    throw new ConsensusError(`dataset/${code}`, reason, { cause });
  }
  const features = terms.features.map(({ name }) => name);
  await allowedBy(node, peer, requestOf(node, peer, draft, { ...use, features }));
  return terms;
}

function requestOf(node: ConsensusNode, peer: string, draft: TaskDraft, dataset: DatasetUse) {
  const me = node.signer.name;
  return {
    // Whoever asks learns the answer, whether or not it counts itself in.
    peers: [...new Set([...draft.parties, peer])].filter((name) => name !== me),
    purpose: draft.purpose,
    algorithm: `${draft.algorithm.partition}/${draft.algorithm.name}`,
    dataset,
    receivers: draft.receivers.filter((name) => name !== me),
    modelRelease: draft.modelRelease,
  };
}

/** Whether terms are of the dataset and the columns that the draft asks for. */
function answers({ dataset }: TaskDraft, terms: DatasetTerms): boolean {
  const selected = dataset.selectColumns && new Set(dataset.selectColumns);
  return (
    terms.path === dataset.path &&
    terms.type === dataset.type &&
    terms.keyColumn === dataset.keyColumn &&
    terms.labelColumn === dataset.labelColumn &&
    (!selected ||
      (terms.features.length === selected.size &&
        terms.features.every(({ name }) => selected.has(name))))
  );
}
