import { referenceSha256Kernel } from './sha256-kernel.reference.ts';
import {
  type ByteRows,
  checkColumns,
  KEPT_BYTES,
  MAX_COLUMNS,
  PREFIX_BYTES,
  type Sha256Kernel,
} from './sha256-kernel.ts';
import { type MemoryBudget, WasmMemory } from './wasm-memory.ts';

interface Sha256Exports {
  sha256Rows(
    prefix: number,
    columns: number,
    count: number,
    n: number,
    buffers: number,
    stride: number,
    out: number,
  ): void;
}

/** Rows' bytes that are hashed at a time, all columns together. */
const CHUNK_BYTES = 1 << 18;
/** Starts of rows that are given at a time, all columns together. */
const CHUNK_STARTS = 1 << 14;
/** A row: its bytes, a length of 4 bytes for each column, padding to whole blocks, and whole vectors. */
const STRIDE = CHUNK_BYTES + 4 * MAX_COLUMNS + 128;
/** The kernel reads whole vectors. */
const SLACK_BYTES = 16;
/** 3 MiB are used, whatever the number of rows. */
const MAXIMUM_PAGES = 64;
const POINTER_BYTES = 4;

/** Loads the compiled kernel. One instance holds one scratch memory and is not re-entrant. */
export function loadWasmSha256Kernel(budget?: MemoryBudget): Sha256Kernel {
  const memory = new WasmMemory<Sha256Exports>({ maximumPages: MAXIMUM_PAGES, budget });
  const { exports } = memory;
  const prefixAt = memory.allocate(PREFIX_BYTES);
  const columnsAt = memory.allocate(2 * POINTER_BYTES * MAX_COLUMNS);
  const startsAt = memory.allocate(POINTER_BYTES * (CHUNK_STARTS + MAX_COLUMNS));
  const bytesAt = memory.allocate(CHUNK_BYTES + SLACK_BYTES);
  const buffersAt = memory.allocate(4 * STRIDE);
  const outAt = memory.allocate(CHUNK_STARTS * KEPT_BYTES);
  const heap = new Uint8Array(memory.buffer);
  const words = new Uint32Array(memory.buffer);

  /** Hashes rows from, ..., to - 1, which fit; returns a view of their digests. */
  function hashRows(columns: readonly ByteRows[], from: number, to: number): Uint8Array {
    let [starts, bytes] = [startsAt, bytesAt];
    for (const [c, column] of columns.entries()) {
      const [first, end] = [column.starts[from]!, column.starts[to]!];
      words.set(column.starts.subarray(from, to + 1), starts / POINTER_BYTES);
      heap.set(column.bytes.subarray(first, end), bytes);
      words[columnsAt / POINTER_BYTES + 2 * c] = starts;
      words[columnsAt / POINTER_BYTES + 2 * c + 1] = bytes - first; // modulo 2^32, as addresses are
      starts += POINTER_BYTES * (to - from + 1);
      bytes += end - first;
    }
    exports.sha256Rows(prefixAt, columnsAt, columns.length, to - from, buffersAt, STRIDE, outAt);
    return heap.subarray(outAt, outAt + (to - from) * KEPT_BYTES);
  }

  return {
    name: 'wasm',

    digestRows(prefix, columns) {
      const n = checkColumns(prefix, columns);
      heap.set(prefix, prefixAt);
      const result = new Uint8Array(n * KEPT_BYTES);
      for (let from = 0; from < n; ) {
        const to = chunkEnd(columns, from, n);
        const digests =
          to > from
            ? hashRows(columns, from, to)
            : referenceSha256Kernel.digestRows(prefix, rowOf(columns, from)); // too long to copy in
        result.set(digests, from * KEPT_BYTES);
        from = Math.max(to, from + 1);
      }
      return result;
    },
  };
}

/** The end of the rows from `from` on that are hashed together; `from` if not even one fits. */
function chunkEnd(columns: readonly ByteRows[], from: number, n: number): number {
  let rows = Math.min(n - from, Math.floor(CHUNK_STARTS / columns.length));
  const bytesOf = (to: number): number =>
    columns.reduce((sum, { starts }) => sum + starts[to]! - starts[from]!, 0);
  while (rows > 0 && bytesOf(from + rows) > CHUNK_BYTES) rows >>>= 1;
  return from + rows;
}

function rowOf(columns: readonly ByteRows[], i: number): ByteRows[] {
  return columns.map(({ bytes, starts }) => ({ bytes, starts: starts.subarray(i, i + 2) }));
}
