import { DEFAULT_ITERATIONS } from '../../ml/linear/acceleration.ts';
import type { LinearParameters } from '../../ml/vertical/linear/parameters.ts';
import { ApiError } from './api-error.ts';
import type { HyperParameters, Loss } from './hyper-parameters.ts';
import { type Ignored, ignoredParameters } from './ignored-parameters.ts';
import type { TrainRequest } from './train-request.ts';
import type { Warning } from './warning.ts';

export type LinearAlgorithm = 'logistic_regression' | 'linear_regression';

/** Iterations of `auto`, and the ridge: measured on the reference tables, see `src/ml/README.md`. */
const AUTO_EPOCHS: Readonly<Record<LinearAlgorithm, number>> = {
  logistic_regression: DEFAULT_ITERATIONS.logistic,
  linear_regression: DEFAULT_ITERATIONS.linear,
};
const L2: Readonly<Record<LinearAlgorithm, number>> = {
  logistic_regression: 1,
  linear_regression: 0.01,
};
const SGD_EPOCHS = 10;
const BATCH_SIZE = 256;
const LEARNING_RATE = 0.001;

const LOSSES: Readonly<Record<LinearAlgorithm, readonly LinearParameters['loss'][]>> = {
  logistic_regression: ['logloss', 'mse'],
  linear_regression: ['mse'],
};

/** Keys that only the `sgd` solver reads. */
const SGD_KEYS = ['batch_size', 'learning_rate', 'momentum'] as const;

const LINEAR_KEYS = [
  'algorithm',
  'loss',
  'epochs',
  'use_validation_set',
  'validation_set_rate',
  'predict_threshold',
  'use_intercept',
  'solver',
  'l2',
  'class_weight',
  'seed',
  'open_bits',
  'model_release',
  ...SGD_KEYS,
] satisfies (keyof HyperParameters)[];

/**
 * Parameters of a linear model with every default resolved, as the contract states them, and a
 * warning for each given key that has no effect; such a key stands at its default, so that requests
 * that mean the same give the same contract.
 */
export function resolveLinearParameters(
  algorithm: LinearAlgorithm,
  request: Pick<TrainRequest, 'hyper' | 'modelConfig'>,
): { readonly parameters: LinearParameters; readonly warnings: readonly Warning[] } {
  const { hyper } = request;
  const solver = hyper.solver ?? (namesSteps(hyper) ? 'sgd' : 'auto');
  const sgd = solver === 'sgd';
  const classifies = algorithm === 'logistic_regression';
  const validate = hyper.use_validation_set ?? true;
  const parameters: LinearParameters = {
    solver,
    loss: resolveLoss(algorithm, hyper.loss),
    epochs: hyper.epochs ?? (sgd ? SGD_EPOCHS : AUTO_EPOCHS[algorithm]),
    batch_size: (sgd ? hyper.batch_size : undefined) ?? BATCH_SIZE,
    learning_rate: (sgd ? hyper.learning_rate : undefined) ?? LEARNING_RATE,
    momentum: (sgd ? hyper.momentum : undefined) ?? 0,
    l2: hyper.l2 ?? L2[algorithm],
    use_intercept: hyper.use_intercept ?? true,
    class_weight: resolveClassWeight(algorithm, hyper),
    use_validation_set: validate,
    validation_set_rate: (validate ? hyper.validation_set_rate : undefined) ?? 0.2,
    seed: hyper.seed ?? 0,
    predict_threshold: (classifies ? hyper.predict_threshold : undefined) ?? 0.5,
    open_bits: hyper.open_bits ?? 10,
    model_release: hyper.model_release ?? 'full',
  };
  const warnings = ignoredParameters(algorithm, request, LINEAR_KEYS, [
    ...SGD_KEYS.map((key): Ignored => [key, !sgd, 'with solver auto']),
    ['predict_threshold', !classifies, `on ${algorithm}`],
    ['validation_set_rate', !validate, 'without a validation set'],
  ]);
  return { parameters, warnings };
}

/** Whoever states a step length or a batch size wants gradient steps of that kind. */
function namesSteps(hyper: HyperParameters): boolean {
  return hyper.learning_rate !== undefined || hyper.batch_size !== undefined;
}

function resolveLoss(algorithm: LinearAlgorithm, loss?: Loss): LinearParameters['loss'] {
  const known = LOSSES[algorithm];
  if (loss === undefined) return known[0]!;
  const found = known.find((each) => each === loss);
  if (found) return found;
  const message = `hyper_params.loss of ${algorithm} must be ${known.join(' or ')}`;
  throw new ApiError('INVALID_REQUEST', message);
}

function resolveClassWeight(
  algorithm: LinearAlgorithm,
  { class_weight: weight = 'none' }: HyperParameters,
): LinearParameters['class_weight'] {
  if (algorithm === 'linear_regression' && weight !== 'none') {
    const message = 'hyper_params.class_weight of linear_regression must be none';
    throw new ApiError('INVALID_REQUEST', message);
  }
  return weight;
}
