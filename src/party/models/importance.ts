/** What each column does in a forest, as XGBoost's `get_score` counts it. */
import { featureImportance } from '../../ml/trees/importance.ts';
import { type ForestDocument, featureNames } from './forest-document.ts';

/** Of a column that splits use. Names are snake_case because replies have them. */
export interface ColumnImportance {
  readonly party: string;
  readonly column: string;
  /** Of a categorical column: which of its levels. */
  readonly level?: number;
  /** As in the model's file. */
  readonly feature: string;
  /** Splits that use it. */
  readonly weight: number;
  /** Mean of what those gained, and of their covers (sums of second derivatives). */
  readonly gain: number;
  readonly cover: number;
  readonly total_gain: number;
  readonly total_cover: number;
}

/** The columns that the forest uses, those with the largest mean gain first. */
export function columnImportance({ trees, columns }: ForestDocument): ColumnImportance[] {
  const names = featureNames(columns);
  return featureImportance(trees)
    .map(({ weight, gain, cover, totalGain, totalCover }, j) => ({
      ...columns[j]!,
      feature: names[j]!,
      ...{ weight, gain, cover },
      total_gain: totalGain,
      total_cover: totalCover,
    }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.gain - a.gain);
}
