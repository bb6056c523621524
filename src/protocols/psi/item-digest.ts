import { hash } from 'node:crypto';
import { loadSodium } from '../../kernels/sodium.ts';

/** An item of a private set intersection: a record's key as 128 pseudo-random bits. */
export const ITEM_BYTES = 16;
export const SALT_BYTES = 32;

const DOMAIN = new TextEncoder().encode('entente psi item v1:');
const SHA256_BYTES = 32;
const LENGTH_BYTES = 4;
const FIRST_CAPACITY_BYTES = 1024;

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
  columns: readonly (readonly string[])[],
  salt: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const n = checkColumns(columns);
  if (salt.length !== SALT_BYTES) {
    throw new RangeError(`"salt" expected ${SALT_BYTES} bytes, got ${salt.length}`);
  }
  const sha256 = sha256Into();
  const items = new Uint8Array(n * ITEM_BYTES);
  const digest = new Uint8Array(SHA256_BYTES);
  const prefix = DOMAIN.length + SALT_BYTES;
  let preimage = new Uint8Array(FIRST_CAPACITY_BYTES);
  let views: Uint8Array[] = []; // views[k] = the first k bytes of preimage: making one costs as much as hashing

  for (let i = 0; i < n; i++) {
    let needed = prefix;
    for (const column of columns) needed += LENGTH_BYTES + 3 * column[i]!.length;
    if (needed > preimage.length || i === 0) {
      if (needed > preimage.length) preimage = new Uint8Array(2 * needed);
      preimage.set(DOMAIN);
      preimage.set(salt, DOMAIN.length);
      views = [];
    }
    let end = prefix;
    for (const column of columns) end = writeText(preimage, end, column[i]!, i);
    views[end] ??= preimage.subarray(0, end);
    sha256(digest, views[end]!);
    const at = i * ITEM_BYTES;
    for (let j = 0; j < ITEM_BYTES; j++) items[at + j] = digest[j]!;
  }
  return items;
}

/** libsodium, or Node's one-shot hash, which takes twice as long. */
function sha256Into(): (out: Uint8Array, input: Uint8Array) => void {
  const sodium = loadSodium();
  if (sodium) return (out, input) => sodium.crypto_hash_sha256(out, input);
  return (out, input) => out.set(hash('sha256', input, 'buffer'));
}

/** Number of rows; every column has as many. */
function checkColumns(columns: readonly (readonly string[])[]): number {
  if (columns.length === 0) throw new RangeError('"columns" expected one or more, got none');
  const n = columns[0]!.length;
  columns.forEach((column, c) => {
    if (column.length !== n) {
      throw new RangeError(
        `"columns" expected ${n} rows each, got ${column.length} in column ${c}`,
      );
    }
  });
  return n;
}

const encoder = new TextEncoder();

/** Writes length and UTF-8 of a text at `start`; returns the end. Names the row, never the text. */
function writeText(to: Uint8Array, start: number, text: string, row: number): number {
  const from = start + LENGTH_BYTES;
  let end = from;
  let isAscii = true;
  for (let j = 0; j < text.length && isAscii; j++) {
    const unit = text.charCodeAt(j);
    isAscii = unit < 0x80;
    to[end++] = unit;
  }
  if (!isAscii) {
    // A lone surrogate would be encoded as U+FFFD: all of them would be one key.
    if (/\p{Surrogate}/u.test(text)) {
      throw new TypeError(
        `"columns" expected well-formed Unicode, got a lone surrogate in row ${row}`,
      );
    }
    end = from + encoder.encodeInto(text, to.subarray(from)).written;
  }
  const length = end - from;
  to[start] = length & 0xff;
  to[start + 1] = (length >>> 8) & 0xff;
  to[start + 2] = (length >>> 16) & 0xff;
  to[start + 3] = length >>> 24;
  return end;
}
