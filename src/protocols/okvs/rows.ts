/**
 * Rows of the linear system that a key-value store solves, [RR22] §2.
 *
 * Of an item x and the seed r: h_i = pi_i(x) ^ x with pi_i = AES-128 under AES_r(i), i = 0, 1;
 * h_0 gives three distinct sparse columns, h_1 the bin and the dense bits (`okvs-kernel.ts`).
 * The items are fixed before r is drawn, so that they do not depend on it.
 */
import { createCipheriv } from 'node:crypto';
import { BLOCK_BYTES, type OkvsKernel, ROW_WORDS } from '../../kernels/okvs-kernel.ts';
import { loadWasmOkvsKernel } from '../../kernels/okvs-kernel.wasm.ts';
import { FixedKeyHash } from '../primitives/hash.ts';
import type { OkvsParameters } from './parameters.ts';

/** The rows of n items, sorted by bin. */
export interface OkvsRows {
  readonly parameters: OkvsParameters;
  readonly kernel: OkvsKernel;
  /** Row k belongs to item order[k]; rows of a bin are in the order of their items. */
  readonly order: Uint32Array<ArrayBuffer>;
  /** Rows starts[b] to starts[b + 1] are those of bin b; bins + 1. */
  readonly starts: Uint32Array<ArrayBuffer>;
  /** n x 3 words, as the kernel packs them. */
  readonly words: Uint32Array<ArrayBuffer>;
}

export const SEED_BYTES = 16;
/** Items hashed at a time: 64 KiB. */
const CHUNK_ITEMS = 4096;

/**
 * Rows of items (n x 16, any n) in a store of `parameters`. One kernel may serve any number of stores,
 * one call at a time; it stays with the rows.
 */
export function rowsOf(
  items: Uint8Array,
  seed: Uint8Array,
  parameters: OkvsParameters,
  kernel: OkvsKernel = loadWasmOkvsKernel(),
): OkvsRows {
  const n = items.length / BLOCK_BYTES;
  if (!Number.isInteger(n)) {
    throw new RangeError(`"items" expected whole 16-byte items, got ${items.length} bytes`);
  }
  const [pi0, pi1] = rowHashes(seed);
  const unsorted = new Uint32Array(n * ROW_WORDS);
  const binOf = new Uint16Array(n);
  for (let i = 0; i < n; i += CHUNK_ITEMS) {
    const piece = items.subarray(i * BLOCK_BYTES, (i + CHUNK_ITEMS) * BLOCK_BYTES);
    const rows = kernel.rows(pi0.hash(piece), pi1.hash(piece), parameters, parameters.bins);
    unsorted.set(rows.words, i * ROW_WORDS);
    binOf.set(rows.bins, i);
  }
  return { parameters, kernel, ...sortByBin(unsorted, binOf, parameters.bins) };
}

function rowHashes(seed: Uint8Array): [FixedKeyHash, FixedKeyHash] {
  if (seed.length !== SEED_BYTES) {
    throw new RangeError(`"seed" expected ${SEED_BYTES} bytes, got ${seed.length}`);
  }
  const indices = new Uint8Array(2 * SEED_BYTES);
  indices[SEED_BYTES] = 1;
  const keys = createCipheriv('aes-128-ecb', seed, null).setAutoPadding(false).update(indices);
  return [
    new FixedKeyHash(keys.subarray(0, SEED_BYTES)),
    new FixedKeyHash(keys.subarray(SEED_BYTES)),
  ];
}

/** Counting sort: stable, linear. */
function sortByBin(
  unsorted: Uint32Array,
  binOf: Uint16Array,
  bins: number,
): Pick<OkvsRows, 'order' | 'starts' | 'words'> {
  const n = binOf.length;
  const starts = new Uint32Array(bins + 1);
  for (let i = 0; i < n; i++) starts[binOf[i]! + 1]!++;
  for (let b = 0; b < bins; b++) starts[b + 1]! += starts[b]!;

  const next = starts.slice(0, bins);
  const order = new Uint32Array(n);
  const words = new Uint32Array(n * ROW_WORDS);
  for (let i = 0, from = 0; i < n; i++) {
    const k = next[binOf[i]!]!++;
    order[k] = i;
    let to = k * ROW_WORDS;
    words[to++] = unsorted[from++]!;
    words[to++] = unsorted[from++]!;
    words[to++] = unsorted[from++]!;
  }
  return { order, starts, words };
}
