/**
 * Dense real matrices: a shape and a row-major array. Nothing here is clever; the order of every sum is
 * fixed, so results are the same bit for bit wherever IEEE 754 doubles are.
 */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] row-major. */
  readonly values: Float64Array;
}

/** Wraps `values` (not copied) after checking that it has rows * columns entries. */
export function matrix(values: Float64Array, rows: number, columns: number): Matrix {
  if (!Number.isSafeInteger(rows) || rows < 0 || !Number.isSafeInteger(columns) || columns < 0) {
    throw new RangeError(`shape expected two non-negative integers, got ${rows} x ${columns}`);
  }
  if (values.length !== rows * columns) {
    throw new RangeError(
      `"values" expected ${rows} x ${columns} = ${rows * columns} entries, got ${values.length}`,
    );
  }
  return { rows, columns, values };
}

/** A matrix of zeros. */
export function zeros(rows: number, columns: number): Matrix {
  return matrix(new Float64Array(rows * columns), rows, columns);
}

/** Throws RangeError at the first entry that is NaN or infinite. */
export function assertFinite(A: Matrix, name: string): void {
  const bad = A.values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  const row = Math.floor(bad / A.columns);
  throw new RangeError(
    `"${name}" expected finite values, got ${A.values[bad]} in row ${row}, column ${bad % A.columns}`,
  );
}

/** A x: [rows]. */
export function multiply(A: Matrix, x: Float64Array): Float64Array {
  if (x.length !== A.columns) {
    throw new RangeError(`"x" expected ${A.columns} entries, got ${x.length}`);
  }
  const { rows, columns, values } = A;
  const result = new Float64Array(rows);
  for (let i = 0, at = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++, at++) sum += values[at]! * x[j]!;
    result[i] = sum;
  }
  return result;
}

/** A^T x: [columns]. */
export function multiplyTransposed(A: Matrix, x: Float64Array): Float64Array {
  if (x.length !== A.rows) {
    throw new RangeError(`"x" expected ${A.rows} entries, got ${x.length}`);
  }
  const { rows, columns, values } = A;
  const result = new Float64Array(columns);
  for (let i = 0, at = 0; i < rows; i++) {
    const factor = x[i]!;
    for (let j = 0; j < columns; j++, at++) result[j]! += factor * values[at]!;
  }
  return result;
}

/** A B: [A.rows, B.columns]. */
export function multiplyMatrices(A: Matrix, B: Matrix): Matrix {
  if (A.columns !== B.rows) {
    throw new RangeError(`"B" expected ${A.columns} rows, got ${B.rows}`);
  }
  const result = zeros(A.rows, B.columns);
  const width = B.columns;
  for (let i = 0; i < A.rows; i++) {
    for (let k = 0; k < A.columns; k++) {
      const factor = A.values[i * A.columns + k]!;
      if (factor === 0) continue;
      for (let j = 0; j < width; j++) {
        result.values[i * width + j]! += factor * B.values[k * width + j]!;
      }
    }
  }
  return result;
}

/** A^T diag(weights) A: [columns, columns], symmetric. Weights default to 1. */
export function gram(A: Matrix, weights?: Float64Array): Matrix {
  if (weights && weights.length !== A.rows) {
    throw new RangeError(`"weights" expected ${A.rows} entries, got ${weights.length}`);
  }
  const d = A.columns;
  const result = zeros(d, d);
  const G = result.values;
  for (let i = 0; i < A.rows; i++) {
    const weight = weights ? weights[i]! : 1;
    const at = i * d;
    for (let j = 0; j < d; j++) {
      const factor = weight * A.values[at + j]!;
      for (let k = 0; k <= j; k++) G[j * d + k]! += factor * A.values[at + k]!;
    }
  }
  for (let j = 0; j < d; j++) for (let k = 0; k < j; k++) G[k * d + j] = G[j * d + k]!;
  return result;
}

/** The named rows, in the given order; a copy. */
export function takeRows(A: Matrix, rows: Uint32Array): Matrix {
  const result = zeros(rows.length, A.columns);
  rows.forEach((row, i) => {
    if (row >= A.rows) throw new RangeError(`"rows" expected indices < ${A.rows}, got ${row}`);
    const start = row * A.columns;
    result.values.set(A.values.subarray(start, start + A.columns), i * A.columns);
  });
  return result;
}

/** The values of the named rows, in the given order; a copy. */
export function takeValues(values: Float64Array, rows: Uint32Array): Float64Array {
  const taken = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) taken[i] = values[rows[i]!]!;
  return taken;
}

/** Columns [from, to); a copy. */
export function takeColumns(A: Matrix, from: number, to: number): Matrix {
  if (!(0 <= from && from <= to && to <= A.columns)) {
    throw new RangeError(`"from", "to" expected a range within ${A.columns}, got [${from}, ${to})`);
  }
  const result = zeros(A.rows, to - from);
  for (let i = 0; i < A.rows; i++) {
    const start = i * A.columns;
    result.values.set(A.values.subarray(start + from, start + to), i * (to - from));
  }
  return result;
}

/** The blocks side by side; a copy. All need the same number of rows. */
export function concatColumns(blocks: readonly Matrix[]): Matrix {
  const rows = blocks[0]?.rows ?? 0;
  const columns = blocks.reduce((sum, block) => sum + block.columns, 0);
  const result = zeros(rows, columns);
  let offset = 0;
  for (const block of blocks) {
    if (block.rows !== rows) {
      throw new RangeError(`"blocks" expected ${rows} rows each, got ${block.rows}`);
    }
    for (let i = 0; i < rows; i++) {
      const start = i * block.columns;
      result.values.set(block.values.subarray(start, start + block.columns), i * columns + offset);
    }
    offset += block.columns;
  }
  return result;
}
