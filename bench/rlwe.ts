/**
 * The homomorphic layer on its own: how far the noise of real products stays from where decryption fails,
 * and what each operation takes: `[--repeats 50]`. One process, no session.
 */
import { DEGREE, SLOT_MODULUS } from '../src/kernels/rlwe-kernel.ts';
import {
  type Ciphertext,
  decodeCiphertext,
  releaseCiphertext,
} from '../src/protocols/he/encryption.ts';
import { encryptRing, sumOfProducts } from '../src/protocols/he/matrix-product.ts';
import {
  CIPHERTEXT_BYTES,
  floodDistanceBits,
  RING_ANSWER_BYTES,
  ringError,
  SLOT_ANSWER_BYTES,
  SLOT_ANSWER_PRIMES,
  slotMargin,
} from '../src/protocols/he/parameters.ts';
import { answerRing, openRing } from '../src/protocols/he/ring-answer.ts';
import type { HeSession } from '../src/protocols/he/session.ts';
import { answerSlots, openSlots, uniformSlots } from '../src/protocols/he/slot-answer.ts';
import { encryptSlots } from '../src/protocols/he/slot-product.ts';
import { systemRng } from '../src/protocols/primitives/rng.ts';
import { hePair, heKernel as kernel } from '../test/support/he-pair.ts';
import {
  modulus,
  negacyclicCoefficient,
  noiseOf,
  phaseOfCoefficients,
} from '../test/support/he-phase.ts';
import { exactProducts, peak } from '../test/support/he-products.ts';
import { randomWords, seededRng } from '../test/support/seeded-rng.ts';
import { readOptions, wholeNumber } from './options.ts';
import { peakRssMb } from './party-process.ts';
import type { BenchResult } from './result.ts';

/** Bits of the features that a product sums, and how many: the extremes of what training may do. */
const RING_EXTREMES = [
  { bits: 31, products: 2 },
  { bits: 26, products: 64 },
] as const;
/** Ciphertexts of one slot answer: sines and cosines of 8 harmonics. */
const SLOT_CIPHERTEXTS = 16;
/** Every so many coefficients of an answer is checked. */
const ANSWER_STRIDE = 64;
/** Answers over which the statistical distance of flooding is stated. */
const FLOODED_ANSWERS = 1000;

const T = BigInt(SLOT_MODULUS);

export async function run(args: readonly string[]): Promise<BenchResult> {
  const values = readOptions(args, { repeats: { type: 'string', default: '50' } });
  const repeats = wholeNumber('repeats', values.repeats);
  const start = performance.now();
  const { alice, bob } = await hePair();
  const pair: Pair = { alice, bob };

  const ring = RING_EXTREMES.map(({ bits, products }) => {
    const { margin, checked } = exactProducts(alice, bits, products, 4);
    return [`bits${bits}products${products}`, { marginBits: margin, checked }] as const;
  });
  const answer = ringAnswerError(pair);
  const slots = slotAnswerMargin(pair);
  const milliseconds = operationTimes(pair, repeats);
  const correct =
    ring.every(([, { marginBits }]) => marginBits > 0) &&
    answer.largestError <= answer.announcedError &&
    slots.exact;
  return {
    bench: 'rlwe',
    params: { repeats, processes: 'one, without a session', kernel: kernel.name },
    correct,
    seconds: (performance.now() - start) / 1000,
    bytesSent: {},
    peakRssMb: { bench: peakRssMb() },
    metrics: {
      ringProducts: Object.fromEntries(ring),
      ringAnswer: answer,
      slotAnswer: slots,
      milliseconds,
      bytes: {
        ciphertext: CIPHERTEXT_BYTES,
        ringAnswer: RING_ANSWER_BYTES,
        slotAnswer: SLOT_ANSWER_BYTES,
      },
    },
    notes: [
      'marginBits: log2 of the noise at which decryption fails over the largest noise measured',
      'milliseconds: medians; multiplyAccumulate is one ciphertext by one block, both halves',
    ],
  };
}

/** Alice owns the key, Bob evaluates. */
interface Pair {
  readonly alice: HeSession;
  readonly bob: HeSession;
}

/** Shares of a product of dense features with a uniform vector: how far their sum is from the product. */
function ringAnswerError({ alice, bob }: Pair): {
  readonly largestError: number;
  readonly announcedError: number;
  readonly checked: number;
} {
  const rng = seededRng('ring answer');
  const X = Int32Array.from(randomWords(DEGREE, rng), (v) => Number(BigInt.asIntN(27, v)));
  const v = randomWords(DEGREE, rng);
  const plain = kernel.allocate();
  kernel.lift(plain, X);
  kernel.forward(plain);
  const received = decodeCiphertext(kernel, encryptRing(alice, v, rng));
  const product = sumOfProducts(bob, [received], () => plain);
  const { answer, share } = answerRing(kernel, product, bob.peerKey, rng);
  const other = openRing(kernel, alice.secretKey, answer);
  let largestError = 0;
  for (let k = 0; k < DEGREE; k += ANSWER_STRIDE) {
    const expected = negacyclicCoefficient(v, X, k);
    const error = BigInt.asIntN(64, share[k]! + other[k]! - expected);
    largestError = Math.max(largestError, Math.abs(Number(error)));
  }
  for (const ct of [received, product]) releaseCiphertext(kernel, ct);
  kernel.release(plain);
  return {
    largestError,
    announcedError: 1 + ringError(Math.hypot(...X)),
    checked: DEGREE / ANSWER_STRIDE,
  };
}

