import {
  BLOCK_BYTES,
  checkBin,
  checkBytes,
  checkHashes,
  checkRange,
  columnOutOfRange,
  GAP_TOO_LARGE,
  MAX_BIN_ROWS,
  type OkvsKernel,
  RANK_DEFICIENT,
  ROW_WORDS,
} from './okvs-kernel.ts';
import { type MemoryBudget, WasmMemory } from './wasm-memory.ts';

interface OkvsExports {
  okvsRows(
    h0: number,
    h1: number,
    n: number,
    bins: number,
    columns: number,
    denseBits: number,
    rows: number,
    binOf: number,
  ): void;
  okvsPeel(
    rows: number,
    n: number,
    columns: number,
    gapLimit: number,
    steps: number,
    gapRows: number,
    nodes: number,
    stack: number,
    removed: number,
  ): number;
  okvsSolveGap(
    rows: number,
    values: number,
    slots: number,
    columns: number,
    denseBits: number,
    steps: number,
    count: number,
    gapRows: number,
    g: number,
    marks: number,
    bits: number,
    sums: number,
  ): number;
  okvsTables(dense: number, denseBits: number, tables: number): void;
  okvsBackSubstitute(
    rows: number,
    values: number,
    slots: number,
    steps: number,
    count: number,
    tables: number,
  ): void;
  okvsDecode(
    rows: number,
    n: number,
    columns: number,
    slots: number,
    tables: number,
    out: number,
  ): number;
}

const ROW_BYTES = 4 * ROW_WORDS;
const TABLES_BYTES = 6 * 256 * BLOCK_BYTES;
/** Rows computed or decoded at a time: what a call takes of the memory does not grow with n. */
const CHUNK_ROWS = 4096;
/** 8 MiB: a bin of the largest shape with the most rows. */
const MAXIMUM_PAGES = 128;

/** Loads the compiled kernel. One instance holds one scratch memory and is not re-entrant. */
export function loadWasmOkvsKernel(budget?: MemoryBudget): OkvsKernel {
  const memory = new WasmMemory<OkvsExports>({ maximumPages: MAXIMUM_PAGES, budget });
  const { exports } = memory;
  const start = memory.mark();

  const reserve = (bytes: number): number => memory.allocate(bytes);
  const copyIn = (source: Uint8Array): number => {
    const at = reserve(source.length);
    new Uint8Array(memory.buffer, at, source.length).set(source);
    return at;
  };

  return {
    name: 'wasm',

    rows(h0, h1, shape, bins) {
      const n = checkHashes(h0, h1, shape, bins);
      memory.rewind(start);
      const most = Math.min(n, CHUNK_ROWS);
      const [x0, x1] = [reserve(most * BLOCK_BYTES), reserve(most * BLOCK_BYTES)];
      const [rows, binOf] = [reserve(most * ROW_BYTES), reserve(most * 2)];
      const result = { words: new Uint32Array(n * ROW_WORDS), bins: new Uint16Array(n) };
      for (let i = 0; i < n; i += most) {
        const count = Math.min(most, n - i);
        const [from, to] = [i * BLOCK_BYTES, (i + count) * BLOCK_BYTES];
        new Uint8Array(memory.buffer, x0, to - from).set(h0.subarray(from, to));
        new Uint8Array(memory.buffer, x1, to - from).set(h1.subarray(from, to));
        exports.okvsRows(x0, x1, count, bins, shape.columns, shape.denseBits, rows, binOf);
        result.words.set(new Uint32Array(memory.buffer, rows, count * ROW_WORDS), i * ROW_WORDS);
        result.bins.set(new Uint16Array(memory.buffer, binOf, count), i);
      }
      return result;
    },

    encodeBin(shape, rows, values, slots) {
      const n = checkBin(shape, rows, slots);
      checkRange('rows', n, 0, MAX_BIN_ROWS);
      checkBytes('values', values, n);
      const { columns, denseBits, gapLimit } = shape;
      memory.rewind(start);
      const r = copyIn(bytesOf(rows));
      const v = copyIn(values);
      const s = copyIn(slots);
      const steps = reserve(8 * n);
      const gapRows = reserve(4 * gapLimit);
      const tables = reserve(TABLES_BYTES);
      const nodes = reserve(4 * columns);
      const stack = reserve(2 * columns + 2);
      const removed = reserve(n);
      const gap = exports.okvsPeel(r, n, columns, gapLimit, steps, gapRows, nodes, stack, removed);
      if (gap < GAP_TOO_LARGE) throw columnOutOfRange();
      if (gap < 0) return GAP_TOO_LARGE;

      const count = n - gap;
      if (gap > 0) {
        const [marks, bits, sums] = [reserve(columns), reserve(8 * gap), reserve(16 * gap)];
        const status = exports.okvsSolveGap(
          r,
          v,
          s,
          columns,
          denseBits,
          steps,
          count,
          gapRows,
          gap,
          marks,
          bits,
          sums,
        );
        if (status < 0) return RANK_DEFICIENT;
      }
      const dense = s + columns * BLOCK_BYTES;
      const used = new Uint8Array(memory.buffer, dense, denseBits * BLOCK_BYTES).some(Boolean);
      if (used) exports.okvsTables(dense, denseBits, tables);
      exports.okvsBackSubstitute(r, v, s, steps, count, used ? tables : 0);
      slots.set(new Uint8Array(memory.buffer, s, slots.length));
      return gap;
    },

    decodeBin(shape, rows, slots) {
      const n = checkBin(shape, rows, slots);
      memory.rewind(start);
      const s = copyIn(slots);
      const tables = reserve(TABLES_BYTES);
      const most = Math.min(n, CHUNK_ROWS);
      const [r, out] = [reserve(most * ROW_BYTES), reserve(most * BLOCK_BYTES)];
      exports.okvsTables(s + shape.columns * BLOCK_BYTES, shape.denseBits, tables);
      const result = new Uint8Array(n * BLOCK_BYTES);
      for (let i = 0; i < n; i += most) {
        const count = Math.min(most, n - i);
        const words = rows.subarray(i * ROW_WORDS, (i + count) * ROW_WORDS);
        new Uint32Array(memory.buffer, r, words.length).set(words);
        const status = exports.okvsDecode(r, count, shape.columns, s, tables, out);
        if (status < 0) throw columnOutOfRange();
        result.set(new Uint8Array(memory.buffer, out, count * BLOCK_BYTES), i * BLOCK_BYTES);
      }
      return result;
    },
  };
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
