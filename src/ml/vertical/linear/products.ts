/**
 * Products of each party's clear matrix with shared vectors: the linear half of an iteration.
 *
 * Party p holds X_p in clear; the vector is shared. The other party encrypts its share, p multiplies by
 * X_p and masks the answer to shares (`he/matrix-product.ts`), and adds X_p times its own share in
 * clear. Both parties' blocks run at once, each on a channel of its own.
 */
import type { RingKernel } from '../../../kernels/ring-kernel.ts';
import type { Channel } from '../../../protocols/channel.ts';
import type { EncodedMatrix } from '../../../protocols/he/encoded-matrix.ts';
import {
  matVecEvaluator,
  matVecKeyOwner,
  transposedMatVecEvaluator,
  transposedMatVecKeyOwner,
} from '../../../protocols/he/matrix-product.ts';
import type { HeSession } from '../../../protocols/he/session.ts';
import type { Rng } from '../../../protocols/primitives/rng.ts';
import { add } from './fixed-point.ts';

/** What the products need; the channels are the two blocks', the same at both parties. */
export interface ProductContext {
  readonly he: HeSession;
  readonly ring: RingKernel;
  /** Carries the products with this party's matrix. */
  readonly ownBlock: Channel;
  /** Carries the products with the other party's matrix. */
  readonly peerBlock: Channel;
  readonly rng: Rng;
}

/** A party's clear matrix, in integers and encoded for the encrypted products. */
export interface ClearMatrix {
  /** [rows, columns] row-major. */
  readonly entries: Int32Array;
  readonly encoded: EncodedMatrix;
  readonly rows: number;
  readonly columns: number;
}

/** A vector that is in two parts, one a block: this party's share of both. */
export interface BlockShares {
  /** Share of the part that belongs to this party's columns (or rows). */
  readonly own: BigUint64Array;
  /** Share of the part that belongs to the other party's. */
  readonly peer: BigUint64Array;
}

/** Shape of the other party's matrix, which both know from the contract. */
export interface MatrixShape {
  readonly rows: number;
  readonly columns: number;
}

/**
 * Shares of X_p v_p for both blocks.
 * @param own this party's matrix, [rows, columns]
 * @param v shares of the vectors: own [columns], peer [peerShape.columns]
 * @returns own [rows], peer [peerShape.rows]; each with an error of at most one unit
 */
export async function blockProducts(
  context: ProductContext,
  own: ClearMatrix,
  peerShape: MatrixShape,
  v: BlockShares,
): Promise<BlockShares> {
  const { he, ring, ownBlock, peerBlock, rng } = context;
  const [cross, peer] = await Promise.all([
    matVecEvaluator(ownBlock, he, own.encoded, rng),
    matVecKeyOwner(peerBlock, he, v.peer, peerShape.rows, rng),
  ]);
  const local = ring.matVec(own.entries, v.own, own.rows, own.columns);
  return { own: add(cross, local), peer };
}

/**
 * Shares of X_p^T e for both blocks, e shared and common to both.
 * @param e this party's share, [rows]; the blocks may have more rows than e has: the rest counts as 0
 * @returns own [columns], peer [peerShape.columns]; each with an error of at most one unit
 */
export async function transposedBlockProducts(
  context: ProductContext,
  own: ClearMatrix,
  peerShape: MatrixShape,
  e: BigUint64Array,
): Promise<BlockShares> {
  const { he, ring, ownBlock, peerBlock, rng } = context;
  const [cross, peer] = await Promise.all([
    transposedMatVecEvaluator(ownBlock, he, own.encoded, rng),
    transposedMatVecKeyOwner(peerBlock, he, padded(e, peerShape.rows), peerShape.columns, rng),
  ]);
  const local = ring.transposedMatVec(own.entries, padded(e, own.rows), own.rows, own.columns);
  return { own: add(cross, local), peer };
}

function padded(e: BigUint64Array, rows: number): BigUint64Array {
  if (e.length === rows) return e;
  const longer = new BigUint64Array(rows);
  longer.set(e);
  return longer;
}
