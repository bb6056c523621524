/** Linear algebra over Z_2^64 with small clear matrices. Implementations agree bit for bit. */
export interface RingKernel {
  readonly name: string;
  /** X v mod 2^64. X: [n, d] row-major, v: [d]; returns a fresh [n]. */
  matVec(X: Int32Array, v: BigUint64Array, n: number, d: number): BigUint64Array;
  /** X^T e mod 2^64. X: [n, d] row-major, e: [n]; returns a fresh [d]. */
  transposedMatVec(X: Int32Array, e: BigUint64Array, n: number, d: number): BigUint64Array;
}

/** Throws `RangeError` unless the shapes agree. */
export function checkShapes(
  X: Int32Array,
  vector: BigUint64Array,
  expected: number,
  n: number,
  d: number,
): void {
  if (X.length !== n * d) throw new RangeError(`"X" expected ${n} x ${d}, got length ${X.length}`);
  if (vector.length !== expected) {
    throw new RangeError(`vector expected length ${expected}, got ${vector.length}`);
  }
}
