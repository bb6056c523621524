/**
 * Parameters of vertical logistic and linear regression, as they stand in the contract: every default
 * resolved, snake_case because they are part of the public JSON.
 */
export interface LinearParameters {
  /** `auto`: whitened, accelerated full-batch iterations, no tuning. `sgd`: as the numbers say. */
  readonly solver: 'auto' | 'sgd';
  /** `logloss` or `mse` for logistic regression, `mse` for linear regression. */
  readonly loss: 'logloss' | 'mse';
  /** Passes over the training rows (`sgd`) or full-batch iterations (`auto`); 1 to 10 000. */
  readonly epochs: number;
  /** Rows a step, `sgd` only; 1 to the number of rows. */
  readonly batch_size: number;
  /** Step length, `sgd` only; > 0. */
  readonly learning_rate: number;
  /** Heavy-ball momentum, `sgd` only, to the nearest multiple of 2^-16; 0 <= x < 1. */
  readonly momentum: number;
  /** Ridge penalty: adds l2/2 * ||w||^2 to the sum (not the mean) of row losses, intercept excluded; >= 0. */
  readonly l2: number;
  readonly use_intercept: boolean;
  /**
   * Weight of each class's rows. `balanced`: 1 for the rarer class, n_rare / n_other for the other one. These
   * are the usual n / (2 n_k) divided by the larger of them, which is not told to the feature holder, so
   * l2 counts that many times more than with weights of mean 1. `none` for linear regression.
   */
  readonly class_weight: 'none' | 'balanced' | { readonly '0': number; readonly '1': number };
  /** Whether a part of the aligned rows is held out to compute the metrics. */
  readonly use_validation_set: boolean;
  /** Share of aligned rows held out; 0 < x < 1. */
  readonly validation_set_rate: number;
  /** Public seed of the split and of the batches. */
  readonly seed: number;
  /** Threshold on the probability for accuracy, precision, recall, f1; 0 to 1. */
  readonly predict_threshold: number;
  /** Fraction bits of every opened score and weight, significant bits of every metric; 4 to 20. */
  readonly open_bits: number;
  /** `full`: receivers get the weights. `split`: every party keeps shares, nobody sees weights. */
  readonly model_release: 'full' | 'split';
}
