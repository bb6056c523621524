/**
 * Bit matrices. Bit i of a packed row is bit i & 7 of byte i >> 3, least significant first.
 * Implementations agree bit for bit.
 */
export interface BitsKernel {
  readonly name: string;
  /**
   * Transposes 128 x m bits. rows: 128 rows of ceil(m / 8) bytes, row-major; bits beyond m are ignored.
   * Returns a fresh m x 16 bytes: bit r of row i is bit i of row r.
   */
  transpose128(rows: Uint8Array, m: number): Uint8Array;
}

/** Bytes of a row of m bits. */
export function rowBytes(m: number): number {
  return Math.ceil(m / 8);
}

/** Throws `RangeError` unless `rows` holds 128 rows of m bits. */
export function checkRows(rows: Uint8Array, m: number): void {
  if (!Number.isSafeInteger(m) || m < 0) throw new RangeError(`"m" expected a count, got ${m}`);
  if (rows.length !== 128 * rowBytes(m)) {
    throw new RangeError(`"rows" expected ${128 * rowBytes(m)} bytes, got ${rows.length}`);
  }
}
