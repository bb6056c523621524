import type { Polynomial, RlweKernel } from '../../kernels/rlwe-kernel.ts';
import { blockCoefficients, type MatrixLayout, matrixLayout } from './matrix-layout.ts';
import { MAX_RING_ERROR, ringError } from './parameters.ts';
import type { HeSession } from './session.ts';

/** A clear matrix at the NTT points, for both directions and any number of products. 64 KiB a block. */
export interface EncodedMatrix {
  readonly layout: MatrixLayout;
  block(rowBlock: number, columnBlock: number): Polynomial;
  /** Gives the memory back. The matrix must not be used any more. */
  free(): void;
}

/**
 * Encodes X: [n, d] row-major. Throws `RangeError` when `checkNoise` does.
 * Features of up to 26 bits in standardised columns (norm 2 sqrt(n) 2^13) fit at any practical n.
 */
export function encodeMatrix(
  he: Pick<HeSession, 'kernel'>,
  X: Int32Array,
  n: number,
  d: number,
): EncodedMatrix {
  const layout = matrixLayout(n, d);
  checkNoise(X, layout);
  const { kernel } = he;
  const blocks = Array.from({ length: layout.rowBlocks * layout.columnBlocks }, (_, i) => {
    const rowBlock = Math.floor(i / layout.columnBlocks);
    const columnBlock = i % layout.columnBlocks;
    return encodeBlock(kernel, X, layout, rowBlock, columnBlock);
  });
  return matrixOfBlocks(kernel, layout, blocks);
}

/** A matrix of blocks that `encodeBlock` made, row blocks in order, now the matrix's. */
function matrixOfBlocks(
  kernel: RlweKernel,
  layout: MatrixLayout,
  blocks: Polynomial[],
): EncodedMatrix {
  return {
    layout,
    block(rowBlock, columnBlock) {
      const block = blocks[rowBlock * layout.columnBlocks + columnBlock];
      if (!block) throw new RangeError(`no block (${rowBlock}, ${columnBlock})`);
      return block;
    },
    free() {
      for (const block of blocks.splice(0)) kernel.release(block);
    },
  };
}

/** One block of X: [n, d] at the NTT points. */
function encodeBlock(
  kernel: RlweKernel,
  X: Int32Array,
  layout: MatrixLayout,
  rowBlock: number,
  columnBlock: number,
): Polynomial {
  const x = kernel.allocate();
  kernel.lift(x, blockCoefficients(X, layout, rowBlock, columnBlock));
  kernel.forward(x);
  return x;
}

/**
 * Throws `RangeError` unless the noise of every product with X, in either direction, leaves shares right
 * to one unit (`ringError` at most 1/2). What counts is the l2 norm of all entries that one answer
 * sums: of a block of rows in X v, of a block of columns in X^T e. It may reach 2^38.
 */
export function checkNoise(X: Int32Array, layout: MatrixLayout): void {
  const { n, d, columns, rows } = layout;
  if (X.length !== n * d) throw new RangeError(`"X" expected ${n} x ${d}, got length ${X.length}`);
  const ofRows = new Float64Array(layout.rowBlocks);
  const ofColumns = new Float64Array(layout.columnBlocks);
  for (let i = 0, at = 0; i < n; i++) {
    const rowBlock = Math.floor(i / rows);
    for (let j = 0; j < d; j++, at++) {
      const square = X[at]! * X[at]!;
      ofRows[rowBlock]! += square;
      ofColumns[Math.floor(j / columns)]! += square;
    }
  }
  const largest = [ofRows, ofColumns].reduce(
    (most, sums) => sums.reduce((a, b) => Math.max(a, b), most),
    0,
  );
  const error = ringError(Math.sqrt(largest));
  if (error > MAX_RING_ERROR) {
    throw new RangeError(
      `"X" is too large for exact products: the norm of a block is 2^${(Math.log2(largest) / 2).toFixed(1)}`,
    );
  }
}
