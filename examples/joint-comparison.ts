/**
 * What joining forces is worth: a joint model beside what each party reaches alone and beside the
 * centralised model, on the same held-out rows.
 *
 * Rows: inner join of the files, sorted by id; fold k tests the rows with index % folds = k. The
 * joint model is trained by real nodes on the training rows, and the released model file is applied
 * to the test rows.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { concatColumns, type Matrix, takeRows } from '../src/ml/data/matrix.ts';
import { kFoldSplit } from '../src/ml/data/split.ts';
import type { MetricName } from '../src/ml/metrics/evaluate.ts';
import type { TaskView, TrainTaskRequest } from '../src/sdk/node-client.ts';
import {
  type Algorithm,
  fitPlain,
  type Predict,
  releasedModel,
  scoresOf,
} from './comparison-models.ts';
import type { JoinedTables } from './joined-tables.ts';
import type { Organisation } from './organisation.ts';

/** Quality figures of one model on the test rows. */
export type Scores = Readonly<Partial<Record<MetricName, number | null>>>;

/** One fold: the four models. */
export interface FoldScores {
  readonly joint: Scores;
  readonly guest: Scores;
  /** Of all hosts' columns together. */
  readonly host: Scores;
  readonly centralised: Scores;
  /** From the request to the model. */
  readonly seconds: number;
  readonly modelId: string;
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface FoldOptions {
  readonly id: string;
  readonly label: string;
  readonly algorithm: Algorithm;
  readonly fold: number;
  readonly folds: number;
  readonly hyperParams?: Readonly<Record<string, unknown>>;
  readonly onProgress?: (view: TaskView) => void;
}

/** Trains one fold with the organisations' nodes, the guest's first, and scores it. */
export async function compareFold(
  nodes: readonly Organisation[],
  tables: JoinedTables,
  options: FoldOptions,
): Promise<FoldScores> {
  const { fold, folds, algorithm, hyperParams = {} } = options;
  const file = `train-${fold}.csv`;
  const data = nodes.map(({ directory }) => join(directory, 'data'));
  for (const each of data) await mkdir(each, { recursive: true });
  const files = data.map((each) => join(each, file));
  await tables.writeTraining(fold, folds, files);

  const [guest] = nodes;
  const start = performance.now();
  const taskId = await guest!.client.submitTrainTask(requestOf(nodes, file, options));
  const view = await guest!.client.waitForTask(taskId, {
    ...(options.onProgress && { onView: options.onProgress }),
  });
  const seconds = (performance.now() - start) / 1000;
  const names = nodes.map(({ name }) => name);
  const joint = releasedModel(await guest!.result(view.path!), names, tables);

  const { train, validation: test } = kFoldSplit(tables.labels.length, folds, fold);
  const y = pick(tables.labels, train);
  const score = (X: Matrix, predict: Predict): Scores =>
    scoresOf(pick(tables.labels, test), predict(takeRows(X, test)));
  const alone = (X: Matrix): Scores =>
    score(X, fitPlain(algorithm, takeRows(X, train), y, hyperParams));
  const [own, ...theirs] = tables.blocks;
  const all = concatColumns(tables.blocks);
  return {
    joint: score(all, joint),
    guest: alone(own!),
    host: alone(concatColumns(theirs)),
    centralised: alone(all),
    seconds,
    modelId: view.model_id!,
    extra: JSON.parse(view.extra ?? '{}') as Record<string, unknown>,
  };
}

function requestOf(
  [guest, ...hosts]: readonly Organisation[],
  file: string,
  { id, label, algorithm, hyperParams }: FoldOptions,
): TrainTaskRequest {
  const provider = ({ name }: Organisation) => ({
    ...{ name, data_path: file, data_type: 'csv', key_column: id },
  });
  return {
    data_providers: [{ ...provider(guest!), label_column: label }, ...hosts.map(provider)],
    result_receivers: [guest!.name],
    algorithm,
    hyper_params: { use_validation_set: false, ...hyperParams },
    metrics: ['loss'],
    purpose: 'comparison',
  };
}

function pick(values: Float64Array, rows: Uint32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row]!);
}
