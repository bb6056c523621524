import {
  BLOCK_BYTES,
  checkAround,
  checkBranch,
  checkExpand,
  checkTaps,
  type ExpandConvoluteKernel,
} from './expand-convolute-kernel.ts';
import { type MemoryBudget, WasmMemory } from './wasm-memory.ts';

interface ExpandConvoluteExports {
  branchBlocks(
    parent: number,
    sibling: number,
    left: number,
    right: number,
    m: number,
    sums: number,
    t: number,
  ): void;
  accumulate(x: number, first: number, rows: number, taps: number, tables: number): void;
  accumulateAround(x: number, n: number, taps: number): void;
  expand(x: number, n: number, indices: number, k: number, out: number): void;
}

/** Room for what is copied in by one call: images of a level, taps, or indices. */
const INPUT_BYTES = 1 << 18;
/** Taps are read in words of four bytes. */
const SLACK_BYTES = 1;
/** Sums of four rows in line: eight groups of 16 entries. */
const TABLE_BYTES = 8 * 16 * BLOCK_BYTES;

/** Loads the compiled kernel. One instance holds one memory and is not re-entrant. */
export function loadWasmExpandConvoluteKernel(budget?: MemoryBudget): ExpandConvoluteKernel {
  const memory = new WasmMemory<ExpandConvoluteExports>({ budget });
  const { exports } = memory;
  const input = memory.allocate(2 * INPUT_BYTES + SLACK_BYTES);
  const tables = memory.allocate(TABLE_BYTES);
  const empty = memory.mark();
  /** A memory that grows has another buffer object from then on, of the same bytes. */
  const own = new WeakSet<ArrayBufferLike>();

  return {
    name: 'wasm',

    allocate(n) {
      const address = memory.allocate(n * BLOCK_BYTES);
      own.add(memory.buffer);
      return new Uint8Array(memory.buffer, address, n * BLOCK_BYTES);
    },

    clear() {
      memory.rewind(empty);
    },

    branch(tree, at, left, right, sums) {
      const t = checkBranch(tree, at, left, right, sums);
      const images = [copyIn(left, input), copyIn(right, input + INPUT_BYTES)] as const;
      const parent = addressOf(tree) + at * BLOCK_BYTES;
      const sibling = parent + tree.length / 2;
      const m = left.length / BLOCK_BYTES;
      exports.branchBlocks(parent, sibling, ...images, m, addressOf(sums), t);
    },

    accumulate(x, first, taps) {
      const rows = checkTaps(x, first, taps);
      exports.accumulate(addressOf(x), first, rows, copyIn(taps, input), tables);
    },

    accumulateAround(x, taps) {
      const n = checkAround(x, taps);
      exports.accumulateAround(addressOf(x), n, copyIn(taps, input));
    },

    expand(x, indices, onto) {
      const { n, k } = checkExpand(x, indices, onto);
      exports.expand(addressOf(x), n, copyIn(indices, input), k, addressOf(onto));
    },
  };

  function copyIn(bytes: Uint8Array, address: number): number {
    if (bytes.length > INPUT_BYTES) {
      throw new RangeError(`expected at most ${INPUT_BYTES} bytes a call, got ${bytes.length}`);
    }
    new Uint8Array(memory.buffer, address, bytes.length).set(bytes);
    return address;
  }

  function addressOf(x: Uint8Array): number {
    if (!own.has(x.buffer) || x.byteOffset % BLOCK_BYTES !== 0) {
      throw new RangeError('expected blocks of this kernel');
    }
    return x.byteOffset;
  }
}
