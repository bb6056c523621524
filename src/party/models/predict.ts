import type { ModelDocument, ModelFeature } from './model-document.ts';

/** A number; of a categorical column the position of its level, or null for the level without one. */
export type Cell = number | null;

/** One joined record: the columns of each party, by party and column name. */
export type JoinedRow = Readonly<Record<string, Readonly<Record<string, Cell>>>>;

/** What one column adds to the score. */
type Term = (row: JoinedRow, i: number) => number;

/**
 * Applies a model: probabilities of class 1 for logistic regression, values for linear regression;
 * [rows]. Throws `RangeError` naming row and column where a cell is missing or cannot be used.
 */
export function predict(model: ModelDocument, rows: readonly JoinedRow[]): Float64Array {
  const terms = termsOf(model.features);
  const logistic = model.algorithm === 'logistic_regression';
  return Float64Array.from(rows, (row, i) => {
    let score = model.intercept;
    for (const term of terms) score += term(row, i);
    return logistic ? sigmoid(score) : score;
  });
}

/** 1 where the probability reaches the model's threshold; [rows]. */
export function classify(model: ModelDocument, probabilities: Float64Array): Uint8Array {
  const { threshold } = model;
  if (threshold === null) throw new TypeError('"model" expected a classifier');
  return Uint8Array.from(probabilities, (probability) => (probability >= threshold ? 1 : 0));
}

/** 1 / (1 + e^-z), without overflow for large |z|. */
function sigmoid(z: number): number {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const e = Math.exp(z);
  return e / (1 + e);
}

/** One term a column, in the model's order, so that sums are always the same. */
function termsOf(features: readonly ModelFeature[]): readonly Term[] {
  const levels = new Map<string, Map<number, number>>();
  const terms: Term[] = [];
  for (const { party, column, level, weight } of features) {
    if (level === undefined) {
      terms.push((row, i) => weight * numberAt(row, party, column, i));
      continue;
    }
    const key = JSON.stringify([party, column]);
    const known = levels.get(key);
    if (known) {
      known.set(level, weight);
      continue;
    }
    const weights = new Map([[level, weight]]);
    levels.set(key, weights);
    terms.push((row, i) => {
      const cell = cellAt(row, party, column, i);
      const found = cell === null ? 0 : weights.get(cell);
      if (found !== undefined) return found;
      throw new RangeError(`row ${i}: ${party}.${column} expected a level of the model, or null`);
    });
  }
  return terms;
}

function numberAt(row: JoinedRow, party: string, column: string, i: number): number {
  const value = cellAt(row, party, column, i);
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new RangeError(`row ${i}: ${party}.${column} expected a finite number`);
}

function cellAt(row: JoinedRow, party: string, column: string, i: number): Cell {
  const columns = Object.hasOwn(row, party) ? row[party]! : {};
  if (Object.hasOwn(columns, column)) return columns[column]!;
  throw new RangeError(`row ${i}: ${party}.${column} is missing`);
}
