/**
 * Several vectors times one clear matrix: how X and the vectors are laid out in coefficients, so that one product of
 * polynomials serves all of them.
 *
 * With Y = X^B, B a power of two, Z[Y]/(Y^M + 1), M = N / B, is a subring of R = Z[X]/(X^N + 1), and every element of R is
 * sum_l X^l V_l(X^B), l < B, with V_l in the subring. A factor U(X^B) multiplies each V_l on its own. So block U of the
 * matrix is that of `matrix-layout.ts` in the subring, vector l is V_l, and row r of X v_l is coefficient
 * B (r n_w + n_w - 1) + l of the product. An answer has N / n_w results, as it has for one vector; but a ciphertext carries
 * B n_w entries in place of n_w, so that blocks may be narrow and answers full.
 *
 * Names: B vectors of a batch; M degree of the subring; n_w columns of a block.
 */
import { setImmediate } from 'node:timers/promises';
import { DEGREE, type Polynomial, type RlweKernel } from '../../kernels/rlwe-kernel.ts';
import { blockCoefficients, type MatrixLayout, matrixLayout } from './matrix-layout.ts';

/** A clear matrix for products with `batch` vectors at a time, at the NTT points of the subring. */
export interface BatchMatrix {
  readonly layout: MatrixLayout;
  readonly batch: number;
  /** A block, and its number among those that the polynomial holds. */
  block(rowBlock: number, columnBlock: number): { readonly y: Polynomial; readonly part: number };
  /** Gives the memory back. The matrix must not be used any more. */
  free(): void;
}

/** Both sides derive it from the shape. batch: one of `PARTS`. */
export function batchLayout(n: number, d: number, batch: number): MatrixLayout {
  return matrixLayout(n, d, DEGREE / batch);
}

/**
 * Encodes X: [n, d] row-major, 16 bytes an entry. Whoever calls it answers for the noise of the products, see `batchNorm`.
 */
export async function encodeBatch(
  kernel: RlweKernel,
  X: Int32Array,
  { n, d }: { readonly n: number; readonly d: number },
  batch: number,
): Promise<BatchMatrix> {
  const layout = batchLayout(n, d, batch);
  const { rowBlocks, columnBlocks } = layout;
  const perRow = Math.ceil(columnBlocks / batch);
  const held: Polynomial[] = [];
  for (let i = 0; i < rowBlocks; i++) {
    for (let first = 0; first < columnBlocks; first += batch) {
      const coefficients = new Int32Array(DEGREE);
      for (let part = 0; part < batch && first + part < columnBlocks; part++) {
        const U = blockCoefficients(X, layout, i, first + part);
        coefficients.set(U, part * U.length);
      }
      const y = kernel.allocate();
      kernel.lift(y, coefficients);
      kernel.forwardParts(y, batch);
      held.push(y);
    }
    await setImmediate();
  }
  return {
    layout,
    batch,
    block(rowBlock, columnBlock) {
      const y = held[rowBlock * perRow + Math.floor(columnBlock / batch)];
      if (!y) throw new RangeError(`no block (${rowBlock}, ${columnBlock})`);
      return { y, part: columnBlock % batch };
    },
    free() {
      for (const y of held.splice(0)) kernel.release(y);
    },
  };
}

/** The l2 norm of the plaintext coefficients that meet in one result, for entries of size `entry`: see `ringError`. */
export function batchNorm(entry: number, { rows, columns, columnBlocks }: MatrixLayout): number {
  return entry * Math.sqrt(rows * columns * columnBlocks);
}

/** The message of one column block: entries of all vectors, interleaved. Returns a fresh [N]. */
export function batchCoefficients(
  vectors: readonly BigUint64Array[],
  { columns, d }: MatrixLayout,
  columnBlock: number,
): BigUint64Array {
  const V = new BigUint64Array(DEGREE);
  const from = columnBlock * columns;
  const count = Math.min(columns, d - from);
  vectors.forEach((v, l) => {
    for (let c = 0; c < count; c++) V[vectors.length * c + l] = v[from + c]!;
  });
  return V;
}

/** Copies the rows of one row block of every X v_l out of the coefficients of the product. */
export function readBatch(
  product: BigUint64Array,
  { n, rows, columns }: MatrixLayout,
  rowBlock: number,
  targets: readonly BigUint64Array[],
): void {
  const from = rowBlock * rows;
  const count = Math.min(rows, n - from);
  targets.forEach((target, l) => {
    for (let r = 0; r < count; r++) {
      target[from + r] = product[targets.length * (r * columns + columns - 1) + l]!;
    }
  });
}
