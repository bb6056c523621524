/** Small forests over columns of two parties, categories among them. */
import { matrix } from '../../../src/ml/data/matrix.ts';
import { fitBoostedTrees } from '../../../src/ml/trees/gradient-boosting.ts';
import type { BoostingParameters } from '../../../src/ml/trees/parameters.ts';
import type { TreeColumn } from '../../../src/ml/vertical/trees/release.ts';
import { type ForestDocument, forestText } from '../../../src/party/models/forest-document.ts';
import { boostingTable, pooled } from '../../support/boosting-run.ts';
import { MODEL } from './sample.ts';

/** Names that XGBoost takes as they are, and names that it does not. */
export const COLUMNS: readonly TreeColumn[] = [
  { party: 'bank', column: 'x[1] <ü>\n"q"' },
  { party: 'bank', column: 'x_1_ _ü>_"q"' },
  { party: 'shop', column: 'x' },
  { party: 'shop', column: 'city', level: 0 },
  { party: 'shop', column: 'city', level: 1 },
];

const ROWS = 200;

export const FORESTS = {
  binary: { objective: 'binary:logistic', scalePosWeight: 2, baseScore: 0.25 },
  numbers: { objective: 'reg:squarederror', baseScore: -3.5 },
  classes: { objective: 'multi:softprob', numClass: 3 },
} satisfies Record<string, Partial<BoostingParameters>>;

export type ForestName = keyof typeof FORESTS;

/** Rows with missing numbers, and a forest that was fitted to them. */
export function sampleForest(name: ForestName): {
  readonly document: ForestDocument;
  /** [rows, columns] */
  readonly X: Float64Array;
  readonly rows: number;
} {
  const { objective } = FORESTS[name];
  const table = boostingTable(ROWS, {
    widths: [3],
    values: 7,
    missing: 0.2,
    classes: 3,
    objective,
  });
  const numbers = pooled(table).values;
  const X = new Float64Array(ROWS * COLUMNS.length);
  for (let i = 0; i < ROWS; i++) {
    X.set(numbers.subarray(3 * i, 3 * i + 3), 5 * i);
    for (const level of [0, 1]) X[5 * i + 3 + level] = Number(i % 3 === level);
  }
  const trees = fitBoostedTrees(matrix(X, ROWS, COLUMNS.length), table.labels, {
    ...{ numTrees: 3, maxDepth: 3, numBins: 16, learningRate: 0.5 },
    ...FORESTS[name],
  });
  const { format: _, features: __, intercept: ___, ...head } = MODEL;
  const document: ForestDocument = {
    format: 'entente/forest/v1',
    ...head,
    algorithm: 'xgboost',
    threshold: name === 'binary' ? 0.5 : null,
    columns: COLUMNS,
    trees,
  };
  return { document, X, rows: ROWS };
}

/**
 * What `test/vectors/xgboost/released.py` asks XGBoost about: files, and rows with null for missing.
 * @public
 */
export function releasedFiles(): object {
  const of = (name: ForestName): object => {
    const { document, X, rows } = sampleForest(name);
    const d = COLUMNS.length;
    const row = (i: number): (number | null)[] =>
      [...X.subarray(i * d, (i + 1) * d)].map((value) => (Number.isNaN(value) ? null : value));
    return { file: forestText(document), X: Array.from({ length: rows }, (_, i) => row(i)) };
  };
  return { binary: of('binary'), numbers: of('numbers'), classes: of('classes') };
}
