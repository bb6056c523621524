/** Joint predictions by trees at one data holder: load, align, predict, keep what a receiver learns. */
import { performance } from 'node:perf_hooks';
import { predictFeatureHolder, predictLabelHolder } from '../../../ml/vertical/trees/predict.ts';
import type { TreePrediction } from '../../consensus/contract.ts';
import { forestPart, splitRules } from '../../models/forest-part.ts';
import type { TreePart } from '../../models/tree-part.ts';
import type { Program, ProgramContext } from '../program.ts';
import { TaskError } from '../task-error.ts';
import { alignedFeatures } from './aligned-table.ts';
import { alignRows } from './alignment.ts';
import { type DataHolders, dataHolders } from './data-holders.ts';
import { predictionFile } from './prediction-file.ts';
import { requireOneOrigin } from './shares-origin.ts';

/**
 * Leaves each receiver `predictions.csv`: the common records by its own keys in the order of its own
 * file. A party that receives nothing learns which records are common. Throws `TaskError`,
 * `ProtocolError`, `DatasetError` or `ModelFormatError`.
 */
export const predictTrees: Program<TreePrediction> = async (context) => {
  const { contract, self, progress } = context;
  const holders = dataHolders(contract, self);
  const start = performance.now();

  progress.phase('aligning');
  const part = await partOf(context, holders);
  const dataset = await context.loadDataset();
  const rows = await alignRows(context, dataset);
  const aligned = performance.now();

  progress.phase('evaluating');
  const scores = await predict(context, holders, part, alignedFeatures(dataset, rows));

  progress.phase('publishing');
  const { keyColumns } = holders.own.dataset;
  const threshold = contract.parameters.predict_threshold;
  return {
    model: null,
    part: null,
    file: scores && predictionFile({ keyColumns, keys: dataset.keys, rows, scores, threshold }),
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

function predict(
  { contract, link, ledger, self, progress, rng }: ProgramContext<TreePrediction>,
  { all, me, others }: DataHolders,
  part: TreePart,
  X: ReturnType<typeof alignedFeatures>,
): Promise<readonly Float64Array[] | null> {
  const labelHolder = all[0]!.name;
  const channelTo = (name: string) => link(name).channel.fork('predict');
  const task = {
    ...{ parameters: part.parameters, trees: part.rounds * part.parameters.num_class },
    ...{ receivers: contract.receivers, ledger, labelHolder, self },
    onRows: (done: number, of: number) => progress.step(done, of),
  };
  if (me > 0) {
    const rules = splitRules(part);
    return predictFeatureHolder(channelTo(labelHolder), X, { rules }, task, rng);
  }
  const links = others.map(({ name }) => ({ name, channel: channelTo(name) }));
  return predictLabelHolder(links, X, forestPart(part), task, rng);
}

/** This party's part of the contract's model, once it is known to fit the other parties'. */
async function partOf(
  context: ProgramContext<TreePrediction>,
  holders: DataHolders,
): Promise<TreePart> {
  const { contract, self } = context;
  const { part } = await context.loadModel();
  const { id, taskId } = contract.model;
  if (
    part.format !== 'entente/tree-part/v1' ||
    part.model_id !== id ||
    part.task_id !== taskId ||
    part.party !== self ||
    (part.forest !== null) !== (holders.own.role === 'label_holder') ||
    part.holders.join('\n') !== holders.all.map(({ name }) => name).join('\n') ||
    !isTrainedSo(part, contract)
  ) {
    throw new TaskError('MODEL_MISMATCH', `${self} has no part of ${id} that fits the contract`);
  }
  const origin = new Uint8Array(Buffer.from(part.origin, 'hex'));
  const what = `the parts of ${id} were made by different runs: train it again`;
  const mine = { origin, step: part.rounds, label: 'model' };
  await requireOneOrigin(context, holders, mine, { code: 'MODEL_MISMATCH', what });
  return part;
}

/** Whether the contract's statement is of a model like this one. */
function isTrainedSo({ parameters: trained }: TreePart, { parameters }: TreePrediction): boolean {
  const names = ['objective', 'num_class', 'max_depth', 'num_trees', 'open_bits'] as const;
  return names.every((name) => trained[name] === parameters[name]);
}