/** A flooded answer of uniform slots: the room that its noise leaves, and whether its shares are right. */
function slotAnswerMargin({ alice, bob }: Pair): {
  readonly exact: boolean;
  readonly ciphertexts: number;
  readonly marginBits: number;
  readonly announcedMarginBits: number;
  readonly floodDistanceBits: number;
} {
  const rng = seededRng('slot answer');
  const expected = new Uint32Array(DEGREE);
  const factors = Array.from({ length: SLOT_CIPHERTEXTS }, () => {
    const [secret, coefficients] = [uniformSlots(rng), uniformSlots(rng)];
    secret.forEach((slot, i) => {
      expected[i] = Number((BigInt(expected[i]!) + BigInt(slot) * BigInt(coefficients[i]!)) % T);
    });
    const plain = kernel.allocate();
    kernel.liftSlots(plain, coefficients);
    kernel.forward(plain);
    return { ct: decodeCiphertext(kernel, encryptSlots(alice, secret, rng)), plain };
  });
  const product = sumOfProducts(
    bob,
    factors.map(({ ct }) => ct),
    (j) => factors[j]!.plain,
  );
  const { answer, share } = answerSlots(kernel, product, bob.peerKey, rng);
  const other = openSlots(kernel, alice.secretKey, answer);
  const seen: Ciphertext = { c0: kernel.allocate(), c1: kernel.allocate() };
  kernel.unpack(seen.c0, answer.c0, SLOT_ANSWER_PRIMES);
  kernel.unpack(seen.c1, answer.c1, SLOT_ANSWER_PRIMES);
  const phase = phaseOfCoefficients(seen, alice.secretKey, SLOT_ANSWER_PRIMES);
  const noise = peak(noiseOf(phase, T, SLOT_ANSWER_PRIMES));
  for (const { ct, plain } of factors) {
    releaseCiphertext(kernel, ct);
    kernel.release(plain);
  }
  for (const ct of [product, seen]) releaseCiphertext(kernel, ct);
  return {
    exact: expected.every((slot, i) => (share[i]! + other[i]!) % SLOT_MODULUS === slot),
    ciphertexts: SLOT_CIPHERTEXTS,
    marginBits: Math.log2(Number(modulus(SLOT_ANSWER_PRIMES)) / (2 * SLOT_MODULUS) / noise),
    announcedMarginBits: -Math.log2(1 - slotMargin(SLOT_CIPHERTEXTS)),
    floodDistanceBits: floodDistanceBits(SLOT_CIPHERTEXTS, FLOODED_ANSWERS),
  };
}

/** Median milliseconds of each operation, with the system's generator as in production. */
function operationTimes({ alice, bob }: Pair, repeats: number): Record<string, number> {
  const rng = systemRng;
  const message = randomWords(DEGREE, seededRng('message'));
  const slots = uniformSlots(seededRng('slots'));
  const ringMessage = encryptRing(alice, message, rng);
  const ct = decodeCiphertext(kernel, ringMessage);
  const plain = kernel.allocate();
  kernel.liftSlots(plain, slots);
  kernel.forward(plain);
  const sums = [kernel.accumulator(), kernel.accumulator()] as const;
  // An answer consumes its product; any polynomial will do, as none of the operations looks at values.
  const answered: Ciphertext = { c0: kernel.allocate(), c1: kernel.allocate() };
  const ringAnswer = answerRing(kernel, answered, bob.peerKey, rng).answer;
  const slotAnswer = answerSlots(kernel, answered, bob.peerKey, rng).answer;
  const operations: Readonly<Record<string, () => void>> = {
    encryptRing: () => encryptRing(alice, message, rng),
    encryptSlots: () => encryptSlots(alice, slots, rng),
    decodeCiphertext: () => releaseCiphertext(kernel, decodeCiphertext(kernel, ringMessage)),
    multiplyAccumulate: () => {
      sums[0].multiplyAdd(ct.c0, plain);
      sums[1].multiplyAdd(ct.c1, plain);
    },
    prepareSlots: () => {
      kernel.liftSlots(plain, slots);
      kernel.forward(plain);
    },
    answerRing: () => answerRing(kernel, answered, bob.peerKey, rng),
    openRing: () => openRing(kernel, alice.secretKey, ringAnswer),
    answerSlots: () => answerSlots(kernel, answered, bob.peerKey, rng),
    openSlots: () => openSlots(kernel, alice.secretKey, slotAnswer),
  };
  const times = Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [name, median(operation, repeats)]),
  );
  for (const sum of sums) sum.release();
  for (const used of [ct, answered]) releaseCiphertext(kernel, used);
  kernel.release(plain);
  return times;
}

function median(operation: () => void, repeats: number): number {
  operation(); // warms up
  const times = Array.from({ length: repeats }, () => {
    const start = performance.now();
    operation();
    return performance.now() - start;
  }).sort((a, b) => a - b);
  return times[repeats >> 1]!;
}
