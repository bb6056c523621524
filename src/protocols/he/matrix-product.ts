/**
 * Products of one party's clear matrix with another's secret vector, shared over Z_2^64.
 * Encoding: matrix-layout.ts. Conversion to shares and its security: ring-answer.ts.
 *
 * Functionality: shares of X v or X^T e, each entry up to {-1, 0, 1}.
 *   Key owner in: v [d] or e [n] (usually its share of them)  out: its share, [n] or [d]
 *   Evaluator in: X [n, d]                                    out: its share
 *
 * Security: semi-honest; ring LWE and AES-128 as a PRG.
 * Leaks:    n and d, which both know.
 * Cost:     1 round each way; with C column and R row blocks (matrix-layout.ts), X v takes C ciphertexts of
 *           55 312 bytes there and R answers of 41 488 back, X^T e the other way about; one message each.
 *           Transforms of whole polynomials: key owner 1 a ciphertext and 2 an answer, evaluator 3 an answer;
 *           evaluator 2 C R pointwise products.
 *
 * Names: U blocks of X; V, E the vector's polynomials, in matrix-layout.ts.
 */
import { setImmediate } from 'node:timers/promises';
import { HeCiphertext, HeRingAnswer } from '../../../proto/gen/he.ts';
import type { Polynomial } from '../../kernels/rlwe-kernel.ts';
import type { Channel } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import type { EncodedMatrix } from './encoded-matrix.ts';
import {
  type Ciphertext,
  decodeCiphertext,
  encryptSymmetric,
  releaseCiphertext,
} from './encryption.ts';
import {
  forwardCoefficients,
  matrixLayout,
  readColumns,
  readRows,
  transposedCoefficients,
} from './matrix-layout.ts';
import { answerRing, openRing } from './ring-answer.ts';
import type { HeSession } from './session.ts';

/** v: [d], the key owner's; returns its share [n] of X v. */
export async function matVecKeyOwner(
  ch: Channel,
  he: HeSession,
  v: BigUint64Array,
  n: number,
  rng: Rng,
): Promise<BigUint64Array> {
  const layout = matrixLayout(n, v.length);
  const share = new BigUint64Array(n);
  await sendCiphertexts(ch, he, layout.columnBlocks, (i) => forwardCoefficients(v, layout, i), rng);

  await receiveAnswers(ch, he, layout.rowBlocks, (i, part) => readRows(part, layout, i, share));
  return share;
}

/** Returns the evaluator's share [n] of X v. */
export async function matVecEvaluator(
  ch: Channel,
  he: HeSession,
  X: EncodedMatrix,
  rng: Rng,
): Promise<BigUint64Array> {
  const { layout } = X;
  const share = new BigUint64Array(layout.n);
  await withCiphertexts(ch, he, layout.columnBlocks, async (ciphertexts) => {
    for (let i = 0; i < layout.rowBlocks; i++) {
      const product = sumOfProducts(he, ciphertexts, (j) => X.block(i, j));
      readRows(await sendAnswer(ch, he, product, rng), layout, i, share);
    }
  });
  return share;
}

/** e: [n], the key owner's; returns its share [d] of X^T e. */
export async function transposedMatVecKeyOwner(
  ch: Channel,
  he: HeSession,
  e: BigUint64Array,
  d: number,
  rng: Rng,
): Promise<BigUint64Array> {
  const layout = matrixLayout(e.length, d);
  const share = new BigUint64Array(d);
  await sendCiphertexts(ch, he, layout.rowBlocks, (i) => transposedCoefficients(e, layout, i), rng);

  await receiveAnswers(ch, he, layout.columnBlocks, (i, part) =>
    readColumns(part, layout, i, share),
  );
  return share;
}

/** Returns the evaluator's share [d] of X^T e. */
export async function transposedMatVecEvaluator(
  ch: Channel,
  he: HeSession,
  X: EncodedMatrix,
  rng: Rng,
): Promise<BigUint64Array> {
  const { layout } = X;
  const share = new BigUint64Array(layout.d);
  await withCiphertexts(ch, he, layout.rowBlocks, async (ciphertexts) => {
    for (let i = 0; i < layout.columnBlocks; i++) {
      const product = sumOfProducts(he, ciphertexts, (j) => X.block(j, i));
      readColumns(await sendAnswer(ch, he, product, rng), layout, i, share);
    }
  });
  return share;
}

/** Key owner: encrypts and sends one message at a time. */
export async function sendCiphertexts(
  ch: Channel,
  he: HeSession,
  count: number,
  coefficients: (i: number) => BigUint64Array,
  rng: Rng,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    await ch.send(HeCiphertext, encryptRing(he, coefficients(i), rng));
    await setImmediate(); // a send that finds room lets no other work run, nor does a full mailbox
  }
}

/**
 * Evaluator: receives the ciphertexts, which are released when `answer` is done. Every answer needs all of
 * them, so they are kept, 128 KiB each.
 */
export async function withCiphertexts(
  ch: Channel,
  he: HeSession,
  count: number,
  answer: (ciphertexts: readonly Ciphertext[]) => Promise<void>,
): Promise<void> {
  const ciphertexts: Ciphertext[] = [];
  try {
    while (ciphertexts.length < count) {
      ciphertexts.push(decodeCiphertext(he.kernel, await ch.receive(HeCiphertext)));
      await setImmediate();
    }

    await answer(ciphertexts);
  } finally {
    for (const ct of ciphertexts) releaseCiphertext(he.kernel, ct);
  }
}

/** Evaluator: sends one answer and returns the coefficients of its own share. */
export async function sendAnswer(
  ch: Channel,
  he: HeSession,
  product: Ciphertext,
  rng: Rng,
): Promise<BigUint64Array> {
  const { answer, share } = answerRing(he.kernel, product, he.peerKey, rng);
  releaseCiphertext(he.kernel, product);
  await ch.send(HeRingAnswer, answer);
  await setImmediate();
  return share;
}

/** Key owner: reads answers as they come. */
export async function receiveAnswers(
  ch: Channel,
  he: HeSession,
  count: number,
  read: (i: number, share: BigUint64Array) => void,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    read(i, openRing(he.kernel, he.secretKey, await ch.receive(HeRingAnswer)));
    await setImmediate();
  }
}

/** Enc_s(m), m: coefficients over Z_2^64. */
export function encryptRing(
  { kernel, secretKey }: Pick<HeSession, 'kernel' | 'secretKey'>,
  m: BigUint64Array,
  rng: Rng,
): HeCiphertext {
  const encoded = kernel.allocate();
  kernel.encodeRing(encoded, m);
  const message = encryptSymmetric(kernel, secretKey, encoded, rng);
  kernel.release(encoded);
  return message;
}

/** sum_j ciphertexts_j plaintext(j), all at the NTT points. */
export function sumOfProducts(
  { kernel }: Pick<HeSession, 'kernel'>,
  ciphertexts: readonly Ciphertext[],
  plaintext: (j: number) => Polynomial,
): Ciphertext {
  const product = { c0: kernel.allocate(), c1: kernel.allocate() };
  const terms = ciphertexts.map(({ c0, c1 }, j) => ({ x0: c0, x1: c1, y: plaintext(j) }));
  kernel.sumProducts(product.c0, product.c1, terms);
  return product;
}
