/** From a request to the contract of a joint prediction: the parties of the training, on other records. */
import type { PredictContract, TrainContract } from '../consensus/contract.ts';
import { scoringOf, tellsTwoClasses } from '../consensus/scoring.ts';
import type { TaskDraft } from '../consensus/task-draft.ts';
import { ApiError } from '../http/api-error.ts';
import type { PredictProvider, PredictRequest } from '../http/predict-request.ts';
import {
  agreedAlignment,
  alignmentOf,
  askTerms,
  type CommonDraft,
  checkDrafted,
  checkParticipants,
  commonTerms,
  contractParties,
  type DraftedContract,
  type DraftingNode,
  PROVIDERS,
} from './contract-draft.ts';
import { predictionLeakageOf } from './declaration.ts';

/** Composes the contract that the request means. Throws `ApiError`. */
export async function draftPrediction(
  node: DraftingNode,
  request: PredictRequest,
): Promise<DraftedContract<PredictContract>> {
  const { providers, receivers, purpose, duplicates, minimumIntersection, modelId } = request;
  const names = providers.map(({ name }) => name);
  checkParticipants(node, { providers: names, receivers }, PROVIDERS);
  const trained = await node.findTrained(modelId);
  if (!trained) {
    throw new ApiError('NOT_FOUND', `model_id: ${node.name} has no part in such a model`);
  }
  const { taskId, training } = trained;
  const roles = rolesOf(training);
  if (names.length !== roles.length || !roles.every(({ name }) => names.includes(name))) {
    throw new ApiError(
      'INVALID_REQUEST',
      `data_providers must be those of the training: ${roles.map(({ name }) => name).join(', ')}`,
    );
  }
  checkKeys(providers);
  const asked = alignmentOf(
    { duplicates, minimumIntersection },
    providers.map(({ keyColumns }) => keyColumns),
  );
  const scoring = scoringOf(training, thresholdOf(request, training), node.implementation);
  const { name, partition } = scoring.algorithm;
  const draft: CommonDraft = {
    version: 1,
    kind: 'predict',
    algorithm: { name, partition },
    alignment: asked,
    purpose,
    parties: names,
    receivers,
    modelRelease: null,
    model: modelId,
  };
  const terms = await askTerms(node, draft, providers, (each) => datasetOf(each, training));
  const agreed = {
    ...scoring,
    receivers,
    model: { id: modelId, taskId },
    alignment: agreedAlignment(asked, terms, { engine: request.engine }),
    parties: contractParties(node, roles, terms),
  };
  const contract: PredictContract = {
    ...commonTerms(node, request),
    ...agreed,
    kind: 'predict',
    leakage: predictionLeakageOf(agreed),
  };
  checkDrafted(node, contract, 'tables of this size cannot be scored');
  return { contract, warnings: request.warnings, reason: 'model' };
}

/** The data holders of the training, in its order. */
function rolesOf({
  parties,
}: TrainContract): Pick<TrainContract['parties'][number], 'name' | 'role'>[] {
  return parties.filter(({ dataset }) => dataset !== null);
}

/** Either every provider names a key column or none. */
function checkKeys(providers: readonly PredictProvider[]): void {
  const without = providers.find(({ keyColumns }) => keyColumns === null);
  if (without && providers.some(({ keyColumns }) => keyColumns !== null)) {
    throw new ApiError(
      'INVALID_REQUEST',
      `data_providers: ${without.name} needs a key_column, as the others have one`,
    );
  }
}

/** The columns that the provider trained with, in another file. */
function datasetOf(
  { name, path, type, keyColumns }: PredictProvider,
  training: TrainContract,
): TaskDraft['dataset'] {
  const { features } = training.parties.find((party) => party.name === name)!.dataset!;
  const discrete = features.filter(({ kind }) => kind === 'categorical');
  return {
    path,
    type,
    keyColumns,
    labelColumn: null,
    labelKind: null,
    selectColumns: features.map((feature) => feature.name),
    notFeatures: [],
    discreteColumns: discrete.map((feature) => feature.name),
    payload: [],
  };
}

function thresholdOf({ threshold }: PredictRequest, training: TrainContract): number | null {
  if (threshold === null || tellsTwoClasses(training)) return threshold;
  throw new ApiError(
    'INVALID_REQUEST',
    'threshold: the model predicts numbers or several classes, not one of two',
  );
}
