/** Joint scores at one data holder: load, align, score, keep what a receiver learns. */
import { performance } from 'node:perf_hooks';
import { RowOutOfRangeError } from '../../../ml/vertical/linear/design.ts';
import { predictVerticalLinear } from '../../../ml/vertical/linear/predict.ts';
import type { LinearPrediction } from '../../consensus/contract.ts';
import { DatasetError } from '../../datasets/dataset-error.ts';
import type { LoadedDataset } from '../../datasets/datasets.ts';
import type { LinearPart } from '../../models/linear-part.ts';
import { scoringPart } from '../../models/scoring-part.ts';
import type { Program, ProgramContext } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { alignedFeatures } from './aligned-table.ts';
import { alignRows } from './alignment.ts';
import { twoDataHolders } from './data-holders.ts';
import { predictionFile } from './prediction-file.ts';
import { haveOneOrigin } from './shares-origin.ts';

/**
 * Leaves each receiver `predictions.csv`: the common records by its own keys in the order of its own
 * file. A party that receives nothing learns which records are common. Throws `TaskError`,
 * `ProtocolError`, `DatasetError` or `ModelFormatError`.
 */
export const predictLinear: Program<LinearPrediction> = async (context) => {
  const { contract, self, progress } = context;
  const { own, peer } = twoDataHolders(contract, self);
  const role = own.role === 'label_holder' ? 'label_holder' : 'feature_holder';
  const start = performance.now();

  progress.phase('aligning');
  const part = await partOf(context);
  const dataset = await context.loadDataset();
  const rows = await alignRows(context, dataset);
  const aligned = performance.now();

  progress.phase('evaluating');
  const { channel } = context.link(peer.name);
  const { open_bits, predict_threshold } = contract.parameters;
  const scores = await predictVerticalLinear(
    channel.fork('predict'),
    alignedFeatures(dataset, rows),
    scoringPart(part),
    {
      role,
      parties: role === 'label_holder' ? [own.name, peer.name] : [peer.name, own.name],
      algorithm: contract.algorithm.name,
      receivers: contract.receivers,
      openBits: open_bits,
      kernels: context.kernels(),
      ledger: context.ledger,
      onRows: (done, of) => progress.step(done, of),
    },
    context.rng,
  ).catch((error: unknown) => {
    throw error instanceof RowOutOfRangeError
      ? outOfRange(error, own.dataset!.path, dataset, rows)
      : error;
  });

  progress.phase('publishing');
  const { keyColumns } = own.dataset!;
  return {
    model: null,
    part: null,
    file:
      scores &&
      predictionFile({
        keyColumns,
        keys: dataset.keys,
        rows,
        scores: [scores],
        threshold: predict_threshold,
      }),
    metrics: scores && {},
    extra: {
      aligned_rows: rows.length,
      seconds: {
        align: (aligned - start) / 1000,
        predict: (performance.now() - aligned) / 1000,
      },
    },
  };
};

/** This party's part of the contract's model, once it is known to fit the other party's. */
async function partOf(context: ProgramContext<LinearPrediction>): Promise<LinearPart> {
  const { contract, self } = context;
  const { own, peer } = twoDataHolders(contract, self);
  const { part } = await context.loadModel();
  const { id, taskId } = contract.model;
  const isLabelHolder = part.label.party === self;
  if (
    part.format !== 'entente/model-part/v2' ||
    part.model_id !== id ||
    part.task_id !== taskId ||
    part.algorithm !== contract.algorithm.name ||
    part.party !== self ||
    part.shares[1]!.owner !== peer.name ||
    isLabelHolder !== (own.role === 'label_holder')
  ) {
    throw new TaskError('MODEL_MISMATCH', `${self} has no part of ${id} that fits the contract`);
  }
  const channel = context.link(peer.name).channel.fork('model');
  if (await haveOneOrigin(channel, new Uint8Array(Buffer.from(part.origin, 'hex')), 0)) return part;
  throw new TaskError(
    'MODEL_MISMATCH',
    `the parts of ${id} at ${self} and ${peer.name} were made by different runs: train it again`,
  );
}

/** Names the cell in the file that a row cannot be scored for. */
function outOfRange(
  { row, column }: RowOutOfRangeError,
  path: string,
  { columnNames, encoding }: LoadedDataset,
  rows: Uint32Array,
): DatasetError {
  const names = encoding.flatMap((feature) =>
    feature.kind === 'numeric' ? [feature.name] : feature.levels.map(() => feature.name),
  );
  const name = names[column] ?? columnNames[column]!;
  return new DatasetError(
    'out_of_range',
    `${path}: row ${rows[row]! + 1}, column ${name}: is too far from the records that the model was trained on`,
  );
}
