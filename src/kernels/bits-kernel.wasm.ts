import { type BitsKernel, checkRows, rowBytes } from './bits-kernel.ts';
import { WasmMemory } from './wasm-memory.ts';

interface BitsExports {
  transpose128(src: number, stride: number, dst: number, bytes: number): void;
}

/** Bytes of each row that are transposed at a time: 256 KiB in, 256 KiB out. */
const CHUNK_BYTES = 2048;
/** Distance of the rows: no power of two, or bytes of all 128 would compete for the same cache lines. */
const STRIDE_BYTES = CHUNK_BYTES + 64;
/** 4 MiB: the chunk and its result, whatever the size of the matrix. */
const MAXIMUM_PAGES = 64;

/** Loads the compiled kernel. One instance holds one scratch memory and is not re-entrant. */
export function loadWasmBitsKernel(): BitsKernel {
  const memory = new WasmMemory<BitsExports>({ maximumPages: MAXIMUM_PAGES });
  const src = memory.allocate(128 * STRIDE_BYTES);
  const dst = memory.allocate(128 * CHUNK_BYTES);
  const { exports, buffer } = memory;

  return {
    name: 'wasm',

    transpose128(rows, m) {
      checkRows(rows, m);
      const stride = rowBytes(m);
      const result = new Uint8Array(m * 16);
      const scratch = new Uint8Array(buffer, src, 128 * STRIDE_BYTES);
      for (let at = 0; at < stride; at += CHUNK_BYTES) {
        const bytes = Math.min(CHUNK_BYTES, stride - at);
        for (let r = 0; r < 128; r++) {
          const start = r * stride + at;
          scratch.set(rows.subarray(start, start + bytes), r * STRIDE_BYTES);
        }
        exports.transpose128(src, STRIDE_BYTES, dst, bytes);
        const written = Math.min(128 * bytes, result.length - 128 * at); // the last byte may hold < 8 bits
        result.set(new Uint8Array(buffer, dst, written), 128 * at);
      }
      return result;
    },
  };
}
