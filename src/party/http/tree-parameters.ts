/** Hyper-parameters of boosted trees: XGBoost's names, and its defaults but for what every further tree opens. */
import type { TreeParameters } from '../../ml/vertical/trees/parameters.ts';
import { ApiError } from './api-error.ts';
import type { HyperParameters } from './hyper-parameters.ts';
import { ignoredParameters } from './ignored-parameters.ts';
import type { TrainRequest } from './train-request.ts';
import { type TreeObjective, undefinedMetrics } from './tree-objective.ts';
import type { Warning } from './warning.ts';

/**
 * Defaults that are not XGBoost's 100 trees of depth 6 with 256 bins: every tree and every level opens sums
 * of each bin. On the reference tables these score alike.
 */
const NUM_TREES = 30;
const MAX_DEPTH = 3;
const NUM_BINS = 32;

const TREE_KEYS = [
  'algorithm',
  'objective',
  'loss',
  'num_class',
  'num_trees',
  'learning_rate',
  'max_depth',
  'num_bins',
  'l2',
  'reg_alpha',
  'gamma',
  'min_child_weight',
  'subsample',
  'colsample_bytree',
  'scale_pos_weight',
  'base_score',
  'early_stopping_rounds',
  'use_validation_set',
  'validation_set_rate',
  'seed',
  'predict_threshold',
  'open_bits',
  'noise_multiplier',
  'model_release',
] satisfies (keyof HyperParameters)[];

/**
 * Parameters of boosted trees with every default resolved, as the contract states them, and a warning for
 * each given key that has no effect; such a key stands at its default, so that requests that mean the same
 * give the same contract. Throws `INVALID_REQUEST` for keys that contradict each other.
 */
export function resolveTreeParameters(
  request: Pick<TrainRequest, 'hyper' | 'modelConfig' | 'metrics'>,
  { objective, num_class }: TreeObjective,
): { readonly parameters: TreeParameters; readonly warnings: readonly Warning[] } {
  const { hyper } = request;
  const binary = objective === 'binary:logistic';
  const validate = hyper.use_validation_set ?? true;
  const parameters: TreeParameters = {
    objective,
    num_class,
    num_trees: hyper.num_trees ?? NUM_TREES,
    learning_rate: hyper.learning_rate ?? 0.3,
    max_depth: hyper.max_depth ?? MAX_DEPTH,
    num_bins: hyper.num_bins ?? NUM_BINS,
    reg_lambda: hyper.l2 ?? 1,
    reg_alpha: hyper.reg_alpha ?? 0,
    gamma: hyper.gamma ?? 0,
    min_child_weight: hyper.min_child_weight ?? 1,
    subsample: hyper.subsample ?? 1,
    colsample_bytree: hyper.colsample_bytree ?? 1,
    scale_pos_weight: (binary ? hyper.scale_pos_weight : undefined) ?? 1,
    base_score: hyper.base_score ?? 0.5,
    early_stopping_rounds: hyper.early_stopping_rounds ?? 0,
    use_validation_set: validate,
    validation_set_rate: (validate ? hyper.validation_set_rate : undefined) ?? 0.2,
    seed: hyper.seed ?? 0,
    predict_threshold: (binary ? hyper.predict_threshold : undefined) ?? 0.5,
    open_bits: hyper.open_bits ?? 10,
    split_finding: 'open_sums',
    noise_multiplier: hyper.noise_multiplier ?? 1,
    model_release: hyper.model_release ?? 'full',
  };
  checkTogether(parameters);
  const warnings = ignoredParameters('xgboost', request, TREE_KEYS, [
    ['loss', hyper.loss !== LOSS[objective], `beside objective ${objective}`],
    ['scale_pos_weight', !binary, `on objective ${objective}`],
    ['predict_threshold', !binary, `on objective ${objective}`],
    ['validation_set_rate', !validate, 'without a validation set'],
  ]);
  return { parameters, warnings: [...warnings, ...undefinedMetrics(objective, request.metrics)] };
}

/** What the objective minimises, as requests call it. */
const LOSS: Readonly<Record<TreeParameters['objective'], HyperParameters['loss']>> = {
  'binary:logistic': 'logloss',
  'reg:squarederror': 'mse',
  'multi:softprob': 'logloss',
};

/** What no schema of a single key says. */
function checkTogether(parameters: TreeParameters): void {
  const { objective, base_score: start } = parameters;
  const rules = [
    ['learning_rate', parameters.learning_rate <= 1, 'must be at most 1 on xgboost'],
    [
      'base_score',
      objective !== 'binary:logistic' || (start > 0 && start < 1),
      'must be a probability between 0 and 1, both excluded, on binary:logistic',
    ],
    [
      'early_stopping_rounds',
      parameters.early_stopping_rounds === 0 || parameters.use_validation_set,
      'needs a validation set, whose loss stops the training',
    ],
  ] as const;
  const broken = rules.find(([, fits]) => !fits);
  if (broken) throw new ApiError('INVALID_REQUEST', `hyper_params.${broken[0]} ${broken[2]}`);
}
