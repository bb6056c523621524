import { checkShapes, type RingKernel } from './ring-kernel.ts';
import { type MemoryBudget, WasmMemory } from './wasm-memory.ts';

interface RingExports {
  matVec(x: number, v: number, y: number, n: number, d: number): void;
  transposedMatVecAdd(x: number, e: number, g: number, n: number, d: number): void;
}

/** Rows are copied in and processed in pieces of about this size, so that memory stays small. */
const CHUNK_BYTES = 1 << 20;

/** Loads the compiled kernel. One instance holds one scratch memory and is not re-entrant. */
export function loadWasmRingKernel(budget?: MemoryBudget): RingKernel {
  const memory = new WasmMemory<RingExports>({ budget });
  const { exports } = memory;

  return {
    name: 'wasm',

    matVec(X, v, n, d) {
      checkShapes(X, v, d, n, d);
      const mark = memory.mark();
      const rows = Math.max(1, Math.floor(CHUNK_BYTES / (4 * d + 8)));
      const x = memory.allocate(rows * d * 4);
      const at = memory.allocate(d * 8);
      const y = memory.allocate(rows * 8);
      const result = new BigUint64Array(n);
      new BigUint64Array(memory.buffer, at, d).set(v);
      for (let i = 0; i < n; i += rows) {
        const m = Math.min(rows, n - i);
        new Int32Array(memory.buffer, x, m * d).set(X.subarray(i * d, (i + m) * d));
        exports.matVec(x, at, y, m, d);
        result.set(new BigUint64Array(memory.buffer, y, m), i);
      }
      memory.rewind(mark);
      return result;
    },

    transposedMatVec(X, e, n, d) {
      checkShapes(X, e, n, n, d);
      const mark = memory.mark();
      const rows = Math.max(1, Math.floor(CHUNK_BYTES / (4 * d + 8)));
      const x = memory.allocate(rows * d * 4);
      const at = memory.allocate(rows * 8);
      const g = memory.allocate(d * 8);
      const sums = new BigUint64Array(memory.buffer, g, d).fill(0n);
      for (let i = 0; i < n; i += rows) {
        const m = Math.min(rows, n - i);
        new Int32Array(memory.buffer, x, m * d).set(X.subarray(i * d, (i + m) * d));
        new BigUint64Array(memory.buffer, at, m).set(e.subarray(i, i + m));
        exports.transposedMatVecAdd(x, at, g, m, d);
      }
      const result = sums.slice();
      memory.rewind(mark);
      return new BigUint64Array(result);
    },
  };
}
