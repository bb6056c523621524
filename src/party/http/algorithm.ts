import type { AlgorithmName } from './algorithm-name.ts';
import type { Loss } from './hyper-parameters.ts';
import { CLASSIFICATION_METRICS, REGRESSION_METRICS } from './metric-name.ts';
import { parseAlgorithm, type TrainRequest } from './train-request.ts';

/** Which algorithm a request means, and what in it decided. */
export interface AlgorithmChoice {
  readonly algorithm: AlgorithmName;
  readonly reason: string;
}

/** What only trees have. */
const TREE_KEYS = [
  'objective',
  'num_trees',
  'max_depth',
  'num_bins',
  'early_stopping_rounds',
  'min_child_weight',
  'subsample',
  'colsample_bytree',
  'scale_pos_weight',
] as const;

const ALGORITHM_OF_LOSS: Readonly<Record<Loss, AlgorithmName>> = {
  mse: 'linear_regression',
  mae: 'linear_regression',
  huber: 'linear_regression',
  logloss: 'logistic_regression',
};

/**
 * The algorithm of a request; the first rule that applies decides. Null when nothing in the request
 * tells: then the number of distinct labels does, see `training-models.ts`.
 */
export function chooseAlgorithm(
  request: Pick<TrainRequest, 'algorithm' | 'hyper' | 'modelConfig' | 'metrics'>,
): AlgorithmChoice | null {
  const { algorithm, hyper, modelConfig, metrics } = request;
  if (algorithm) return { algorithm, reason: 'algorithm' };
  if (hyper.algorithm !== undefined) {
    const named = parseAlgorithm('hyper_params.algorithm', hyper.algorithm);
    return { algorithm: named, reason: 'hyper_params.algorithm' };
  }
  if (modelConfig) return { algorithm: 'dnn', reason: 'model_config is given' };

  const treeKey = TREE_KEYS.find((key) => hyper[key] !== undefined);
  if (treeKey) return { algorithm: 'xgboost', reason: `hyper_params.${treeKey} is given` };

  const classification = metrics.find((metric) => CLASSIFICATION_METRICS.includes(metric));
  if (classification) {
    return { algorithm: 'logistic_regression', reason: `metric ${classification}` };
  }
  const regression = metrics.find((metric) => REGRESSION_METRICS.includes(metric));
  if (regression) return { algorithm: 'linear_regression', reason: `metric ${regression}` };

  if (hyper.loss !== undefined) {
    return { algorithm: ALGORITHM_OF_LOSS[hyper.loss], reason: `loss ${hyper.loss}` };
  }
  return null;
}
