/** What trees of a request learn, and which metrics are defined for that. */
import type { Objective } from '../../ml/trees/parameters.ts';
import { ApiError } from './api-error.ts';
import type { HyperParameters, Loss } from './hyper-parameters.ts';
import { CLASSIFICATION_METRICS, type MetricName, REGRESSION_METRICS } from './metric-name.ts';
import type { TrainRequest } from './train-request.ts';
import type { Warning } from './warning.ts';

type ObjectiveRequest = Pick<TrainRequest, 'hyper' | 'metrics'>;

/** An objective with its number of classes, as a contract has them. */
export interface TreeObjective {
  readonly objective: Objective;
  /** 1 but for `multi:softprob`. */
  readonly num_class: number;
}

const BINARY: TreeObjective = { objective: 'binary:logistic', num_class: 1 };
const NUMBERS: TreeObjective = { objective: 'reg:squarederror', num_class: 1 };

const OBJECTIVE_OF_LOSS: Readonly<Record<Loss, TreeObjective | null>> = {
  logloss: BINARY,
  mse: NUMBERS,
  mae: null,
  huber: null,
};

/**
 * The objective of a request; the first rule that applies decides: `objective`, `num_class`, metrics, `loss`.
 * Null when nothing tells: then the label does, two values for classes and others for numbers. Labels of
 * several classes look like numbers, so somebody has to say that they are none.
 */
export function chooseObjective({ hyper, metrics }: ObjectiveRequest): TreeObjective | null {
  const { objective, num_class: classes, loss } = hyper;
  if (objective !== undefined) return { objective, num_class: classesOf(objective, classes) };
  if (classes !== undefined && classes > 2) {
    return { objective: 'multi:softprob', num_class: classes };
  }
  if (classes === 2) return BINARY;
  const ofLoss = loss && OBJECTIVE_OF_LOSS[loss];
  if (ofLoss === null) {
    throw new ApiError('INVALID_REQUEST', 'hyper_params.loss of xgboost must be logloss or mse');
  }
  if (metrics.some((metric) => CLASSIFICATION_METRICS.includes(metric))) return BINARY;
  if (metrics.some((metric) => REGRESSION_METRICS.includes(metric))) return NUMBERS;
  return ofLoss ?? null;
}

/** What the label may mean when the request does not tell: tried in this order. */
export const OBJECTIVES_OF_LABELS: readonly TreeObjective[] = [BINARY, NUMBERS];

function classesOf(objective: Objective, classes: HyperParameters['num_class']): number {
  if (objective === 'multi:softprob') {
    if (classes !== undefined && classes >= 2) return classes;
    throw new ApiError('INVALID_REQUEST', 'hyper_params.num_class of multi:softprob must be >= 2');
  }
  if (classes === undefined || classes <= (objective === 'binary:logistic' ? 2 : 1)) return 1;
  throw new ApiError(
    'INVALID_REQUEST',
    `hyper_params.num_class: ${objective} does not learn ${classes} classes; set objective to multi:softprob`,
  );
}

/** Of classes only these are defined; of numbers all but those of two classes. */
const OF_CLASSES: readonly MetricName[] = ['loss', 'logloss', 'accuracy'];
const OF_TWO_CLASSES: readonly MetricName[] = [...CLASSIFICATION_METRICS, 'logloss', 'ks'];

const IS_DEFINED: Readonly<Record<Objective, (metric: MetricName) => boolean>> = {
  'binary:logistic': () => true,
  'reg:squarederror': (metric) => !OF_TWO_CLASSES.includes(metric),
  'multi:softprob': (metric) => OF_CLASSES.includes(metric),
};

/** A warning for each requested metric that will be null whatever the model. */
export function undefinedMetrics(
  objective: Objective,
  metrics: readonly MetricName[],
): readonly Warning[] {
  return metrics
    .filter((metric) => !IS_DEFINED[objective](metric))
    .map(
      (metric): Warning => ({
        code: 'METRIC_UNDEFINED',
        message: `metrics: ${metric} is not defined for ${objective}; it will be null`,
      }),
    );
}
