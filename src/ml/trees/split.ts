/**
 * What a split gains, [CG16] "XGBoost: A Scalable Tree Boosting System". Chen, Guestrin.
 * https://arxiv.org/abs/1603.02754, §2.2 and Algorithm 3.
 *
 * Names follow the paper: G, H = sums of g and h over rows; L, R = left and right of a split;
 *   lambda, alpha, gamma = regularisation.
 */
import type { BoostingParameters } from './parameters.ts';

/** G and H of some rows. */
export interface Sums {
  readonly G: number;
  readonly H: number;
}

/** A split that would gain less is none: XGBoost's bound. */
export const SMALLEST_GAIN = 1e-6;

type Regularisation = Pick<BoostingParameters, 'regLambda' | 'regAlpha' | 'minChildWeight'>;

/** w = -T(G) / (H + lambda), T shrinks G towards 0 by alpha; 0 for a leaf that must not be. */
export function leafWeight(
  { G, H }: Sums,
  { regLambda, regAlpha, minChildWeight }: Regularisation,
): number {
  if (H < minChildWeight || H <= 0) return 0;
  return -shrink(G, regAlpha) / (H + regLambda);
}

/** T(G)^2 / (H + lambda): twice what a leaf of its best weight takes off the loss. */
export function leafGain(
  { G, H }: Sums,
  { regLambda, regAlpha, minChildWeight }: Regularisation,
): number {
  if (H < minChildWeight || H <= 0) return 0;
  return shrink(G, regAlpha) ** 2 / (H + regLambda);
}

/** T: towards 0 by alpha, to 0 at most. */
function shrink(G: number, alpha: number): number {
  return Math.sign(G) * Math.max(0, Math.abs(G) - alpha);
}

/** The sums of the rows that are not on the other side. */
export function rest(all: Sums, part: Sums): Sums {
  return { G: all.G - part.G, H: all.H - part.H };
}

/**
 * gain(L) + gain(R) - gain(parent), rounded to a 32-bit float as XGBoost compares it; null unless both
 * sides keep `minChildWeight`.
 */
export function splitGain(parent: Sums, left: Sums, parameters: Regularisation): number | null {
  const right = rest(parent, left);
  const { minChildWeight } = parameters;
  if (left.H < minChildWeight || right.H < minChildWeight) return null;
  if (left.H <= 0 || right.H <= 0) return null;
  const gain =
    leafGain(left, parameters) + leafGain(right, parameters) - leafGain(parent, parameters);
  return Math.fround(gain);
}

/** The best place to split one column. */
export interface ColumnSplit {
  readonly gain: number;
  /** Rows of this bin and those below go left. */
  readonly bin: number;
  /** Where rows go whose value is missing. */
  readonly defaultLeft: boolean;
  readonly left: Sums;
}

/**
 * The best split of a column from its histogram, or null. Missing values go where they gain more.
 *
 *   missing values   bins are scanned   of equal splits the first one found is taken:
 *   to the right     upwards            the lowest
 *   to the left      downwards          the highest, if it gains more than any of the row above
 *
 * @param G, H - Sums by bin, the one of missing values last: [bins + 1].
 */
export function bestColumnSplit(
  G: Float64Array,
  H: Float64Array,
  parent: Sums,
  parameters: Regularisation,
): ColumnSplit | null {
  const bins = G.length - 1;
  const hasMissing = H[bins]! > 0;
  let best: ColumnSplit | null = null;
  const consider = (left: Sums, bin: number, defaultLeft: boolean): void => {
    const gain = splitGain(parent, left, parameters);
    if (gain !== null && gain > (best?.gain ?? -Infinity)) best = { gain, bin, defaultLeft, left };
  };
  let left: Sums = { G: 0, H: 0 };
  // With every value on the left, the missing ones alone are on the right.
  const last = hasMissing ? bins : bins - 1;
  for (let bin = 0; bin < last; bin++) {
    left = { G: left.G + G[bin]!, H: left.H + H[bin]! };
    consider(left, bin, false);
  }
  if (!hasMissing) return best;
  let right: Sums = { G: 0, H: 0 };
  for (let bin = bins - 2; bin >= 0; bin--) {
    right = { G: right.G + G[bin + 1]!, H: right.H + H[bin + 1]! };
    consider(rest(parent, right), bin, true);
  }
  return best;
}

/** Whether a split gains enough to be made. */
export function isWorth(gain: number, { gamma }: Pick<BoostingParameters, 'gamma'>): boolean {
  return gain > SMALLEST_GAIN && gain >= gamma;
}
