import { readFileSync } from 'node:fs';

const PAGE_BYTES = 65536;
const INITIAL_PAGES = 16;
/** Allocations start here: the module's static data lies below. */
const FIRST_FREE_BYTE = 1 << 20;
const ALIGNMENT = 64;

/** What several memories may take together; made by whoever has them share a bound. */
export interface MemoryBudget {
  /** Called before a memory takes `bytes` more, which it keeps. Throws when that is too much. */
  reserve(bytes: number): void;
}

export interface WasmMemoryOptions {
  /** Default 65536: 4 GiB. */
  readonly maximumPages?: number;
  readonly budget?: MemoryBudget | undefined;
}

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
  readonly #budget: MemoryBudget | undefined;
  #top = FIRST_FREE_BYTE;

  constructor({ maximumPages = 65536, budget }: WasmMemoryOptions = {}) {
    budget?.reserve(INITIAL_PAGES * PAGE_BYTES);
    this.#budget = budget;
    compiled ??= new WebAssembly.Module(readFileSync(new URL('./kernels.wasm', import.meta.url)));
    this.#memory = new WebAssembly.Memory({
      initial: INITIAL_PAGES,
      maximum: maximumPages,
      shared: true,
    });
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
    if (missing > 0) {
      const pages = Math.ceil(missing / PAGE_BYTES);
      this.#budget?.reserve(pages * PAGE_BYTES);
      this.#memory.grow(pages);
    }
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
