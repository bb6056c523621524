import type { FeatureTerms } from './contract.ts';

/** Model columns of a feature: one for a number, one for each level but one for a category. */
export function featureWidth(feature: FeatureTerms): number {
  return feature.kind === 'numeric' ? 1 : feature.categories!; // present in a checked contract
}

/** Model columns of a dataset: its owner's d in every protocol, which every party has to know. */
export function featuresWidth(features: readonly FeatureTerms[]): number {
  return features.reduce((sum, feature) => sum + featureWidth(feature), 0);
}
