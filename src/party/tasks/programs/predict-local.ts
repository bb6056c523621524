import { rowNumbers } from '../../../protocols/primitives/rows.ts';
import { DatasetError } from '../../datasets/dataset-error.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { FeatureEncoding } from '../../datasets/encoding.ts';
import { localModel } from '../../models/local-model.ts';
import type { ModelDocument } from '../../models/model-document.ts';
import type { ModelPart } from '../../models/model-part.ts';
import type { ResultFile } from '../program.ts';
import { predictionFile } from './prediction-file.ts';

/** A released model and one file that holds every column of it. */
export interface LocalPrediction {
  readonly model: ModelDocument;
  /** This party's own part; null where it has none. */
  readonly part: ModelPart | null;
  /** The file as the request names it, for errors. */
  readonly path: string;
  /** Null: records are told by their row. */
  readonly keyColumns: readonly string[] | null;
  /** On the probability; null for no classes. Usually the model's own. */
  readonly threshold: number | null;
  /** Reads the file, as `Datasets.load` does with this encoding. */
  load(encoding: readonly FeatureEncoding[]): Promise<LoadedDataset>;
}

/**
 * Applies a released model without the other parties: `predictions.csv` of every row, in the file's order.
 * Throws `ModelUseError` when only another party knows what the model's categories are called,
 * `DatasetError` for a cell that cannot be used.
 */
export async function localPrediction(prediction: LocalPrediction): Promise<ResultFile> {
  const { model, part, path, keyColumns, threshold } = prediction;
  const local = localModel(model, part);
  const { encoding, owners } = local;
  const dataset = await prediction.load(encoding);
  refuseMissing(dataset, encoding, owners, path);
  const scores = local.score(dataset.features, dataset.rowCount);
  const infinite = Math.max(
    ...scores.map((each) => each.findIndex((value) => !Number.isFinite(value))),
  );
  if (infinite >= 0) {
    throw new DatasetError('out_of_range', `${path}: row ${infinite + 1}: the score is not finite`);
  }
  const rows = rowNumbers(dataset.rowCount);
  return predictionFile({ keyColumns, keys: dataset.keys, rows, scores, threshold });
}

/** A missing cell of a column whose owner alone knows what stands for it became NaN; trees take it so. */
function refuseMissing(
  { features, rowCount }: LoadedDataset,
  encoding: readonly FeatureEncoding[],
  owners: readonly string[],
  path: string,
): void {
  if (encoding.some((each) => each.kind === 'numeric' && each.mean === null)) return;
  const widths = encoding.map((each) => (each.kind === 'numeric' ? 1 : each.levels.length));
  const d = widths.reduce((sum, width) => sum + width, 0);
  const at = features.subarray(0, rowCount * d).findIndex(Number.isNaN);
  if (at < 0) return;
  let feature = 0;
  for (let column = at % d; column >= widths[feature]!; feature++) column -= widths[feature]!;
  throw new DatasetError(
    'missing_values',
    `${path}: row ${Math.floor(at / d) + 1}, column ${encoding[feature]!.name}: is missing, and only ${owners[feature]} knows what stands for it`,
  );
}
