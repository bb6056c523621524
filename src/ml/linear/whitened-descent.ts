/**
 * Accelerated gradient descent on whitened column blocks: the solver `auto`.
 *
 *   z = sum_p U_p q_p                     linear predictor at the look-ahead point q
 *   e_i = loss'(z_i)                      the link
 *   g_p = U_p^T e / n + M_p q_p           gradient, ridge included
 *   v_p' = q_p - g_p / m,   q_p' = v_p' + beta_k (v_p' - v_p)
 *
 * Each block's share of the Hessian is at most I, so the joint one is at most m I for m blocks, and
 * 1/m is a safe step (see whiten.ts). Joint training runs these lines with v, q, z, e, g secret-shared
 * and U_p, M_p at their owner.
 *
 * U_p: [n, D_p]   M_p: [D_p, D_p]   v_p, q_p, g_p: [D_p]   z, e: [n]
 */

import { type Matrix, multiply, multiplyTransposed } from '../data/matrix.ts';
import { acceleration } from './acceleration.ts';

export interface WhitenedBlock {
  readonly U: Matrix;
  readonly ridge: Matrix;
}

/** loss'(z) of training row `row`. */
export type RowGradient = (z: number, row: number) => number;

/**
 * The weights v_1..v_m after each iteration, from zero and without end. The arrays yielded are not
 * written again.
 */
export function* whitenedIterates(
  blocks: readonly WhitenedBlock[],
  rowGradient: RowGradient,
): Generator<readonly Float64Array[], never, undefined> {
  const n = blocks[0]?.U.rows ?? 0;
  if (n === 0 || blocks.some(({ U }) => U.rows !== n)) {
    throw new RangeError('"blocks" expected at least one block and the same rows in each');
  }
  const step = 1 / blocks.length;
  let v: Float64Array[] = blocks.map(({ U }) => new Float64Array(U.columns));
  let q = v;
  for (let k = 0; ; k++) {
    const e = linearPredictor(blocks, q).map(rowGradient);
    const beta = acceleration(k);
    const next = blocks.map(({ U, ridge }, p) => {
      const penalty = multiply(ridge, q[p]!);
      return multiplyTransposed(U, e).map((g, j) => q[p]![j]! - step * (g / n + penalty[j]!));
    });
    q = next.map((v_p, p) => v_p.map((value, j) => value + beta * (value - v[p]![j]!)));
    v = next;
    yield v;
  }
}

/** z = sum_p U_p v_p: [n]. */
export function linearPredictor(
  blocks: readonly WhitenedBlock[],
  v: readonly Float64Array[],
): Float64Array {
  const z = new Float64Array(blocks[0]?.U.rows ?? 0);
  blocks.forEach(({ U }, p) => {
    multiply(U, v[p]!).forEach((part, row) => {
      z[row]! += part;
    });
  });
  return z;
}
