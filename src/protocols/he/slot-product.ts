/**
 * Sums of elementwise products of one party's secret vectors with another's, shared over Z_t, by
 * packing 4096 values in the slots of a BFV plaintext, [SV14] "Fully Homomorphic SIMD Operations". Nigel
 * Smart, Frederik Vercauteren. https://eprint.iacr.org/2011/133. Conversion to shares: slot-answer.ts.
 *
 * Functionality: for o < outputs, i < rows: shares mod t of sum_k T[k][i] C[o][k][i].
 *   Key owner in: T [terms, rows]              out: its share [outputs, rows]
 *   Evaluator in: C, by blocks from a callback  out: its share [outputs, rows]
 *
 * Security: semi-honest; ring LWE, AES-128 as a PRG, and the flooding noise's statistical distance
 *           (`floodDistanceBits` in parameters.ts: 2^-38 over 1000 answers of 16 ciphertexts).
 * Leaks:    terms, rows and outputs, which both know.
 * Cost:     1 round each way. A block has 4096 rows; when all rows take at most 2048 slots, a ciphertext holds
 *           g = 2^floor(log2(4096 / rows)) terms (at most the next power of two of terms). With B blocks:
 *           B ceil(terms / g) ciphertexts of 55 312 bytes there, B outputs answers of 55 296 back.
 *           Transforms of whole polynomials: 1 a ciphertext at the key owner, 1 a coefficient block at the
 *           evaluator; an answer takes 3 and 2.
 */
import { setImmediate } from 'node:timers/promises';
import { HeCiphertext, HeSlotAnswer } from '../../../proto/gen/he.ts';
import { type Accumulator, SLOT_MODULUS } from '../../kernels/rlwe-kernel.ts';
import type { Channel } from '../channel.ts';
import type { Rng } from '../primitives/rng.ts';
import { decodeCiphertext, encryptSymmetric, releaseCiphertext } from './encryption.ts';
import type { HeSession } from './session.ts';
import { answerSlots, openSlots } from './slot-answer.ts';
import { packSlots, readSlots, slotLayout } from './slot-layout.ts';

/**
 * C[output][term][fromRow ... fromRow + count - 1], each value in (-t/2, t/2), or null for zeros: which terms
 * an output leaves out is public. Asked for by blocks, in the order block, term, output.
 */
export type Coefficients = (
  output: number,
  term: number,
  fromRow: number,
  count: number,
) => Int32Array | null;

/** T[term][fromRow ... fromRow + count - 1], each value in (-t/2, t/2). Asked for by blocks, then terms. */
export type Values = (term: number, fromRow: number, count: number) => Int32Array;

/**
 * T: [terms, rows], row-major by term, values in (-t/2, t/2); or a function that makes them block by block, so
 * that the first ciphertext need not wait for the last row. Returns shares [outputs, rows].
 */
export async function slotDotKeyOwner(
  ch: Channel,
  he: HeSession,
  T: Int32Array | Values,
  terms: number,
  rows: number,
  outputs: number,
  rng: Rng,
): Promise<Uint32Array> {
  const layout = slotLayout(terms, rows, outputs);
  const values = typeof T === 'function' ? T : rowsOf(T, terms, rows);
  for (let block = 0; block < layout.blocks; block++) {
    for (let c = 0; c < layout.ciphertexts; c++) {
      const slots = packSlots(layout, c, block, (term, from, count) => {
        const some = values(term, from, count);
        checkBlock('T', some, count);
        return some;
      });
      await ch.send(HeCiphertext, encryptSlots(he, slots!, rng));
      await setImmediate(); // a send that finds room does not let other work run
    }
  }

  const shares = new Uint32Array(outputs * rows);
  for (let block = 0; block < layout.blocks; block++) {
    for (let output = 0; output < outputs; output++) {
      const answer = await ch.receive(HeSlotAnswer);
      readSlots(layout, openSlots(he.kernel, he.secretKey, answer), block, output, shares);
      await setImmediate();
    }
  }
  return shares;
}

