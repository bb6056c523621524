import type { Sha256Kernel } from '../../kernels/sha256-kernel.ts';
import { loadWasmSha256Kernel } from '../../kernels/sha256-kernel.wasm.ts';
import type { MemoryBudget } from '../../kernels/wasm-memory.ts';
import type { TextColumn } from './text-column.ts';

/** An item of a private set intersection: a record's key as 128 pseudo-random bits. */
export const ITEM_BYTES = 16;
export const SALT_BYTES = 32;

/** With the salt one block of SHA-256, which is hashed once for all records. */
const DOMAIN_BYTES = 32;
const DOMAIN = new TextEncoder().encode('entente psi item v2:');

/** Makes the items of records whose key columns arrive in pieces, each piece with the same number of rows. */
export type ItemHasher = (columns: readonly TextColumn[]) => Uint8Array<ArrayBuffer>;

/**
 * The items of n records: the first 16 bytes of SHA-256(domain | salt | key), where a key is, for
 * each column, its length in bytes (uint32 little-endian) and its UTF-8 text. The lengths keep
 * ("a", "bc") and ("ab", "c") apart. Two of n keys collide with probability below n^2 2^-129.
 *
 * Both parties pass the same salt and canonical text: what makes two keys equal (case, Unicode
 * normalisation, spaces) is agreed in the contract and done before. A salt belongs to one job, so
 * that digests of two jobs cannot be compared. Digests of guessable keys can be searched by anyone
 * who has the salt: they are never sent as they are.
 *
 * @param columns key columns, each with n texts
 * @param salt 32 bytes
 * @returns a fresh n x 16
 */
export function itemDigests(
  columns: readonly TextColumn[],
  salt: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return itemHasher(salt)(columns);
}

/** Made on first use and shared by all callers of the thread: hashing is synchronous, they never meet. */
let threadKernel: Sha256Kernel | undefined;

/** `itemDigests` piece by piece. With a budget in a memory of its own, 4 MiB, as long as it is in use. */
export function itemHasher(salt: Uint8Array, budget?: MemoryBudget): ItemHasher {
  if (salt.length !== SALT_BYTES) {
    throw new RangeError(`"salt" expected ${SALT_BYTES} bytes, got ${salt.length}`);
  }
  const prefix = new Uint8Array(DOMAIN_BYTES + SALT_BYTES);
  prefix.set(DOMAIN);
  prefix.set(salt, DOMAIN_BYTES);
  if (!budget) threadKernel ??= loadWasmSha256Kernel();
  const kernel = budget ? loadWasmSha256Kernel(budget) : threadKernel!;
  return (columns) => kernel.digestRows(prefix, columns);
}

/** Number of items in n x 16 bytes; throws `RangeError` unless whole. */
export function countItems(items: Uint8Array): number {
  if (items.length % ITEM_BYTES !== 0) {
    throw new RangeError(`"items" expected rows of ${ITEM_BYTES} bytes, got ${items.length}`);
  }
  return items.length / ITEM_BYTES;
}
