import type { FeatureTerms } from '../consensus/contract.ts';
import { MISSING } from './cells.ts';
import { DatasetError } from './dataset-error.ts';
import type { RawColumns } from './read-table.ts';

/**
 * How the owner turns a column into model columns; part of the model, known to the owner only.
 *
 * Numeric: a missing value becomes the mean of the training file's values, or stays missing, NaN, where
 * the model takes that: then the mean is null. Categorical: one column
 * of 0 and 1 for each level; the remaining level, and every text not among `levels`, is all zeros.
 * That remaining level is "missing" if the training file has missing cells, else its first level in
 * order: with a column for each of them the columns would sum to the intercept's.
 */
export type FeatureEncoding =
  | { readonly kind: 'numeric'; readonly name: string; readonly mean: number | null }
  | { readonly kind: 'categorical'; readonly name: string; readonly levels: readonly string[] };

/** A feature's encoded columns: what the model is trained on. */
export interface EncodedFeatures {
  /** [rowCount, columnNames.length] row-major. */
  readonly features: Float64Array;
  /** `name`, or `name=level`. */
  readonly columnNames: readonly string[];
}

/** Orders levels: by number if all of them are numbers, else by code unit. */
export function sortLevels(levels: readonly string[]): string[] {
  return levels.every((level) => Number.isFinite(Number(level)))
    ? [...levels].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1))
    : [...levels].sort();
}

/** The levels that get a column. */
export function columnLevels(levels: readonly string[], missing: number): string[] {
  const sorted = sortLevels(levels);
  return missing > 0 ? sorted : sorted.slice(1);
}

/**
 * Learns the encoding of a training file.
 *
 * @param keepMissing - whether numbers that are missing stay so.
 */
export function learnEncoding(
  features: readonly FeatureTerms[],
  raw: RawColumns,
  keepMissing: boolean,
): FeatureEncoding[] {
  const d = features.length;
  return features.map(({ name, kind }, f) => {
    if (kind === 'categorical') {
      return { kind, name, levels: columnLevels(raw.levels[f]!, raw.missing[f]!) };
    }
    if (keepMissing) return { kind, name, mean: null };
    let sum = 0;
    for (let at = f; at < raw.cells.length; at += d) {
      if (raw.cells[at] !== MISSING) sum += raw.cells[at]!;
    }
    return { kind, name, mean: sum / (raw.rowCount - raw.missing[f]!) };
  });
}

/** How many columns features become. */
export function encodedWidth(encoding: readonly FeatureEncoding[]): number {
  return encoding.reduce(
    (sum, feature) => sum + (feature.kind === 'numeric' ? 1 : feature.levels.length),
    0,
  );
}

/** Encodes cells. Reuses `raw.cells` where every feature is numeric: the caller gives it away. */
export function encodeFeatures(
  encoding: readonly FeatureEncoding[],
  raw: RawColumns,
): EncodedFeatures {
  const columnNames = encoding.flatMap((feature) =>
    feature.kind === 'numeric'
      ? [feature.name]
      : feature.levels.map((level) => `${feature.name}=${level}`),
  );
  const d = encoding.length;
  const width = columnNames.length;
  const isNumeric = encoding.every(({ kind }) => kind === 'numeric');
  const out = isNumeric ? raw.cells : new Float64Array(raw.rowCount * width);
  let column = 0;
  encoding.forEach((feature, f) => {
    if (feature.kind === 'numeric') {
      if (!isNumeric || raw.missing[f]! > 0)
        fillNumeric(raw.cells, f, d, out, column, width, feature.mean ?? Number.NaN);
      column++;
    } else {
      // Position of the level's column within the feature, -1 for the level that has none.
      const place = raw.levels[f]!.map((level) => feature.levels.indexOf(level));
      for (let from = f, to = column; from < raw.cells.length; from += d, to += width) {
        const cell = raw.cells[from]!;
        if (cell !== MISSING && place[cell]! >= 0) out[to + place[cell]!] = 1;
      }
      column += feature.levels.length;
    }
  });
  return { features: out, columnNames };
}

/** Refuses a training column without a single value, which has no mean and no level. */
export function refuseEmptyFeatures(
  file: string,
  features: readonly { readonly name: string }[],
  raw: RawColumns,
): void {
  const empty = raw.missing.indexOf(raw.rowCount);
  if (empty >= 0) {
    throw new DatasetError('missing_values', `${file}: column ${features[empty]!.name} is empty`);
  }
}

function fillNumeric(
  cells: Float64Array,
  f: number,
  d: number,
  out: Float64Array,
  column: number,
  width: number,
  mean: number,
): void {
  for (let from = f, to = column; from < cells.length; from += d, to += width) {
    const cell = cells[from]!;
    out[to] = cell === MISSING ? mean : cell;
  }
}