/** Returns shares [outputs, rows]. */
export async function slotDotEvaluator(
  ch: Channel,
  he: HeSession,
  coefficients: Coefficients,
  terms: number,
  rows: number,
  outputs: number,
  rng: Rng,
): Promise<Uint32Array> {
  const layout = slotLayout(terms, rows, outputs);
  const shares = new Uint32Array(outputs * rows);
  // Kept until all input is read: the key owner sends without reading, and an answer that found no
  // room would stop both. They are few beside the input.
  const answers: HeSlotAnswer[] = [];
  const sums = Array.from({ length: outputs }, () => newSum(he));
  try {
    for (let block = 0; block < layout.blocks; block++) {
      for (let c = 0; c < layout.ciphertexts; c++) {
        const message = await ch.receive(HeCiphertext);
        multiplyAdd(he, sums, message, (output) =>
          packSlots(layout, c, block, (term, from, count) => {
            const values = coefficients(output, term, from, count);
            if (values) checkBlock('coefficients', values, count);
            return values;
          }),
        );
        await setImmediate();
      }
      sums.forEach((sum, output) => {
        const { answer, share } = answerSum(he, sum, rng);
        readSlots(layout, share, block, output, shares);
        answers.push(answer);
      });
    }
  } finally {
    for (const { c0, c1 } of sums) {
      c0.release();
      c1.release();
    }
  }

  for (const answer of answers) await ch.send(HeSlotAnswer, answer);
  return shares;
}

/** Enc_s(m), m given by its slots. */
export function encryptSlots(
  { kernel, secretKey }: Pick<HeSession, 'kernel' | 'secretKey'>,
  slots: Uint32Array,
  rng: Rng,
): HeCiphertext {
  const encoded = kernel.allocate();
  kernel.encodeSlots(encoded, slots);
  const message = encryptSymmetric(kernel, secretKey, encoded, rng);
  kernel.release(encoded);
  return message;
}

interface Sum {
  readonly c0: Accumulator;
  readonly c1: Accumulator;
}

function newSum({ kernel }: HeSession): Sum {
  return { c0: kernel.accumulator(), c1: kernel.accumulator() };
}

/** sums[output] += ciphertext plaintext(output). */
function multiplyAdd(
  { kernel }: HeSession,
  sums: readonly Sum[],
  message: HeCiphertext,
  plaintext: (output: number) => Uint32Array | null,
): void {
  const ct = decodeCiphertext(kernel, message);
  const factor = kernel.allocate();
  try {
    sums.forEach((sum, output) => {
      const slots = plaintext(output);
      if (!slots) return;
      kernel.liftSlots(factor, slots);
      kernel.forward(factor);
      sum.c0.multiplyAdd(ct.c0, factor);
      sum.c1.multiplyAdd(ct.c1, factor);
    });
  } finally {
    releaseCiphertext(kernel, ct);
    kernel.release(factor);
  }
}

/** The answer of a sum, which is zero again afterwards. */
function answerSum(
  { kernel, peerKey }: HeSession,
  sum: Sum,
  rng: Rng,
): { answer: HeSlotAnswer; share: Uint32Array } {
  const product = { c0: kernel.allocate(), c1: kernel.allocate() };
  for (const half of ['c0', 'c1'] as const) {
    sum[half].moveTo(product[half]);
  }
  const answered = answerSlots(kernel, product, peerKey, rng);
  releaseCiphertext(kernel, product);
  return answered;
}

/** The values of a whole table. */
function rowsOf(T: Int32Array, terms: number, rows: number): Values {
  if (T.length !== terms * rows) {
    throw new RangeError(`"T" expected ${terms} x ${rows}, got length ${T.length}`);
  }
  checkCentred('T', T);
  return (term, from, count) => T.subarray(term * rows + from, term * rows + from + count);
}

function checkBlock(name: string, values: Int32Array, count: number): void {
  if (values.length !== count) {
    throw new RangeError(`"${name}" expected ${count} values, got ${values.length}`);
  }
  checkCentred(name, values);
}

function checkCentred(name: string, values: Int32Array): void {
  const half = SLOT_MODULUS / 2;
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]!) > half) {
      throw new RangeError(`"${name}" expected values in (-t/2, t/2), got ${values[i]}`);
    }
  }
}
