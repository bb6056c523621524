import { checkElement, checkElements, ELEMENT_BYTES, type Gf128Kernel } from './gf128-kernel.ts';
import { type MemoryBudget, WasmMemory } from './wasm-memory.ts';

interface Gf128Exports {
  gf128Table(table: number, element: number): void;
  gf128MultiplyAdd(dst: number, src: number, n: number, table: number): void;
}

/** table[j][v] for 32 digits of 4 bits. */
const TABLE_BYTES = 32 * 16 * ELEMENT_BYTES;
/** Copied in and processed at a time; table and both pieces stay in the cache. */
const CHUNK_BYTES = 1 << 15;

/** Loads the compiled kernel. Its multipliers share a scratch memory and are not re-entrant. */
export function loadWasmGf128Kernel(budget?: MemoryBudget): Gf128Kernel {
  const memory = new WasmMemory<Gf128Exports>({ budget });
  const { exports } = memory;
  const dstAt = memory.allocate(CHUNK_BYTES);
  const srcAt = memory.allocate(CHUNK_BYTES);

  return {
    name: 'wasm',

    multiplier(element) {
      checkElement(element);
      const table = memory.allocate(TABLE_BYTES);
      view(dstAt, ELEMENT_BYTES).set(element);
      exports.gf128Table(table, dstAt);

      return {
        multiplyAdd(dst, src) {
          checkElements(dst, src);
          for (let at = 0; at < dst.length; at += CHUNK_BYTES) {
            const bytes = Math.min(CHUNK_BYTES, dst.length - at);
            const sums = view(dstAt, bytes);
            sums.set(dst.subarray(at, at + bytes));
            view(srcAt, bytes).set(src.subarray(at, at + bytes));
            exports.gf128MultiplyAdd(dstAt, srcAt, bytes / ELEMENT_BYTES, table);
            dst.set(sums, at);
          }
        },
      };
    },
  };

  function view(at: number, bytes: number): Uint8Array {
    return new Uint8Array(memory.buffer, at, bytes);
  }
}
