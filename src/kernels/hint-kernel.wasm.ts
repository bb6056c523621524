import {
  binOutOfRange,
  checkByBin,
  checkRotations,
  HINT_DEGREE,
  type HintKernel,
} from './hint-kernel.ts';
import { type MemoryBudget, WasmMemory } from './wasm-memory.ts';

interface HintExports {
  hintAddRotations(
    hints: number,
    a: number,
    bins: number,
    n: number,
    count: number,
    table: number,
    ends: number,
    order: number,
  ): number;
  hintAddByBin(sums: number, words: number, bins: number, n: number, count: number): number;
}

/** Rows copied in at a time, whole blocks: what a call takes of the memory does not grow with n. */
const CHUNK_ROWS = 32 * HINT_DEGREE;

/** Loads the compiled kernel. One instance holds one scratch memory and is not re-entrant. */
export function loadWasmHintKernel(budget?: MemoryBudget): HintKernel {
  const memory = new WasmMemory<HintExports>({ budget });
  const { exports } = memory;
  const start = memory.mark();

  const copyIn = (source: Uint32Array): Uint32Array => {
    const at = memory.allocate(source.byteLength);
    const copy = new Uint32Array(memory.buffer, at, source.length);
    copy.set(source);
    return copy;
  };

  return {
    name: 'wasm',

    addRotations(hints, a, bins) {
      const count = checkRotations(hints, a, bins);
      memory.rewind(start);
      const sums = copyIn(hints);
      const most = Math.min(a.length, CHUNK_ROWS);
      const [words, rows] = [memory.allocate(4 * most), memory.allocate(2 * most)];
      const table = memory.allocate(2 * 4 * HINT_DEGREE);
      const ends = memory.allocate(4 * count);
      const order = memory.allocate(4 * HINT_DEGREE);
      for (let from = 0; from < bins.length; from += most) {
        const n = Math.min(most, bins.length - from);
        const block = a.subarray(from, from + most);
        new Uint32Array(memory.buffer, words, block.length).set(block);
        new Uint16Array(memory.buffer, rows, n).set(bins.subarray(from, from + n));
        const at = sums.byteOffset;
        const status = exports.hintAddRotations(at, words, rows, n, count, table, ends, order);
        if (status < 0) throw binOutOfRange();
      }
      hints.set(sums);
    },

    addByBin(sums, words, bins) {
      checkByBin(sums, words, bins);
      memory.rewind(start);
      const most = Math.min(words.length, CHUNK_ROWS);
      const [source, rows] = [memory.allocate(4 * most), memory.allocate(2 * most)];
      const totals = sums.map(copyIn);
      for (let from = 0; from < words.length; from += most) {
        const n = Math.min(most, words.length - from);
        new Uint32Array(memory.buffer, source, n).set(words.subarray(from, from + n));
        for (const [f, column] of bins.entries()) {
          new Uint16Array(memory.buffer, rows, n).set(column.subarray(from, from + n));
          const { byteOffset, length } = totals[f]!;
          const status = exports.hintAddByBin(byteOffset, source, rows, n, length);
          if (status < 0) throw binOutOfRange();
        }
      }
      totals.forEach((total, f) => {
        sums[f]!.set(total);
      });
    },
  };
}
