/** What a finished training leaves on this node: the model at receivers, its own part at data holders. */
import { WEIGHT_BITS } from '../../../ml/vertical/linear/fixed-point.ts';
import type { Publication } from '../../../ml/vertical/linear/publish.ts';
import type { TrainedPart } from '../../../ml/vertical/linear/train.ts';
import type { LinearTraining, TrainContract } from '../../consensus/contract.ts';
import { tellsTwoClasses } from '../../consensus/scoring.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { LinearPart } from '../../models/linear-part.ts';
import type { LinearDocument } from '../../models/model-document.ts';
import type { ModelHead } from '../../models/model-head.ts';
import { modelId } from '../../models/model-id.ts';
import { encodeShareWords } from '../../models/share-words.ts';
import { twoDataHolders } from './data-holders.ts';

/** A training's end at one party. */
export interface FinishedTraining {
  readonly part: TrainedPart;
  readonly publication: Publication | null;
  /** Names the run that made the shares; 32 bytes. */
  readonly origin: Uint8Array;
}

/** The model that a receiver stores; null when this party receives none or it is not released. */
export function modelDocument(
  contract: LinearTraining,
  taskId: string,
  publication: Publication | null,
): LinearDocument | null {
  if (!publication?.model) return null;
  return {
    format: 'entente/model/v1',
    ...headOf(contract, taskId, publication.metrics),
    algorithm: contract.algorithm.name,
    features: [...publication.model.features],
    intercept: publication.model.intercept,
  };
}

/**
 * What this data holder keeps: its columns' encoding, its coordinates and its shares of the weights, with
 * which the parties score records together, whether or not the model was released.
 */
export function modelPart(
  contract: LinearTraining,
  taskId: string,
  self: string,
  dataset: LoadedDataset,
  { part, publication, origin }: FinishedTraining,
): LinearPart {
  const { peer } = twoDataHolders(contract, self);
  const { scaler, W, dependent, interceptValue } = part.whitening;
  const share = (owner: string, words: BigUint64Array) => ({
    owner,
    fraction_bits: WEIGHT_BITS,
    length: words.length,
    words: encodeShareWords(words),
  });
  return {
    format: 'entente/model-part/v2',
    ...headOf(contract, taskId, publication?.metrics ?? {}),
    algorithm: contract.algorithm.name,
    party: self,
    origin: Buffer.from(origin).toString('hex'),
    encoding: dataset.encoding.map((each) =>
      each.kind === 'numeric' ? { ...each } : { ...each, levels: [...each.levels] },
    ),
    transformation: {
      mean: [...scaler.mean],
      scale: [...scaler.scale],
      unused: [...dependent.keys()].filter((j) => dependent[j] === 1),
      map: contract.parameters.solver === 'auto' ? [...W.values] : [],
      intercept: interceptValue,
    },
    target: part.target && { ...part.target },
    shares: [share(self, part.weights.own), share(peer.name, part.weights.peer)],
  };
}

/** What a model and all parts of it say of themselves. */
export function headOf(
  contract: TrainContract,
  taskId: string,
  metrics: Readonly<Record<string, number | null>>,
): ModelHead {
  const holder = contract.parties[0]!;
  return {
    model_id: modelId(taskId, contract.createdAt),
    task_id: taskId,
    created_at: contract.createdAt,
    label: { party: holder.name, column: holder.dataset!.labelColumn! },
    threshold: tellsTwoClasses(contract) ? contract.parameters.predict_threshold : null,
    open_bits: contract.parameters.open_bits,
    metrics: { ...metrics },
  };
}
