import { readFileSync } from 'node:fs';

const PAGE_BYTES = 65536;
/** Allocations start here: the module's static data lies below. */
const FIRST_FREE_BYTE = 1 << 20;
const ALIGNMENT = 64;

let compiled: WebAssembly.Module | undefined;

/**
 * One instance of the kernels' WebAssembly module with a memory of its own and a bump allocator.
 *
 * The memory is shared, so that views stay valid when it grows (views of an unshared memory are
 * detached by `grow`) and can be handed to worker threads. Not re-entrant: one caller at a time.
 */
export class WasmMemory<Exports> {
  readonly exports: Exports;
  readonly #memory: WebAssembly.Memory;
  #top = FIRST_FREE_BYTE;

  constructor(maximumPages = 65536) {
    compiled ??= new WebAssembly.Module(readFileSync(new URL('./kernels.wasm', import.meta.url)));
    this.#memory = new WebAssembly.Memory({ initial: 16, maximum: maximumPages, shared: true });
    const env = {
      memory: this.#memory,
      abort(): never {
        throw new Error('kernel aborted');
      },
    };
    const instance = new WebAssembly.Instance(compiled, { env });
    this.exports = instance.exports as Exports;
  }

  get buffer(): ArrayBufferLike {
    return this.#memory.buffer;
  }

  /** Reserves `bytes`, aligned to 64, until the memory dies or `rewind`. Returns the address. */
  allocate(bytes: number): number {
    const address = this.#top;
    this.#top = address + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const missing = this.#top - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    return address;
  }

  /** Where the next allocation starts; give it to `rewind` to free everything reserved since. */
  mark(): number {
    return this.#top;
  }

  /** Frees everything allocated since `mark`. Views of it must not be used any more. */
  rewind(mark: number): void {
    this.#top = mark;
  }
}
