/** Tables of trees on running nodes: what each party's file holds, and requests in few words. */
import type { Organisation } from '../../examples/organisation.ts';
import { type Matrix, takeRows } from '../../src/ml/data/matrix.ts';
import { permutation, seededGenerator } from '../../src/ml/data/random.ts';
import {
  type BoostedTrees,
  fitBoostedTrees,
  predictBoosted,
} from '../../src/ml/trees/gradient-boosting.ts';
import type { ForestDocument } from '../../src/party/models/forest-document.ts';
import { parseModelDocument } from '../../src/party/models/model-document.ts';
import type { TrainTaskRequest } from '../../src/sdk/node-client.ts';
import { type BoostingTable, boostingTable, pooled, type TableOptions } from './boosting-run.ts';
import { putData } from './running-pair.ts';
import { csvText } from './scratch-folder.ts';

/** Rows of each file that no other has. */
const APART = 30;

/** Writes one file a node, in an order of its own, with rows that others lack. Returns the common rows. */
export function putTables(
  nodes: readonly Organisation[],
  file: string,
  common: number,
  options: Omit<TableOptions, 'widths'> & { readonly widths: readonly number[] },
): BoostingTable {
  const all = boostingTable(common + nodes.length * APART, options);
  const next = seededGenerator(17);
  nodes.forEach((node, p) => {
    const { values, columns } = all.blocks[p]!;
    const lines = Array.from(permutation(common + APART, next), (at) => {
      const row = at < common ? at : at + p * APART;
      const cells = Array.from(values.subarray(row * columns, (row + 1) * columns), (x) =>
        Number.isNaN(x) ? '' : String(x),
      );
      return [`id-${row}`, ...cells, ...(p === 0 ? [String(all.labels[row])] : [])];
    });
    const names = Array.from({ length: columns }, (_, j) => `x${j}`);
    putData(node, file, csvText([['id', ...names, ...(p === 0 ? ['y'] : [])], ...lines]));
  });
  const rows = Uint32Array.from({ length: common }, (_, i) => i);
  return {
    blocks: all.blocks.map((block) => takeRows(block, rows)),
    labels: all.labels.slice(0, common),
  };
}

/** A training of all rows by every node's file of this name; the first node has the labels. */
export function boostingRequest(
  nodes: readonly Organisation[],
  file: string,
  hyperParams: Readonly<Record<string, unknown>>,
  change: Partial<TrainTaskRequest> = {},
): TrainTaskRequest {
  return {
    data_providers: nodes.map(({ name }, p) => ({
      name,
      data_path: file,
      data_type: 'csv',
      key_column: 'id',
      ...(p === 0 && { label_column: 'y' }),
    })),
    result_receivers: [nodes[0]!.name],
    algorithm: 'xgboost',
    hyper_params: { use_validation_set: false, ...hyperParams },
    metrics: ['loss'],
    ...change,
  };
}

/** The released forest. */
export async function forestAt(node: Organisation, path: string): Promise<ForestDocument> {
  return parseModelDocument(await node.result(path)) as ForestDocument;
}

/** What plain boosting on all columns together says of the same rows. */
export function plainForest(
  table: BoostingTable,
  options: Parameters<typeof fitBoostedTrees>[2],
): { readonly X: Matrix; readonly model: BoostedTrees; readonly predictions: Float64Array } {
  const X = pooled(table);
  const model = fitBoostedTrees(X, table.labels, options);
  return { X, model, predictions: predictBoosted(model, X)[0]! };
}
