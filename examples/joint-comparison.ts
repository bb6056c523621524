/**
 * What joining forces is worth: a joint model beside what each party reaches alone and beside the
 * centralised model, on the same held-out rows.
 *
 * Rows: inner join of the two files, sorted by id; fold k tests the rows with index % folds = k. The
 * joint model is trained by two real nodes on the training rows, and the released model file is applied
 * to the test rows.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { concatColumns, type Matrix, matrix, takeRows } from '../src/ml/data/matrix.ts';
import { kFoldSplit } from '../src/ml/data/split.ts';
import { fitLinearRegression } from '../src/ml/linear/linear-regression.ts';
import { sigmoid } from '../src/ml/linear/link.ts';
import { fitLogisticRegression } from '../src/ml/linear/logistic-regression.ts';
import { type LinearModel, predictLinear } from '../src/ml/linear/model.ts';
import { evaluate, type MetricName } from '../src/ml/metrics/evaluate.ts';
import type { TaskView, TrainTaskRequest } from '../src/sdk/node-client.ts';
import type { Organisation } from './organisation.ts';

export type Algorithm = 'logistic_regression' | 'linear_regression';

export interface PairOptions {
  readonly guest: string;
  readonly host: string;
  readonly id: string;
  readonly label: string;
}

/** Both files joined: row i is the same record in both, in the order of the ids. */
export interface JoinedPair {
  readonly guest: Matrix;
  readonly host: Matrix;
  readonly guestColumns: readonly string[];
  readonly hostColumns: readonly string[];
  readonly labels: Float64Array;
  /** Writes the training rows of a fold as one CSV a party. */
  writeTraining(fold: number, folds: number, guestFile: string, hostFile: string): Promise<void>;
}

/** Joins two tables on their id. */
export async function joinPair(options: PairOptions): Promise<JoinedPair> {
  const { id, label } = options;
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(`create table g as select * from read_csv(${quoted(options.guest)})`);
  await connection.run(`create table h as select * from read_csv(${quoted(options.host)})`);
  const key = `"${id}"`;
  await connection.run(
    `create table rows as select ${key}, row_number() over (order by try_cast(${key} as double), ${key}) - 1 as r
     from g where ${key} in (select ${key} from h)`,
  );
  const guestColumns = await columnsOf(connection, 'g', [id, label]);
  const hostColumns = await columnsOf(connection, 'h', [id, label]);
  const labels = await read(connection, 'g', key, [label]);
  return {
    guest: await read(connection, 'g', key, guestColumns),
    host: await read(connection, 'h', key, hostColumns),
    guestColumns,
    hostColumns,
    labels: labels.values,
    async writeTraining(fold, folds, guestFile, hostFile) {
      for (const [table, file] of [
        ['g', guestFile],
        ['h', hostFile],
      ]) {
        await connection.run(
          `copy (select ${table}.* from ${table} join rows using (${key}) where r % ${folds} <> ${fold})
           to ${quoted(file!)} (header)`,
        );
      }
    },
  };
}

/** Quality figures of one model on the test rows. */
export type Scores = Readonly<Partial<Record<MetricName, number | null>>>;

