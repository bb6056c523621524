import type { TrainContract } from '../consensus/contract.ts';
import type { FindPart, OwnPart } from '../consensus/offered-datasets.ts';
import type { ConsensusRecords } from '../consensus/records.ts';
import type { ModelRegistry } from '../models/model-registry.ts';

/** A model that this node helped to train, as the parties agreed on its training. */
export interface TrainedModel {
  readonly taskId: string;
  readonly contract: TrainContract;
}

/** Null for a model that this node has no part in. */
export type FindTrained = (modelId: string) => Promise<TrainedModel | null>;

/** Finds models by this node's own parts and the contracts that its records keep. */
export function trainedModels(
  models: Pick<ModelRegistry, 'get'>,
  records: Pick<ConsensusRecords, 'certificate'>,
): FindTrained {
  return async (modelId) => {
    const manifest = await models.get(modelId, 'part');
    const record = manifest && (await records.certificate(manifest.taskId));
    const contract = record?.certificate.contract;
    return contract?.kind === 'train' ? { taskId: manifest!.taskId, contract } : null;
  };
}

/** What this node brings to a prediction with one of these models. */
export function ownParts(
  findTrained: FindTrained,
  models: Pick<ModelRegistry, 'loadPart'>,
): FindPart {
  return async (modelId): Promise<OwnPart | null> => {
    const trained = await findTrained(modelId);
    if (!trained) return null;
    const { taskId, contract } = trained;
    return {
      taskId,
      algorithm: contract.algorithm.name,
      holders: contract.parties.filter(({ dataset }) => dataset).map(({ name }) => name),
      encoding: (await models.loadPart(modelId)).encoding,
    };
  };
}
