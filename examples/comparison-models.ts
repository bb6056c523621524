/** Models of tables in one place: fitted by plain algorithms, or read from what a joint training released. */
import { type Matrix, matrix } from '../src/ml/data/matrix.ts';
import { fitLinearRegression } from '../src/ml/linear/linear-regression.ts';
import { sigmoid } from '../src/ml/linear/link.ts';
import { fitLogisticRegression } from '../src/ml/linear/logistic-regression.ts';
import { type LinearModel, predictLinear } from '../src/ml/linear/model.ts';
import { evaluate, type MetricName } from '../src/ml/metrics/evaluate.ts';
import { fitBoostedTrees, predictBoosted } from '../src/ml/trees/gradient-boosting.ts';
import { plainParameters } from '../src/ml/vertical/trees/parameters.ts';
import { parseHyperParameters } from '../src/party/http/hyper-parameters.ts';
import { resolveTreeParameters } from '../src/party/http/tree-parameters.ts';
import { type ModelDocument, parseModelDocument } from '../src/party/models/model-document.ts';
import type { JoinedTables } from './joined-tables.ts';

export type Algorithm = 'logistic_regression' | 'linear_regression' | 'xgboost';

/** What a model tells of rows: probabilities of class 1, or numbers. */
export type Predict = (X: Matrix) => Float64Array;

/** Hyper-parameters of boosted trees as a request has them; linear models are fitted with their field's defaults. */
type HyperParameters = Readonly<Record<string, unknown>>;

/** The plain model of the algorithm on these rows. */
export function fitPlain(
  algorithm: Algorithm,
  X: Matrix,
  y: Float64Array,
  hyperParams: HyperParameters,
): Predict {
  switch (algorithm) {
    case 'logistic_regression':
      return logisticPredictions(fitLogisticRegression(X, y));
    case 'linear_regression': {
      const model = fitLinearRegression(X, y, { l2: 0 }); // ordinary least squares, the reference of the field
      return (rows) => predictLinear(model, rows);
    }
    case 'xgboost': {
      const parameters = boostingParametersOf(hyperParams, y);
      const model = fitBoostedTrees(X, y, parameters);
      return (rows) => predictBoosted(model, rows)[0]!;
    }
  }
}

/** What the joint training is told, with every default resolved, for plain boosting. */
function boostingParametersOf(hyperParams: HyperParameters, y: Float64Array) {
  const { hyper } = parseHyperParameters(hyperParams, true);
  const objective = isBinary(y) ? 'binary:logistic' : 'reg:squarederror';
  const request = { hyper, modelConfig: null, metrics: [] };
  return plainParameters(resolveTreeParameters(request, { objective, num_class: 1 }).parameters);
}

function isBinary(y: Float64Array): boolean {
  return y.every((value) => value === 0 || value === 1);
}

function logisticPredictions(model: LinearModel): Predict {
  return (X) => predictLinear(model, X).map(sigmoid);
}

/** The figures that the published tables quote. */
export function scoresOf(
  y: Float64Array,
  predictions: Float64Array,
): Readonly<Partial<Record<MetricName, number | null>>> {
  return isBinary(y)
    ? evaluate(['auc', 'ks', 'logloss'], y, predictions, { task: 'binary' }).metrics
    : evaluate(['rmse', 'r2'], y, predictions, { task: 'regression' }).metrics;
}

/** A released file as a model of the joined columns, which are those of the parties in their order. */
export function releasedModel(
  text: string,
  parties: readonly string[],
  { columns }: Pick<JoinedTables, 'columns'>,
): Predict {
  const document = parseModelDocument(text);
  const places = new Map<string, number>();
  for (const [p, party] of parties.entries()) {
    for (const column of columns[p]!) places.set(`${party}/${column}`, places.size);
  }
  if (document.algorithm === 'xgboost') {
    const order = document.columns.map(({ party, column }) => placeOf(places, party, column));
    return (X) => predictBoosted(document.trees, pickColumns(X, order))[0]!;
  }
  return linearModel(document, places);
}

function linearModel(
  document: Exclude<ModelDocument, { readonly algorithm: 'xgboost' }>,
  places: ReadonlyMap<string, number>,
): Predict {
  const weights = new Float64Array(places.size);
  for (const { party, column, weight } of document.features) {
    weights[placeOf(places, party, column)] = weight;
  }
  const model = { weights, intercept: document.intercept };
  return document.algorithm === 'logistic_regression'
    ? logisticPredictions(model)
    : (X) => predictLinear(model, X);
}

function placeOf(places: ReadonlyMap<string, number>, party: string, column: string): number {
  const place = places.get(`${party}/${column}`);
  if (place === undefined) throw new Error(`the model has a column ${party}/${column}`);
  return place;
}

function pickColumns(X: Matrix, order: readonly number[]): Matrix {
  const values = new Float64Array(X.rows * order.length);
  for (let i = 0; i < X.rows; i++) {
    for (const [j, column] of order.entries()) {
      values[i * order.length + j] = X.values[i * X.columns + column]!;
    }
  }
  return matrix(values, X.rows, order.length);
}
