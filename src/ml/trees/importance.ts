import type { BoostedTrees } from './gradient-boosting.ts';

/** What a feature did in a model; XGBoost's names. Zero for one that no split uses. */
export interface FeatureImportance {
  /** Splits that use it. */
  readonly weight: number;
  /** Mean gain of those. */
  readonly gain: number;
  /** Mean cover (sum of h) of those. */
  readonly cover: number;
  /** Their sums. */
  readonly totalGain: number;
  readonly totalCover: number;
}

/** By feature. */
export function featureImportance({ rounds, features }: BoostedTrees): FeatureImportance[] {
  const sums = Array.from({ length: features }, () => ({ weight: 0, totalGain: 0, totalCover: 0 }));
  for (const { split, cover } of rounds.flat(2)) {
    if (!split) continue;
    const sum = sums[split.feature]!;
    sum.weight += 1;
    sum.totalGain += split.gain;
    sum.totalCover += cover;
  }
  return sums.map(({ weight, totalGain, totalCover }) => ({
    weight,
    gain: totalGain / Math.max(1, weight),
    cover: totalCover / Math.max(1, weight),
    totalGain,
    totalCover,
  }));
}
