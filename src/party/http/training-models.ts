/** From a request to what it trains: the algorithm and its parameters, every default resolved. */
import type { ModelTerms } from '../consensus/model-data.ts';
import { chooseAlgorithm } from './algorithm.ts';
import type { AlgorithmName } from './algorithm-name.ts';
import { ApiError } from './api-error.ts';
import { type LinearAlgorithm, resolveLinearParameters } from './linear-parameters.ts';
import type { TrainRequest } from './train-request.ts';
import { chooseObjective, OBJECTIVES_OF_LABELS } from './tree-objective.ts';
import { resolveTreeParameters } from './tree-parameters.ts';
import type { Warning } from './warning.ts';

type ModelRequest = Pick<TrainRequest, 'algorithm' | 'hyper' | 'modelConfig' | 'metrics'>;

/** One thing that a request may mean. */
export interface TrainingModel {
  readonly terms: ModelTerms;
  /** What in the request decided the algorithm. */
  readonly reason: string;
  readonly warnings: readonly Warning[];
}

/**
 * What a request means. Where only the label can tell, several: each is to be tried in turn, as long as the
 * label holder answers that its label does not have two values. Throws `ApiError`.
 */
export function trainingModels(request: ModelRequest): readonly TrainingModel[] {
  const chosen = chooseAlgorithm(request);
  return chosen ? MODELS[chosen.algorithm](request, chosen.reason) : linearByLabels(request);
}

type Models = (request: ModelRequest, reason: string) => readonly TrainingModel[];

const MODELS: Readonly<Record<AlgorithmName, Models>> = {
  logistic_regression: (request, reason) => [linear('logistic_regression', request, reason)],
  linear_regression: (request, reason) => [linear('linear_regression', request, reason)],
  xgboost: trees,
  dnn: () => {
    throw new ApiError('NOT_AVAILABLE', 'algorithm dnn is not available yet');
  },
};

function linear(name: LinearAlgorithm, request: ModelRequest, reason: string): TrainingModel {
  const { parameters, warnings } = resolveLinearParameters(name, request);
  return { terms: { algorithm: { name, partition: 'vertical' }, parameters }, reason, warnings };
}

/** Two distinct labels are classes, more are numbers. */
function linearByLabels(request: ModelRequest): readonly TrainingModel[] {
  return [
    linear('logistic_regression', request, 'the label has two values'),
    linear('linear_regression', request, 'the label has more than two values'),
  ];
}

function trees(request: ModelRequest, reason: string): readonly TrainingModel[] {
  const chosen = chooseObjective(request);
  return (chosen ? [chosen] : OBJECTIVES_OF_LABELS).map((objective) => {
    const { parameters, warnings } = resolveTreeParameters(request, objective);
    const algorithm = { name: 'xgboost', partition: 'vertical' } as const;
    return { terms: { algorithm, parameters }, reason, warnings };
  });
}
