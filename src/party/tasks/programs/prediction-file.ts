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
  /** Probabilities of class 1, or values: [n]. */
  readonly scores: Float64Array;
  /** From this probability on a record is of class 1; null for values. */
  readonly threshold: number | null;
}

/**
 * `predictions.csv`: the key under its columns' names (`row`, from 1, where there is none), `score`, and
 * `class` where there is a threshold; in the order of the receiver's file.
 */
export function predictionFile(predictions: Predictions): ResultFile {
  const { keyColumns, keys, rows, scores, threshold } = predictions;
  const csv = new CsvWriter();
  for (const name of keyColumns ?? ['row']) csv.text(name);
  csv.text('score');
  if (threshold !== null) csv.text('class');
  csv.endLine();
  const order = rowNumbers(rows.length).sort((a, b) => rows[a]! - rows[b]!);
  for (const i of order) {
    const row = rows[i]!;
    if (keys) for (const column of keys) csv.cell(column, row);
    else csv.number(row + 1);
    csv.number(scores[i]!);
    if (threshold !== null) csv.number(Number(scores[i]! >= threshold));
    csv.endLine();
  }
  return { name: 'predictions.csv', chunks: csv.finish() };
}
