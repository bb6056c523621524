/** What the model predicts; names as in XGBoost. */
export type Objective = 'binary:logistic' | 'reg:squarederror' | 'multi:softprob';

/** Hyper-parameters of gradient boosting, with XGBoost's names, meanings and defaults. */
export interface BoostingParameters {
  readonly objective: Objective;
  /** Classes of `multi:softprob`; 1 otherwise. */
  readonly numClass: number;
  /** Rounds; each grows one tree a class. */
  readonly numTrees: number;
  /** eta: what each leaf's weight is multiplied with. */
  readonly learningRate: number;
  /** Splits on the longest path from the root. */
  readonly maxDepth: number;
  /** Bins a column, missing values not counted. XGBoost's `max_bin`. */
  readonly numBins: number;
  readonly regLambda: number;
  readonly regAlpha: number;
  /** `min_split_loss`: a split has to gain as much. */
  readonly gamma: number;
  /** Sum of h that either side of a split has to keep. */
  readonly minChildWeight: number;
  /** Share of the rows that each tree is grown on. */
  readonly subsample: number;
  /** Share of the columns that each tree may use. */
  readonly colsampleBytree: number;
  /** Weight of the rows of class 1. */
  readonly scalePosWeight: number;
  /** First prediction of every row: a probability for `binary:logistic`, a value for regression. */
  readonly baseScore: number;
}

export const DEFAULT_PARAMETERS: BoostingParameters = {
  objective: 'binary:logistic',
  numClass: 1,
  numTrees: 100,
  learningRate: 0.3,
  maxDepth: 6,
  numBins: 256,
  regLambda: 1,
  regAlpha: 0,
  gamma: 0,
  minChildWeight: 1,
  subsample: 1,
  colsampleBytree: 1,
  scalePosWeight: 1,
  baseScore: 0.5,
};

export const MAX_DEPTH = 16;
export const MAX_BINS = 65_535;

/** The defaults with what is given. Throws `RangeError` naming the parameter. */
export function boostingParameters(given: Partial<BoostingParameters> = {}): BoostingParameters {
  const all = { ...DEFAULT_PARAMETERS, ...given };
  const whole = (name: keyof BoostingParameters, least: number, most: number): void => {
    const value = all[name];
    if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) {
      throw new RangeError(`"${name}" expected an integer from ${least} to ${most}, got ${value}`);
    }
  };
  const atLeastZero = (name: keyof BoostingParameters): void => {
    const value = all[name] as number;
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`"${name}" expected a finite number >= 0, got ${value}`);
    }
  };
  const share = (name: keyof BoostingParameters): void => {
    const value = all[name] as number;
    if (!(value > 0 && value <= 1)) {
      throw new RangeError(`"${name}" expected 0 < ${name} <= 1, got ${value}`);
    }
  };
  const multi = all.objective === 'multi:softprob';
  whole('numTrees', 1, 100_000);
  whole('maxDepth', 1, MAX_DEPTH);
  whole('numBins', 2, MAX_BINS);
  whole('numClass', multi ? 2 : 1, multi ? 1000 : 1);
  for (const name of ['regLambda', 'regAlpha', 'gamma', 'minChildWeight'] as const)
    atLeastZero(name);
  for (const name of ['subsample', 'colsampleBytree', 'learningRate'] as const) share(name);
  atLeastZero('scalePosWeight');
  if (all.scalePosWeight === 0) throw new RangeError('"scalePosWeight" expected > 0, got 0');
  if (!Number.isFinite(all.baseScore)) {
    throw new RangeError(`"baseScore" expected a finite number, got ${all.baseScore}`);
  }
  if (all.objective === 'binary:logistic' && !(all.baseScore > 0 && all.baseScore < 1)) {
    throw new RangeError(`"baseScore" expected a probability, got ${all.baseScore}`);
  }
  return all;
}