/** One fold: the four models. */
export interface FoldScores {
  readonly joint: Scores;
  readonly guest: Scores;
  readonly host: Scores;
  readonly centralised: Scores;
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface FoldOptions extends PairOptions {
  readonly algorithm: Algorithm;
  readonly fold: number;
  readonly folds: number;
  readonly hyperParams?: Readonly<Record<string, unknown>>;
  readonly onProgress?: (view: TaskView) => void;
}

/** Trains one fold with the organisations' nodes and scores it. */
export async function compareFold(
  [guest, host]: readonly [Organisation, Organisation],
  pair: JoinedPair,
  options: FoldOptions,
): Promise<FoldScores> {
  const { fold, folds, id, label, algorithm } = options;
  const file = `train-${fold}.csv`;
  await Promise.all(
    [guest, host].map((o) => mkdir(join(o.directory, 'data'), { recursive: true })),
  );
  await pair.writeTraining(
    fold,
    folds,
    join(guest.directory, 'data', file),
    join(host.directory, 'data', file),
  );
  const provider = (name: string) => ({ name, data_path: file, data_type: 'csv', key_column: id });
  const request: TrainTaskRequest = {
    data_providers: [{ ...provider(guest.name), label_column: label }, provider(host.name)],
    result_receivers: [guest.name],
    algorithm,
    hyper_params: { use_validation_set: false, ...options.hyperParams },
    metrics: ['loss'],
    purpose: 'comparison',
  };
  const taskId = await guest.client.submitTrainTask(request);
  const view = await guest.client.waitForTask(taskId, {
    ...(options.onProgress && { onView: options.onProgress }),
  });
  const document = JSON.parse(await guest.result(view.path!)) as ModelDocument;

  const { train, validation: test } = kFoldSplit(pair.labels.length, folds, fold);
  const y = pick(pair.labels, train);
  const score = (X: Matrix, model: LinearModel): Scores =>
    scoresOf(algorithm, pick(pair.labels, test), predictLinear(model, takeRows(X, test)));
  const alone = (X: Matrix): Scores => score(X, fitModel(algorithm, takeRows(X, train), y));
  const all = concatColumns([pair.guest, pair.host]);
  return {
    joint: score(all, modelOf(document, guest.name, host.name, pair)),
    guest: alone(pair.guest),
    host: alone(pair.host),
    centralised: alone(all),
    extra: JSON.parse(view.extra ?? '{}') as Record<string, unknown>,
  };
}

function fitModel(algorithm: Algorithm, X: Matrix, y: Float64Array): LinearModel {
  return algorithm === 'logistic_regression'
    ? fitLogisticRegression(X, y)
    : fitLinearRegression(X, y, { l2: 0 }); // ordinary least squares, the reference of the field
}

/** The figures that the published tables quote. */
function scoresOf(algorithm: Algorithm, y: Float64Array, z: Float64Array): Scores {
  return algorithm === 'logistic_regression'
    ? evaluate(['auc', 'ks', 'logloss'], y, z.map(sigmoid), { task: 'binary' }).metrics
    : evaluate(['rmse', 'r2'], y, z, { task: 'regression' }).metrics;
}

interface ModelDocument {
  readonly features: readonly { party: string; column: string; weight: number }[];
  readonly intercept: number;
}

/** The released file as a model of the joined columns. */
function modelOf(
  { features, intercept }: ModelDocument,
  guest: string,
  host: string,
  pair: JoinedPair,
): LinearModel {
  const weights = new Map(features.map((f) => [`${f.party}/${f.column}`, f.weight]));
  const weightOf = (party: string, column: string): number => {
    const weight = weights.get(`${party}/${column}`);
    if (weight === undefined) throw new Error(`the model has no weight for ${party}/${column}`);
    return weight;
  };
  return {
    weights: Float64Array.from([
      ...pair.guestColumns.map((column) => weightOf(guest, column)),
      ...pair.hostColumns.map((column) => weightOf(host, column)),
    ]),
    intercept,
  };
}

async function columnsOf(
  connection: DuckDBConnection,
  table: string,
  without: readonly string[],
): Promise<string[]> {
  const reader = await connection.runAndReadAll(`select * from ${table} limit 0`);
  return reader.columnNames().filter((name) => !without.includes(name));
}

async function read(
  connection: DuckDBConnection,
  table: string,
  key: string,
  columns: readonly string[],
): Promise<Matrix> {
  const selected = columns.map((column) => `"${column}"::double`).join(', ');
  const reader = await connection.runAndReadAll(
    `select ${selected} from ${table} join rows using (${key}) order by r`,
  );
  const rows = reader.getRows() as number[][];
  const values = new Float64Array(rows.length * columns.length);
  for (const [i, row] of rows.entries()) values.set(row, i * columns.length);
  return matrix(values, rows.length, columns.length);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function pick(values: Float64Array, rows: Uint32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row]!);
}
