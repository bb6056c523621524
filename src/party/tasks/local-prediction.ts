import type { Datasets, DataTerms } from '../datasets/datasets.ts';
import { ApiError } from '../http/api-error.ts';
import type { TaskRequest } from '../http/services.ts';
import type { ModelRegistry } from '../models/model-registry.ts';
import type { LocalTask } from './local-task.ts';
import { localPrediction } from './programs/predict-local.ts';

export interface LocalPredictionDeps {
  /** This node's name. */
  readonly self: string;
  readonly models: Pick<ModelRegistry, 'get' | 'load' | 'loadPart'>;
  readonly datasets: Pick<Datasets, 'terms' | 'load'>;
  /** Told before the rows of a file are read. */
  readonly accessed: (taskId: string, terms: DataTerms) => Promise<void>;
}

/**
 * The task of a request to apply a released model to a file of this node alone; null for any other
 * request. Throws `ApiError`.
 */
export async function draftLocalPrediction(
  { self, models, datasets, accessed }: LocalPredictionDeps,
  { kind, request }: TaskRequest,
): Promise<LocalTask | null> {
  if (kind !== 'predict') return null;
  const [provider, ...others] = request.providers;
  if (provider?.name !== self || others.length > 0) return null;
  const { modelId, purpose, warnings } = request;
  const manifest = await models.get(modelId);
  if (!manifest) {
    throw new ApiError('NOT_FOUND', `${self} has received no model ${modelId}`);
  }
  const stranger = request.receivers.find((name) => name !== self);
  if (stranger !== undefined) {
    const why = `result_receivers names ${stranger}, which provides no data`;
    throw new ApiError('INVALID_REQUEST', why);
  }
  const { path, type, keyColumns } = provider;
  return {
    head: { kind, algorithm: manifest.algorithm, purpose },
    notes: { warnings, reason: 'model' },
    modelId,
    async run(taskId, progress, signal) {
      progress.phase('evaluating');
      const model = await models.load(modelId);
      const part = (await models.get(modelId, 'part')) ? await models.loadPart(modelId) : null;
      const source = { path, type, keyColumns, label: null, selectColumns: null };
      const file = await localPrediction({
        model,
        part,
        path,
        keyColumns,
        threshold: request.threshold ?? model.threshold,
        load: async (encoding) => {
          signal.throwIfAborted();
          const offer = await datasets.terms({ ...source, discreteColumns: [], encoding });
          await accessed(taskId, offer.terms);
          return datasets.load(offer.terms, offer.salt, { encoding });
        },
      });
      progress.phase('publishing');
      return { model: null, part: null, file, metrics: null, extra: {} };
    },
  };
}
