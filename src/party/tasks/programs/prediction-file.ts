import { likeliest } from '../../../ml/vertical/trees/evaluation.ts';
import { rowNumbers } from '../../../protocols/primitives/rows.ts';
import type { TextColumn } from '../../../protocols/psi/text-column.ts';
import type { ResultFile } from '../program.ts';
import { CsvWriter } from './csv-writer.ts';

/** Scores of records, as a receiver knows them. */
export interface Predictions {
  /** Null where records are told by their row. */
  readonly keyColumns: readonly string[] | null;
  /** Of every row of the receiver's file, column by column; null as above. */
  readonly keys: readonly TextColumn[] | null;
  /** The scored rows of its file, in any order: [n]. */
  readonly rows: Uint32Array;
  /** Probabilities of class 1, or of each of several classes, or values: [classes] x [n]. */
  readonly scores: readonly Float64Array[];
  /** From this probability on a record is of class 1; null for values and for several classes. */
  readonly threshold: number | null;
}

/**
 * `predictions.csv`: the key under its columns' names (`row`, from 1, where there is none), `score`, and
 * `class` where there is a threshold; in the order of the receiver's file. Of several classes `score_0`,
 * `score_1` and so on, and as `class` the likeliest one.
 */
export function predictionFile(predictions: Predictions): ResultFile {
  const { keyColumns, keys, rows, scores, threshold } = predictions;
  const csv = new CsvWriter();
  for (const name of keyColumns ?? ['row']) csv.text(name);
  const classes = classesOf(scores, threshold);
  for (const k of scores.keys()) csv.text(scores.length > 1 ? `score_${k}` : 'score');
  if (classes) csv.text('class');
  csv.endLine();
  const order = rowNumbers(rows.length).sort((a, b) => rows[a]! - rows[b]!);
  for (const i of order) {
    const row = rows[i]!;
    if (keys) for (const column of keys) csv.cell(column, row);
    else csv.number(row + 1);
    for (const each of scores) csv.number(each[i]!);
    if (classes) csv.number(classes[i]!);
    csv.endLine();
  }
  return { name: 'predictions.csv', chunks: csv.finish() };
}

/** The class of each record; null for values. */
function classesOf(scores: readonly Float64Array[], threshold: number | null): Float64Array | null {
  if (scores.length > 1) return likeliest(scores);
  return threshold === null ? null : scores[0]!.map((score) => Number(score >= threshold));
}
