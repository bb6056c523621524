import { holdoutSplit, type Split } from '../../data/split.ts';
import {
  type BoostingParameters,
  boostingParameters,
  type Objective,
} from '../../trees/parameters.ts';

/**
 * Parameters of vertical gradient boosting, as they stand in the contract: every default resolved, snake_case
 * because they are part of the public JSON. Names, meanings and defaults are XGBoost's where it has them.
 */
export interface TreeParameters {
  readonly objective: Objective;
  /** Classes of `multi:softprob`; 1 otherwise. */
  readonly num_class: number;
  /** Rounds; each grows one tree a class. */
  readonly num_trees: number;
  readonly learning_rate: number;
  readonly max_depth: number;
  /** Bins a column, missing values not counted. */
  readonly num_bins: number;
  readonly reg_lambda: number;
  readonly reg_alpha: number;
  readonly gamma: number;
  readonly min_child_weight: number;
  /** Share of the rows that each tree is grown on. Only the label holder knows which. */
  readonly subsample: number;
  /** Share of its own columns that each party brings to a round. */
  readonly colsample_bytree: number;
  readonly scale_pos_weight: number;
  readonly base_score: number;
  /** Rounds without a better loss on the validation rows after which training ends; 0: never. */
  readonly early_stopping_rounds: number;
  /** Whether a part of the aligned rows is held out to compute the metrics. */
  readonly use_validation_set: boolean;
  /** Share of aligned rows held out; 0 < x < 1. */
  readonly validation_set_rate: number;
  /** Public seed of the split and of what the label holder samples. */
  readonly seed: number;
  /** Threshold on the probability for accuracy, precision, recall, f1; 0 to 1. */
  readonly predict_threshold: number;
  /** Fraction bits of every score that is told, significant bits of every metric; 4 to 20. */
  readonly open_bits: number;
  /** How the best split is found: by sums that the label holder reads. */
  readonly split_finding: 'open_sums';
  /** Either part of feature holders' own noise, in deviations of the errors that are in a sum; 1 to `MAX_NOISE`. */
  readonly noise_multiplier: number;
  /** `full`: receivers get the trees. `split`: every party keeps its part, nobody sees the trees. */
  readonly model_release: 'full' | 'split';
}

/** The most that all noise of an opened value leaves of the range: ten deviations below 2^24. */
export const MAX_NOISE = 16;
/** Own choice: a host's hints take 40 KiB a bin. */
export const MAX_TREE_BINS = 256;

/** What plain boosting is told. Throws `RangeError` naming the parameter. */
export function plainParameters(parameters: TreeParameters): BoostingParameters {
  const { noise_multiplier: noise, num_bins: bins } = parameters;
  if (!Number.isInteger(noise) || noise < 1 || noise > MAX_NOISE) {
    throw new RangeError(`"noise_multiplier" expected 1 to ${MAX_NOISE}, got ${noise}`);
  }
  if (bins > MAX_TREE_BINS) {
    throw new RangeError(`"num_bins" expected at most ${MAX_TREE_BINS}, got ${bins}`);
  }
  return boostingParameters({
    objective: parameters.objective,
    numClass: parameters.num_class,
    numTrees: parameters.num_trees,
    learningRate: parameters.learning_rate,
    maxDepth: parameters.max_depth,
    numBins: bins,
    regLambda: parameters.reg_lambda,
    regAlpha: parameters.reg_alpha,
    gamma: parameters.gamma,
    minChildWeight: parameters.min_child_weight,
    subsample: parameters.subsample,
    colsampleBytree: parameters.colsample_bytree,
    scalePosWeight: parameters.scale_pos_weight,
    baseScore: parameters.base_score,
  });
}

/** The rows that train and those that are scored: none of the latter when nothing is held out. */
export function splitRows(
  n: number,
  { use_validation_set, validation_set_rate, seed }: TreeParameters,
): Split {
  if (use_validation_set) return holdoutSplit(n, validation_set_rate, seed);
  return { train: Uint32Array.from({ length: n }, (_, i) => i), validation: new Uint32Array(0) };
}

/** Nodes of one tree whose split is looked for. */
export function innerNodes({ max_depth }: Pick<TreeParameters, 'max_depth'>): number {
  return 2 ** max_depth - 1;
}

/** Of those the ones whose sums are computed and opened: the root, and one child of every split above the last level. */
export function computedNodes({ max_depth }: Pick<TreeParameters, 'max_depth'>): number {
  return 2 ** (max_depth - 1);
}

/** Trees of a whole training. */
export function treesOf({
  num_trees,
  num_class,
}: Pick<TreeParameters, 'num_trees' | 'num_class'>): number {
  return num_trees * num_class;
}

/** Vectors that are summed in a round whose trees are full. */
export function vectorsOfRound({
  maxDepth,
  numClass,
}: Pick<BoostingParameters, 'maxDepth' | 'numClass'>): number {
  return numClass * 2 ** maxDepth; // g and h at the root, below it of one child of each node
}
