import type { DuckDBDataChunk } from '@duckdb/node-api';
import type { TextColumn } from '../../protocols/psi/text-column.ts';
import { duckdb } from './duckdb.ts';

/*
 * The database's cell of a text is 16 bytes: its length (uint32), then up to 12 bytes of text, or else 4
 * bytes of it and the address of all (uint64). The texts of a chunk were mostly written one behind the
 * other, so the adjacent ones are read as one long text: a call for each costs four times as much
 * as everything else about it.
 */
const CELL_WORDS = 4;
const CELL_BYTES = 16;
const MOST_INLINE = 12;

/** Adjacent texts, read as one: the place of the first one's cell, and the bytes of all. */
interface Run {
  readonly cell: number;
  length: number;
}

/** What a column of texts has of the database, which the library declares private. */
type RawVector = { readonly dataView: DataView } & {
  readonly [field in 'validity' | 'vector']: never;
};

/**
 * The texts of a VARCHAR column, in the chunk's order, copied out of the database. The query must not
 * let a NULL through: its cell would be taken for a text, at an address of nothing.
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
  const { buffer, byteOffset } = raw.dataView;
  const cells = new Uint32Array(buffer, byteOffset, n * CELL_WORDS);
  const starts = new Uint32Array(n + 1);
  const runs: Run[] = [];
  let run: Run | undefined;
  let runEnd = -1; // address
  let total = 0;
  let addressed = 0; // bytes
  for (let i = 0, at = 0; i < n; i++, at += CELL_WORDS) {
    const length = cells[at]!;
    total += length;
    if (total > most) return null;
    starts[i + 1] = total;
    if (length <= MOST_INLINE) continue;
    addressed += length;
    const address = cells[at + 2]! + cells[at + 3]! * 2 ** 32;
    if (!run || address !== runEnd) {
      run = { cell: at, length: 0 };
      runs.push(run);
    }
    run.length += length;
    runEnd = address + length;
  }
  const long = longTexts(cells, runs, addressed, raw);
  if (addressed === total) return { bytes: long, starts };
  const cellBytes = new Uint8Array(buffer, byteOffset, n * CELL_BYTES);
  return { bytes: mergedTexts(starts, cellBytes, long), starts };
}

/** The texts of runs one behind the other. */
function longTexts(
  cells: Uint32Array,
  runs: readonly Run[],
  size: number,
  { validity, vector }: RawVector,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  const words = new Uint32Array(runs.length * CELL_WORDS);
  runs.forEach(({ cell, length }, r) => {
    words.set(cells.subarray(cell, cell + CELL_WORDS), r * CELL_WORDS);
    words[r * CELL_WORDS] = length;
  });
  const view = new DataView(words.buffer);
  const reader = new duckdb.DuckDBBlobVector(view, validity, vector, 0, runs.length);
  let end = 0;
  runs.forEach(({ length }, r) => {
    bytes.set(reader.getItemBytes(r)!, end);
    end += length;
  });
  return bytes;
}

/** Every text in its place: short ones from their cells, the others as they follow in `long`. */
function mergedTexts(
  starts: Uint32Array,
  cells: Uint8Array,
  long: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(starts.at(-1)!);
  let taken = 0;
  for (let i = 0; i + 1 < starts.length; i++) {
    const start = starts[i]!;
    const length = starts[i + 1]! - start;
    if (length <= MOST_INLINE) {
      const from = i * CELL_BYTES + 4;
      for (let j = 0; j < length; j++) bytes[start + j] = cells[from + j]!;
    } else {
      for (let j = 0; j < length; j++) bytes[start + j] = long[taken + j]!;
      taken += length;
    }
  }
  return bytes;
}
