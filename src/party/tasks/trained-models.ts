import type { FindPart, OwnPart } from '../consensus/offered-datasets.ts';
import type { ConsensusRecords } from '../consensus/records.ts';
import type { Trained } from '../consensus/scoring.ts';
import type { ModelRegistry } from '../models/model-registry.ts';

/** Null for a model that this node has no part in. */
export type FindTrained = (modelId: string) => Promise<Trained | null>;

/** Finds models by this node's own parts and the contracts that its records keep. */
export function trainedModels(
  models: Pick<ModelRegistry, 'get'>,
  records: Pick<ConsensusRecords, 'certificate'>,
): FindTrained {
  return async (modelId) => {
    const manifest = await models.get(modelId, 'part');
    const record = manifest && (await records.certificate(manifest.taskId));
    const contract = record?.certificate.contract;
    return contract?.kind === 'train' ? { taskId: manifest!.taskId, training: contract } : null;
  };
}

/** What this node brings to a prediction with one of these models. */
export function ownParts(
  findTrained: FindTrained,
  models: Pick<ModelRegistry, 'loadPart'>,
): FindPart {
  return async (modelId): Promise<OwnPart | null> => {
    const trained = await findTrained(modelId);
    return trained && { ...trained, encoding: (await models.loadPart(modelId)).encoding };
  };
}
