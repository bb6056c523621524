/** This party's aligned rows as matrices, and what their columns are. */
import { type Matrix, matrix, takeRows } from '../../../ml/data/matrix.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { FeatureEncoding } from '../../datasets/encoding.ts';

/** The features of these rows: the table itself, where they are all of it in order. */
export function alignedFeatures(
  { features, rowCount, columnNames }: LoadedDataset,
  rows: Uint32Array,
): Matrix {
  const table = matrix(features, rowCount, columnNames.length);
  const isWhole = rows.length === rowCount && rows.every((row, i) => row === i);
  return isWhole ? table : takeRows(table, rows);
}

/** The labels of these rows; null where this party has none. */
export function alignedLabels({ label }: LoadedDataset, rows: Uint32Array): Float64Array | null {
  return label && Float64Array.from(rows, (row) => label[row]!);
}

/** What each column of a loaded table is; with a level, the indicator of one value. */
export function columnsOf(
  encoding: readonly FeatureEncoding[],
): { readonly column: string; readonly level?: number }[] {
  return encoding.flatMap((feature) =>
    feature.kind === 'numeric'
      ? [{ column: feature.name }]
      : feature.levels.map((_, level) => ({ column: feature.name, level })),
  );
}
