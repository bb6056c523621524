import { concatColumns, takeRows } from '../../src/ml/data/matrix.ts';
import { kFoldSplit } from '../../src/ml/data/split.ts';
import {
  type BoostingOptions,
  fitBoostedTrees,
  predictBoosted,
} from '../../src/ml/trees/gradient-boosting.ts';
import type { Task } from './tables.ts';

/** The mean of a score over five folds, row i in fold i modulo 5; on the columns of all parties. */
export function meanOverFolds<K extends string>(
  { blocks, y }: Task,
  options: BoostingOptions,
  scores: Readonly<Record<K, (y: Float64Array, predictions: Float64Array) => number | null>>,
): Record<K, number> {
  const X = concatColumns(blocks);
  const names = Object.keys(scores) as K[];
  const mean = Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
  for (let fold = 0; fold < 5; fold++) {
    const { train, validation } = kFoldSplit(X.rows, 5, fold);
    const labels = (rows: Uint32Array) => Float64Array.from(rows, (row) => y[row]!);
    const model = fitBoostedTrees(takeRows(X, train), labels(train), options);
    const [predictions] = predictBoosted(model, takeRows(X, validation));
    for (const name of names) mean[name] += scores[name](labels(validation), predictions!)! / 5;
  }
  return mean;
}
