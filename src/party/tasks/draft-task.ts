import type { TaskRequest } from '../http/services.ts';
import type { DraftedContract, DraftingNode } from './contract-draft.ts';
import { draftIntersection } from './contract-draft-intersection.ts';
import { draftPrediction } from './contract-draft-prediction.ts';
import { draftTraining } from './contract-draft-training.ts';

/** The contract that a request of any kind means. Throws `ApiError`. */
export async function draftTask(node: DraftingNode, task: TaskRequest): Promise<DraftedContract> {
  switch (task.kind) {
    case 'train':
      return draftTraining(node, task.request);
    case 'psi':
      return draftIntersection(node, task.request);
    case 'predict':
      return draftPrediction(node, task.request);
  }
}
