/** Trainings of trees as programs: tables in memory, and the contract over them. */
import type { Matrix } from '../../src/ml/data/matrix.ts';
import type { TreeParameters } from '../../src/ml/vertical/trees/parameters.ts';
import type {
  ContractParty,
  FeatureTerms,
  TreePrediction,
  TreeTraining,
} from '../../src/party/consensus/contract.ts';
import { scoringOf } from '../../src/party/consensus/scoring.ts';
import type { LoadedDataset } from '../../src/party/datasets/datasets.ts';
import type { FeatureEncoding } from '../../src/party/datasets/encoding.ts';
import { modelId } from '../../src/party/models/model-id.ts';
import { leakageOf, predictionLeakageOf } from '../../src/party/tasks/declaration.ts';
import { textColumn } from '../../src/protocols/psi/text-column.ts';
import type { BoostingTable } from './boosting-run.ts';
import { nameOf } from './boosting-run.ts';
import { sampleTrees, testIdentity } from './contracts.ts';
import { TASK_ID } from './training-pair.ts';

export interface TreeProgramOptions {
  readonly parameters?: Partial<TreeParameters>;
  /** Default: the label holder. */
  readonly receivers?: readonly string[];
  readonly metrics?: TreeTraining['metrics'];
  /** Default: rows are in one order. With keys every party has its rows in an order of its own. */
  readonly keyed?: boolean;
  /** By party; default: numbers, that stay missing where they are. */
  readonly encodings?: readonly (readonly FeatureEncoding[] | undefined)[];
}

/** A training and every party's table, by name. */
export interface TreeProgram {
  readonly contract: TreeTraining;
  readonly data: Readonly<Record<string, LoadedDataset>>;
}

const NUMBERS = ({ columns }: Matrix): readonly FeatureEncoding[] =>
  Array.from({ length: columns }, (_, j) => ({ kind: 'numeric', name: `x${j}`, mean: null }));

/** A short training of a table whose blocks are the parties'. */
export function treeProgram(table: BoostingTable, options: TreeProgramOptions = {}): TreeProgram {
  const names = table.blocks.map((_, party) => nameOf(party));
  const encodings = table.blocks.map((block, p) => options.encodings?.[p] ?? NUMBERS(block));
  const base = sampleTrees(names.map((name) => testIdentity(name).signer));
  const { keyed = false, receivers = [names[0]!], metrics = ['auc'] } = options;
  const terms: TreeTraining = {
    ...base,
    ...{ receivers, metrics },
    parameters: {
      ...base.parameters,
      num_trees: 2,
      num_bins: 8,
      open_bits: 16,
      ...options.parameters,
    },
    alignment: { ...base.alignment, ...(keyed ? {} : { method: 'row_order', engine: 'ecdh' }) },
    parties: base.parties.map(
      (party, p): ContractParty => ({
        ...party,
        dataset: {
          ...party.dataset!,
          rowCount: table.blocks[p]!.rows,
          keyColumns: keyed ? ['id'] : null,
          features: encodings[p]!.map(featureOf),
        },
      }),
    ),
  };
  const contract = { ...terms, leakage: leakageOf(terms) };
  return { contract, data: loadedTables(table, encodings, keyed) };
}

/** The tables as they are loaded, labels at the first party. */
export function loadedTables(
  { blocks, labels }: BoostingTable,
  encodings: readonly (readonly FeatureEncoding[])[] = blocks.map(NUMBERS),
  keyed = false,
): Record<string, LoadedDataset> {
  return Object.fromEntries(
    blocks.map(({ values, rows: n, columns: d }, p) => {
      const order = Array.from({ length: n }, (_, i) => (keyed ? (i * 7 + p) % n : i));
      const features = new Float64Array(n * d);
      order.forEach((row, i) => {
        features.set(values.subarray(row * d, (row + 1) * d), i * d);
      });
      const dataset: LoadedDataset = {
        rowCount: n,
        keys: keyed ? [textColumn(order.map((row) => `k${row}`))] : null,
        payload: [],
        label: p === 0 ? Float64Array.from(order, (row) => labels[row]!) : null,
        features,
        columnNames: encodings[p]!.flatMap((each) =>
          each.kind === 'numeric'
            ? [each.name]
            : each.levels.map((level) => `${each.name}=${level}`),
        ),
        encoding: encodings[p]!,
        missing: [],
      };
      return [nameOf(p), dataset];
    }),
  );
}

/** A joint prediction with the model of a training, on tables of as many rows. */
export function treePrediction(
  { contract, data }: TreeProgram,
  changes: Partial<Pick<TreePrediction, 'receivers' | 'parameters'>> = {},
): TreePrediction {
  const { metrics: _, kind: __, ...terms } = contract;
  const scoring = scoringOf(contract, null, contract.algorithm.implementation) as Pick<
    TreePrediction,
    'algorithm' | 'parameters'
  >;
  const prediction: TreePrediction = {
    ...terms,
    kind: 'predict',
    ...scoring,
    model: { id: modelId(TASK_ID, contract.createdAt), taskId: TASK_ID },
    parties: contract.parties.map((party) => ({
      ...party,
      dataset: {
        ...party.dataset!,
        labelColumn: null,
        rowCount: data[party.name]!.rowCount,
      },
    })),
    ...changes,
  };
  return { ...prediction, leakage: predictionLeakageOf(prediction) };
}

function featureOf(feature: FeatureEncoding): FeatureTerms {
  const { name, kind } = feature;
  return feature.kind === 'numeric'
    ? { name, kind }
    : { name, kind, categories: feature.levels.length };
}
