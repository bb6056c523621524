/** What a prediction takes over from the training of its model. */
import {
  isTreeTraining,
  type LinearPrediction,
  type TrainContract,
  type TreePrediction,
} from './contract.ts';

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
export function tellsTwoClasses(training: TrainContract): boolean {
  return isTreeTraining(training)
    ? training.parameters.objective === 'binary:logistic'
    : training.algorithm.name === 'logistic_regression';
}
