/**
 * SHA-256 [FIPS 180-4] of many short messages that begin with one block they all share.
 * Implementations agree bit for bit.
 */
export interface Sha256Kernel {
  readonly name: string;
  /**
   * Row i of the result is the first 16 bytes of SHA-256(prefix | for each column: the length of its
   * row i (uint32 little-endian) | its row i). prefix: 64 bytes, one block. Returns a fresh n x 16.
   */
  digestRows(prefix: Uint8Array, columns: readonly ByteRows[]): Uint8Array<ArrayBuffer>;
}

/** Rows of any length: row i is bytes[starts[i], starts[i + 1]); starts never fall. */
export interface ByteRows {
  readonly bytes: Uint8Array;
  /** n + 1 offsets. */
  readonly starts: Uint32Array;
}

export const PREFIX_BYTES = 64;
/** Bytes of each digest that are kept. */
export const KEPT_BYTES = 16;
export const MAX_COLUMNS = 256;

/** Number of rows. Throws `RangeError` unless there are columns, equally long, inside their bytes. */
export function checkColumns(prefix: Uint8Array, columns: readonly ByteRows[]): number {
  if (prefix.length !== PREFIX_BYTES) {
    throw new RangeError(`"prefix" expected ${PREFIX_BYTES} bytes, got ${prefix.length}`);
  }
  if (columns.length === 0 || columns.length > MAX_COLUMNS) {
    throw new RangeError(`"columns" expected 1 to ${MAX_COLUMNS}, got ${columns.length}`);
  }
  const n = columns[0]!.starts.length - 1;
  for (const [c, { bytes, starts }] of columns.entries()) {
    if (starts.length !== n + 1 || n < 0) {
      throw new RangeError(
        `"columns" expected ${n} rows each, got ${starts.length - 1} in column ${c}`,
      );
    }
    for (let i = 0; i < n; i++) {
      if (starts[i]! > starts[i + 1]!) throw new RangeError(`column ${c}: start ${i + 1} falls`);
    }
    if (starts[n]! > bytes.length) throw new RangeError(`column ${c} ends outside its bytes`);
  }
  return n;
}
