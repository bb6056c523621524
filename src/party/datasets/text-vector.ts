import { DuckDBBlobVector, type DuckDBDataChunk } from '@duckdb/node-api';
import type { TextColumn } from '../../protocols/psi/text-column.ts';

/*
 * The database's cell of a text is 16 bytes: its length (uint32), then up to 12 bytes of text, or else 4
 * bytes of it and the address of all (uint64). The texts of a chunk were mostly written one behind the
 * other, so the adjacent ones are read as one long text: a call for each costs four times as much
 * as everything else about it.
 */
const CELL_WORDS = 4;
const CELL_BYTES = 16;
const MOST_INLINE = 12;

/** What a column of texts has of the database, which the library declares private. */
type RawVector = { readonly dataView: DataView } & {
  readonly [field in 'validity' | 'vector']: never;
};

/**
 * The texts of a VARCHAR column without NULLs, in the chunk's order, copied out of the database.
 *
 * @param most - Bytes of all texts together; null is returned where they are more.
 */
export function chunkTexts(
  chunk: DuckDBDataChunk,
  column: number,
  most: number,
): TextColumn | null {
  const n = chunk.rowCount;
  const raw = chunk.getColumnVector(column) as unknown as RawVector;
  const cells = new Uint8Array(
    raw.dataView.buffer,
    raw.dataView.byteOffset,
    n * CELL_BYTES,
  ).slice();
  const words = new Uint32Array(cells.buffer);
  const starts = new Uint32Array(n + 1);
  const runs = new Uint32Array(n * CELL_WORDS); // cells of runs
  let runAt = -CELL_WORDS;
  let runEnd = -1; // address
  let total = 0;
  let addressed = 0; // bytes
  for (let i = 0, at = 0; i < n; i++, at += CELL_WORDS) {
    const length = words[at]!;
    total += length;
    if (total > most) return null;
    starts[i + 1] = total;
    if (length <= MOST_INLINE) continue;
    addressed += length;
    const address = words[at + 2]! + words[at + 3]! * 2 ** 32;
    if (address !== runEnd) {
      runAt += CELL_WORDS;
      runs.set(words.subarray(at + 1, at + CELL_WORDS), runAt + 1);
    }
    runs[runAt]! += length;
    runEnd = address + length;
  }
  const long = longTexts(runs.subarray(0, runAt + CELL_WORDS), addressed, raw);
  const bytes = addressed === total ? long : new Uint8Array(total);
  if (addressed < total) mergeTexts(bytes, starts, cells, long);
  return { bytes, starts };
}

/** The texts of runs one behind the other. */
function longTexts(
  runs: Uint32Array<ArrayBuffer>,
  size: number,
  { validity, vector }: RawVector,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  const count = runs.length / CELL_WORDS;
  const view = new DataView(runs.buffer, runs.byteOffset, runs.byteLength);
  const reader = new DuckDBBlobVector(view, validity, vector, 0, count);
  let end = 0;
  for (let r = 0; r < count; r++) {
    const run = reader.getItemBytes(r)!;
    bytes.set(run, end);
    end += run.length;
  }
  return bytes;
}

/** Writes every text to its place: short ones from their cells, the others as they follow in `long`. */
function mergeTexts(
  bytes: Uint8Array,
  starts: Uint32Array,
  cells: Uint8Array,
  long: Uint8Array,
): void {
  let taken = 0;
  for (let i = 0; i + 1 < starts.length; i++) {
    const start = starts[i]!;
    const length = starts[i + 1]! - start;
    if (length <= MOST_INLINE) {
      const from = i * CELL_BYTES + 4;
      for (let j = 0; j < length; j++) bytes[start + j] = cells[from + j]!;
    } else {
      bytes.set(long.subarray(taken, taken + length), start);
      taken += length;
    }
  }
}
