/** What a prediction takes over from the training of its model. */
import { canonicalJson } from './canonical-json.ts';
import {
  type Contract,
  isTreeTraining,
  type LinearPrediction,
  type PredictContract,
  type TrainContract,
  type TreePrediction,
} from './contract.ts';

/** A training, and what it is known by. */
export interface Trained {
  readonly taskId: string;
  readonly training: TrainContract;
}

/** Algorithm and parameters of scores, of one training. */
export type Scoring =
  | Pick<LinearPrediction, 'algorithm' | 'parameters'>
  | Pick<TreePrediction, 'algorithm' | 'parameters'>;

/**
 * How the model of a training scores.
 *
 * @param threshold - In place of the training's own; null for that one.
 * @param implementation - The code that scores.
 */
export function scoringOf(
  training: TrainContract,
  threshold: number | null,
  implementation: string,
): Scoring {
  const { open_bits, predict_threshold } = training.parameters;
  const score = {
    predict_threshold: tellsTwoClasses(training) ? (threshold ?? predict_threshold) : null,
    open_bits,
  };
  if (!isTreeTraining(training)) {
    return { algorithm: { ...training.algorithm, implementation }, parameters: score };
  }
  const { objective, num_class, num_trees, max_depth } = training.parameters;
  return {
    algorithm: { ...training.algorithm, implementation },
    parameters: { objective, num_class, num_trees, max_depth, ...score },
  };
}

/** Whether scores are probabilities of the second of two classes: a threshold then means something. */
export function tellsTwoClasses(contract: TrainContract | PredictContract): boolean {
  return isTreeTraining(contract)
    ? contract.parameters.objective === 'binary:logistic'
    : contract.algorithm.name === 'logistic_regression';
}

/** Whether a prediction is by the model of this training: among its data holders, as that one scores. */
export function fitsTraining(contract: PredictContract, { taskId, training }: Trained): boolean {
  const { algorithm, parameters, model } = contract;
  const own = scoringOf(training, parameters.predict_threshold, algorithm.implementation);
  return (
    model.taskId === taskId &&
    canonicalJson(holdersOf(contract)) === canonicalJson(holdersOf(training)) &&
    canonicalJson({ algorithm, parameters }) === canonicalJson(own)
  );
}

/** The names of those who bring data, in the contract's order. */
export function holdersOf({ parties }: Pick<Contract, 'parties'>): readonly string[] {
  return parties.filter(({ dataset }) => dataset !== null).map(({ name }) => name);
}
