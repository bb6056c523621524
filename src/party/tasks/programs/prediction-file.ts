import { type TextColumn, textAt } from '../../../protocols/psi/text-column.ts';
import type { ResultFile } from '../program.ts';
import { csvChunks } from './csv-chunks.ts';

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
  return { name: 'predictions.csv', chunks: csvChunks(records(predictions)) };
}

function* records(predictions: Predictions): Generator<readonly string[]> {
  const { keyColumns, keys, rows, scores, threshold } = predictions;
  yield [...(keyColumns ?? ['row']), 'score', ...(threshold === null ? [] : ['class'])];
  const order = Uint32Array.from(rows, (_, i) => i).sort((a, b) => rows[a]! - rows[b]!);
  for (const i of order) {
    const row = rows[i]!;
    const score = scores[i]!;
    yield [
      ...(keys ? keys.map((column) => textAt(column, row)) : [String(row + 1)]),
      String(score),
      ...(threshold === null ? [] : [score >= threshold ? '1' : '0']),
    ];
  }
}
