/**
 * Products of one party's clear matrix with several secret vectors of another's at once, shared over Z_2^64.
 * Encoding: batch-matrix.ts. Conversion to shares and its security: ring-answer.ts.
 *
 * Functionality: shares of X v_l for l < B, each entry up to {-1, 0, 1}.
 *   Key owner in: v_0 .. v_(B-1), [d] each   out: its shares, [n] each
 *   Evaluator in: X [n, d]                   out: its shares
 *
 * Security: semi-honest; ring LWE and AES-128 as a PRG. As matrix-product.ts: the messages are encryptions under a key
 *           that depends on no vector, and answers that look uniform whatever X.
 * Leaks:    n, d and B, which both know.
 * Cost:     1 round each way; C ciphertexts of 55 312 bytes there and R answers of 41 488 back, one message each, with C
 *           column and R row blocks of batchLayout: for X of [620, 2048] and B = 32, 128 and 78, where B products one by
 *           one take 512 and 640. Transforms as there; evaluator 2 C R pointwise products.
 *
 * Names: B vectors of a batch; X matrix; v_l vectors.
 */
import { setImmediate } from 'node:timers/promises';
import type { Channel } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { type BatchMatrix, batchCoefficients, batchLayout, readBatch } from './batch-matrix.ts';
import type { Ciphertext } from './encryption.ts';
import { receiveAnswers, sendAnswer, sendCiphertexts, withCiphertexts } from './matrix-product.ts';
import type { HeSession } from './session.ts';

/** Answers that are computed at a time: more would keep other work waiting, fewer read the ciphertexts more often. */
const ANSWERS = 8;

/** vectors: as many as the matrix takes at a time, the key owner's; returns its shares [n] of every X v. */
export async function batchKeyOwner(
  ch: Channel,
  he: HeSession,
  vectors: readonly BigUint64Array[],
  n: number,
  rng: Rng,
): Promise<BigUint64Array[]> {
  const layout = batchLayout(n, vectors[0]!.length, vectors.length);
  const shares = vectors.map(() => new BigUint64Array(n));
  const message = (j: number): BigUint64Array => batchCoefficients(vectors, layout, j);
  await sendCiphertexts(ch, he, layout.columnBlocks, message, rng);

  await receiveAnswers(ch, he, layout.rowBlocks, (i, part) => readBatch(part, layout, i, shares));
  return shares;
}

/** Returns the evaluator's shares [n] of every X v. */
export async function batchEvaluator(
  ch: Channel,
  he: HeSession,
  X: BatchMatrix,
  rng: Rng,
): Promise<BigUint64Array[]> {
  const { layout, batch } = X;
  const shares = Array.from({ length: batch }, () => new BigUint64Array(layout.n));
  await withCiphertexts(ch, he, layout.columnBlocks, async (ciphertexts) => {
    for (let first = 0; first < layout.rowBlocks; first += ANSWERS) {
      const products = sumsOfParts(he, ciphertexts, X, first);
      await setImmediate();
      for (const [i, product] of products.entries()) {
        readBatch(await sendAnswer(ch, he, product, rng), layout, first + i, shares);
      }
    }
  });
  return shares;
}

/** sum_j ciphertexts_j U(X^B), U block (i, j) of the matrix, for the next row blocks i. */
function sumsOfParts(
  { kernel }: HeSession,
  ciphertexts: readonly Ciphertext[],
  X: BatchMatrix,
  first: number,
): Ciphertext[] {
  const count = Math.min(ANSWERS, X.layout.rowBlocks - first);
  const products = Array.from({ length: count }, () => ({
    c0: kernel.allocate(),
    c1: kernel.allocate(),
  }));
  kernel.sumPartProducts(
    products.map(({ c0, c1 }, i) => ({
      ...{ z0: c0, z1: c1 },
      parts: ciphertexts.map((_, j) => X.block(first + i, j)),
    })),
    ciphertexts.map(({ c0, c1 }) => ({ x0: c0, x1: c1 })),
    X.batch,
  );
  return products;
}
