import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { DEGREE } from '../../../src/kernels/rlwe-kernel.ts';
import {
  blockCoefficients,
  forwardCoefficients,
  type MatrixLayout,
  matrixLayout,
  readColumns,
  readRows,
  transposedCoefficients,
} from '../../../src/protocols/he/matrix-layout.ts';
import { negacyclicCoefficient } from '../../support/he-phase.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';

const word = (x: bigint): bigint => BigInt.asUintN(64, x);

/** All coefficients of U V that hold results of the block, computed in the clear; the others are noise. */
function product(V: BigUint64Array, U: Int32Array, at: (k: number) => boolean): BigUint64Array {
  return BigUint64Array.from({ length: DEGREE }, (_, k) =>
    at(k) ? word(negacyclicCoefficient(V, U, k)) : 0xbad_0bad_0badn,
  );
}

function random(n: number, d: number): Int32Array {
  return Int32Array.from(randomWords(n * d, seededRng(n)), (v) => Number(BigInt.asIntN(20, v)));
}

describe('matrix layout', () => {
  it('takes the fewest blocks', () => {
    const blocks = ({ columns, columnBlocks, rowBlocks }: MatrixLayout): number[] => [
      columns,
      columnBlocks,
      rowBlocks,
    ];
    deepEqual(blocks(matrixLayout(1, 1)), [1, 1, 1]);
    deepEqual(blocks(matrixLayout(100_000, 20)), [1, 20, 25]);
    deepEqual(blocks(matrixLayout(256, 20)), [16, 2, 1]);
    deepEqual(blocks(matrixLayout(20, 20)), [32, 1, 1]);
    deepEqual(blocks(matrixLayout(100_000, 5000)), [16, 313, 391]);
    deepEqual(blocks(matrixLayout(4097, 1)), [1, 1, 2]);
    for (const [n, d] of [
      [1, 5000],
      [30_000, 13],
      [1_000_000, 20],
    ] as const) {
      const { columns, rows, columnBlocks, rowBlocks } = matrixLayout(n, d);
      equal(columns * rows, DEGREE);
      ok(columns * columnBlocks >= d && rows * rowBlocks >= n);
    }
  });

  it('refuses sizes that cannot be', () => {
    for (const [n, d] of [
      [0, 1],
      [1, 0],
      [1.5, 1],
      [-1, 1],
      [1, Number.NaN],
    ] as const) {
      throws(() => matrixLayout(n, d), RangeError);
    }
  });

  // The identities of the header, on blocks of every shape, with rows and columns missing.
  for (const [n, d] of [
    [9, 1],
    [5, 3],
    [64, 64],
    [2, 300],
  ] as const) {
    it(`gives X v and X^T e with one encoding: ${n} x ${d}`, () => {
      const layout = matrixLayout(n, d);
      const X = random(n, d);
      const v = randomWords(d, seededRng('v'));
      const e = randomWords(n, seededRng('e'));
      const Xv = new BigUint64Array(n);
      const Xe = new BigUint64Array(d);
      const { columns, rows } = layout;
      equal(layout.columnBlocks * layout.rowBlocks, 1);
      const U = blockCoefficients(X, layout, 0, 0);

      const forward = product(
        forwardCoefficients(v, layout, 0),
        U,
        (k) => k % columns === columns - 1 && k < n * columns,
      );
      readRows(forward, layout, 0, Xv);
      const transposed = product(transposedCoefficients(e, layout, 0), U, (k) => k < columns);
      readColumns(transposed, layout, 0, Xe);

      const x = (i: number, j: number): bigint => BigInt(X[i * d + j]!);
      for (let i = 0; i < n; i++) {
        equal(Xv[i], word(v.reduce((sum, vj, j) => sum + x(i, j) * vj, 0n)), `row ${i}`);
      }
      for (let j = 0; j < d; j++) {
        equal(Xe[j], word(e.reduce((sum, ei, i) => sum + x(i, j) * ei, 0n)), `column ${j}`);
      }
      ok(rows >= n);
    });
  }

  it('cuts blocks where rows and columns end', () => {
    const layout: MatrixLayout = matrixLayout(4100, 9);
    const X = Int32Array.from({ length: 4100 * 9 }, (_, i) => i + 1);
    const seen = new Set<number>();
    for (let r = 0; r < layout.rowBlocks; r++) {
      for (let c = 0; c < layout.columnBlocks; c++) {
        for (const u of blockCoefficients(X, layout, r, c)) if (u !== 0) seen.add(u);
      }
    }
    equal(seen.size, X.length, 'every entry stands in some block');
    const v = BigUint64Array.from({ length: 9 }, (_, j) => BigInt(j + 1));
    const parts = Array.from({ length: layout.columnBlocks }, (_, c) =>
      forwardCoefficients(v, layout, c).filter((x) => x !== 0n),
    );
    deepEqual(
      parts.flatMap((part) => [...part]),
      [...v],
    );
  });
});
