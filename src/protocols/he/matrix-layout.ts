/**
 * Matrix-vector products by polynomial products: how X, v and e are laid out in coefficients.
 * After [HLHD22] "Cheetah". Huang, Lu, Hong, Ding. https://eprint.iacr.org/2022/207, with one encoding of
 * X for both directions.
 *
 * X is cut into blocks of m_w rows and n_w columns, powers of two with m_w n_w = N = 4096. In R = Z[X]/(X^N + 1):
 *
 *   U = sum_{r,k} x_{r,k} X^{r n_w + n_w - 1 - k}
 *   X v:    V = sum_k v_k X^k,           coefficient r n_w + n_w - 1 of U V is row r of X v
 *   X^T e:  E = sum_r e_r X^{-r n_w},    coefficient n_w - 1 - k of U E is entry k of X^T e
 *
 * with X^{-i} = -X^{N - i}. Other terms fall elsewhere: in U V their exponents differ from a result's by
 * k' - k, not a multiple of n_w; in U E by a non-zero multiple (r - r') n_w of n_w, less than N.
 * X v adds over column blocks and X^T e over row blocks.
 */
import { DEGREE } from '../../kernels/rlwe-kernel.ts';

/** Both sides derive it from (n, d). */
export interface MatrixLayout {
  readonly n: number;
  readonly d: number;
  /** n_w */
  readonly columns: number;
  /** m_w */
  readonly rows: number;
  readonly columnBlocks: number;
  readonly rowBlocks: number;
}

/**
 * The layout with the fewest bytes for one product each way: a column block costs a ciphertext in X v
 * and an answer in X^T e, a row block the other two, so the number of blocks is what counts.
 *
 * @param degree - N, or that of a subring, a power of two.
 */
export function matrixLayout(n: number, d: number, degree: number = DEGREE): MatrixLayout {
  for (const [name, size] of [
    ['n', n],
    ['d', d],
  ] as const) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError(`"${name}" expected a positive integer, got ${size}`);
    }
  }
  let best: MatrixLayout | undefined;
  for (let columns = 1; columns <= degree; columns *= 2) {
    const rows = degree / columns;
    const columnBlocks = Math.ceil(d / columns);
    const rowBlocks = Math.ceil(n / rows);
    if (!best || columnBlocks + rowBlocks < best.columnBlocks + best.rowBlocks) {
      best = { n, d, columns, rows, columnBlocks, rowBlocks };
    }
  }
  return best!;
}

/** U of block (rowBlock, columnBlock). X: [n, d] row-major; returns fresh coefficients, as many as a block has entries. */
export function blockCoefficients(
  X: Int32Array,
  layout: MatrixLayout,
  rowBlock: number,
  columnBlock: number,
): Int32Array {
  const { n, d, columns, rows } = layout;
  const U = new Int32Array(rows * columns);
  const lastRow = Math.min(rows, n - rowBlock * rows);
  const lastColumn = Math.min(columns, d - columnBlock * columns);
  for (let r = 0; r < lastRow; r++) {
    const from = (rowBlock * rows + r) * d + columnBlock * columns;
    const to = r * columns + columns - 1;
    for (let k = 0; k < lastColumn; k++) U[to - k] = X[from + k]!;
  }
  return U;
}

/** V of one column block. v: [d]; returns a fresh [N]. */
export function forwardCoefficients(
  v: BigUint64Array,
  layout: MatrixLayout,
  columnBlock: number,
): BigUint64Array {
  const from = columnBlock * layout.columns;
  const V = new BigUint64Array(DEGREE);
  V.set(v.subarray(from, Math.min(from + layout.columns, layout.d)));
  return V;
}

/** E of one row block. e: [n]; returns a fresh [N]. */
export function transposedCoefficients(
  e: BigUint64Array,
  layout: MatrixLayout,
  rowBlock: number,
): BigUint64Array {
  const from = rowBlock * layout.rows;
  const E = new BigUint64Array(DEGREE);
  const count = Math.min(layout.rows, layout.n - from);
  for (let r = 0; r < count; r++) {
    if (r === 0) E[0] = e[from]!;
    else E[DEGREE - r * layout.columns] = -e[from + r]!; // mod 2^64
  }
  return E;
}

/** Copies the rows of one row block of X v out of the coefficients of its product. */
export function readRows(
  product: BigUint64Array,
  layout: MatrixLayout,
  rowBlock: number,
  target: BigUint64Array,
): void {
  const from = rowBlock * layout.rows;
  const count = Math.min(layout.rows, layout.n - from);
  for (let r = 0; r < count; r++) {
    target[from + r] = product[r * layout.columns + layout.columns - 1]!;
  }
}

/** Copies the entries of one column block of X^T e out of the coefficients of its product. */
export function readColumns(
  product: BigUint64Array,
  layout: MatrixLayout,
  columnBlock: number,
  target: BigUint64Array,
): void {
  const from = columnBlock * layout.columns;
  const count = Math.min(layout.columns, layout.d - from);
  for (let k = 0; k < count; k++) target[from + k] = product[layout.columns - 1 - k]!;
}
