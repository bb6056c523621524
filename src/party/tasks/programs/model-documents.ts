/** What a finished training leaves on this node: the model at receivers, its own part at data holders. */
import { WEIGHT_BITS } from '../../../ml/vertical/linear/fixed-point.ts';
import type { Publication } from '../../../ml/vertical/linear/publish.ts';
import type { TrainedPart } from '../../../ml/vertical/linear/train.ts';
import type { TrainContract } from '../../consensus/contract.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { ModelDocument } from '../../models/model-document.ts';
import { modelId } from '../../models/model-id.ts';
import { encodeShareWords, type ModelPart } from '../../models/model-part.ts';
import { dataHolders } from './data-holders.ts';

type Head = Pick<
  ModelDocument,
  | 'model_id'
  | 'task_id'
  | 'created_at'
  | 'algorithm'
  | 'label'
  | 'threshold'
  | 'open_bits'
  | 'metrics'
>;

/** The model that a receiver stores; null when this party receives none or it is not released. */
export function modelDocument(
  contract: TrainContract,
  taskId: string,
  publication: Publication | null,
): ModelDocument | null {
  if (!publication?.model) return null;
  return {
    format: 'entente/model/v1',
    ...head(contract, taskId, publication.metrics),
    features: [...publication.model.features],
    intercept: publication.model.intercept,
  };
}

/** What this data holder keeps: its columns' encoding, its coordinates, and shares if not released. */
export function modelPart(
  contract: TrainContract,
  taskId: string,
  self: string,
  dataset: LoadedDataset,
  { part, publication }: { readonly part: TrainedPart; readonly publication: Publication | null },
): ModelPart {
  const { peer } = dataHolders(contract, self);
  const { scaler, L } = part.whitening;
  const released = part.release !== null;
  const share = (owner: string, words: BigUint64Array) => ({
    owner,
    fraction_bits: WEIGHT_BITS,
    length: words.length,
    words: encodeShareWords(words),
  });
  return {
    format: 'entente/model-part/v1',
    ...head(contract, taskId, publication?.metrics ?? {}),
    party: self,
    encoding: dataset.encoding.map((each) =>
      each.kind === 'numeric' ? { ...each } : { ...each, levels: [...each.levels] },
    ),
    transformation: released
      ? null
      : {
          mean: [...scaler.mean],
          scale: [...scaler.scale],
          factor: contract.parameters.solver === 'auto' ? [...L.values] : [],
        },
    shares: released ? [] : [share(self, part.weights.own), share(peer.name, part.weights.peer)],
  };
}

function head(
  contract: TrainContract,
  taskId: string,
  metrics: Readonly<Record<string, number | null>>,
): Head {
  const holder = contract.parties[0]!;
  return {
    model_id: modelId(taskId, contract.createdAt),
    task_id: taskId,
    created_at: contract.createdAt,
    algorithm: contract.algorithm.name,
    label: { party: holder.name, column: holder.dataset!.labelColumn! },
    threshold:
      contract.algorithm.name === 'logistic_regression'
        ? contract.parameters.predict_threshold
        : null,
    open_bits: contract.parameters.open_bits,
    metrics: { ...metrics },
  };
}
