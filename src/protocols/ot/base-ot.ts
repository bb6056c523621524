/**
 * Base oblivious transfer, [CO15] "The Simplest Protocol for Oblivious Transfer".
 * Tung Chou, Claudio Orlandi. https://eprint.iacr.org/2015/267, Figure 1, in the subgroup of prime order of
 * edwards25519 [RFC8032].
 *
 * Functionality: m parallel random 1-out-of-2 OTs of 16-byte keys.
 *   Sender   in: -            out: k_i^0, k_i^1  i < m
 *   Receiver in: c_i in {0,1} out: k_i^c_i
 *
 * Security: semi-honest, one corruption. Receiver: statistical, whatever the sender does. Sender: CDH in
 *           edwards25519, random-oracle model; a single point binds the receiver to one logarithm, so that
 *           an active one cannot have both keys of a transfer either (AUDIT OT-7). Known gap of [CO15]: it
 *           has no proof under universal composition against active parties. Chosen over [MR19], for it
 *           needs no hash to the group.
 * Leaks:    m, which is public.
 * Cost:     2 messages; S->R 32 bytes, R->S 32 m bytes; S m + 2, R 2 m scalar multiplications and m sums each.
 *
 * Names follow the paper, written additively: a, b scalars; A = aG, B = bG + cA points; H key hash.
 *
 * Why an active receiver has one key at most: who asks H for both aB and a(B - A) has their difference
 * aA = a^2 G, and to compute that from A is as hard as CDH. Why an active sender learns nothing: A is in the
 * subgroup, so B is uniform there for either c, but for the one point that b = 0 would give.
 */
import { createHash } from 'node:crypto';
import { BaseOtChoices, BaseOtSetup } from '../../../proto/gen/ot.ts';
import { loadEdwards25519Kernel } from '../../kernels/edwards25519-kernel.sodium.ts';
import {
  type Edwards25519Kernel,
  InvalidPointError,
  isZero,
  POINT_BYTES,
  SCALAR_BYTES,
  WIDE_BYTES,
} from '../../kernels/edwards25519-kernel.ts';
import type { Channel } from '../channel.ts';
import { ProtocolError } from '../errors.ts';
import { bitAt, checkBits } from '../primitives/bits.ts';
import type { Rng } from '../primitives/rng.ts';
import { checkLength } from '../primitives/words.ts';

export const KEY_BYTES = 16;
const DOMAIN = new TextEncoder().encode('entente/base-ot/v3');

/** Sender's output: m x 16 bytes each, row i is k_i^0 and k_i^1. */
export interface KeyPairs {
  readonly k0: Uint8Array;
  readonly k1: Uint8Array;
}

export async function baseOtSender(ch: Channel, m: number, rng: Rng): Promise<KeyPairs> {
  const a = randomScalars(1, rng);
  const A = group().baseMultiples(a);
  const aA = group().multiply(A, a);
  await ch.send(BaseOtSetup, { a: A });

  const { b: B } = await ch.receive(BaseOtChoices);
  const aB = multiplyChecked(B, m, a);

  const aBA = group().subtract(aB, aA); // a(B - A)
  return { k0: keysOf(A, B, aB), k1: keysOf(A, B, aBA) }; // k_0 = H(aB), k_1 = H(a(B - A))
}

/** choices: m packed bits. Returns m x 16 bytes, row i is k_i^c_i. */
export async function baseOtReceiver(
  ch: Channel,
  choices: Uint8Array,
  m: number,
  rng: Rng,
): Promise<Uint8Array> {
  checkBits('choices', choices, m);

  const b = randomScalars(m, rng);
  const bG = group().baseMultiples(b); // while A is on its way
  const { a } = await ch.receive(BaseOtSetup);
  const A = decodePoint(a);

  const B = choose(choices, bG, group().add(bG, A)); // B = bG + cA
  await ch.send(BaseOtChoices, { b: B });

  return keysOf(A, B, group().multiples(A, b)); // k_c = H(bA)
}

/** n scalars of 1 .. l - 1, n x 32 bytes: uniform but for a bias below 2^-250. */
function randomScalars(n: number, rng: Rng): Uint8Array {
  const scalars = group().reduceScalars(rng(n * WIDE_BYTES));
  for (let i = 0; i < n; i++) {
    const scalar = scalars.subarray(i * SCALAR_BYTES, (i + 1) * SCALAR_BYTES);
    while (isZero(scalar)) scalar.set(group().reduceScalars(rng(WIDE_BYTES)));
  }
  return scalars;
}

/** Row i is row i of `zeros` or of `ones`, as bit i says. Both are computed before a bit is read. */
function choose(bits: Uint8Array, zeros: Uint8Array, ones: Uint8Array): Uint8Array {
  const chosen = new Uint8Array(zeros.length);
  for (let i = 0; i * POINT_BYTES < chosen.length; i++) {
    chosen.set(rowOf([zeros, ones][bitAt(bits, i)]!, i), i * POINT_BYTES);
  }
  return chosen;
}

/** Row i is H_(A,B_i)(P_i), with the transfer index as tweak. All are encodings, which are unique. */
function keysOf(A: Uint8Array, B: Uint8Array, P: Uint8Array): Uint8Array {
  const m = P.length / POINT_BYTES;
  const keys = new Uint8Array(m * KEY_BYTES);
  const tweak = new Uint8Array(4);
  for (let i = 0; i < m; i++) {
    new DataView(tweak.buffer).setUint32(0, i);
    const hash = createHash('sha256').update(DOMAIN).update(tweak).update(A).update(rowOf(B, i));
    keys.set(hash.update(rowOf(P, i)).digest().subarray(0, KEY_BYTES), i * KEY_BYTES);
  }
  return keys;
}

function rowOf(rows: Uint8Array, i: number): Uint8Array {
  return rows.subarray(i * POINT_BYTES, (i + 1) * POINT_BYTES);
}

/**
 * A of the sender's message. Identity: both keys of a transfer would be equal. Outside the subgroup: what
 * B has outside of it would tell c.
 */
function decodePoint(bytes: Uint8Array): Uint8Array {
  checkLength(bytes, POINT_BYTES);
  refusing(() => group().checkPoints(bytes));
  return bytes;
}

/**
 * a B_i for the m points of the receiver's message; the multiplication checks each. Identity: k_0 would be
 * known to everybody. Outside the subgroup: what aB has outside of it would tell a mod 8.
 */
function multiplyChecked(bytes: Uint8Array, m: number, a: Uint8Array): Uint8Array {
  checkLength(bytes, m * POINT_BYTES);
  return refusing(() => group().multiply(bytes, a));
}

/** What `work` returns; `MALFORMED_MESSAGE` where it meets a point that is none of the group's. */
function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof InvalidPointError)) throw cause;
    throw new ProtocolError('MALFORMED_MESSAGE', cause.message, { cause });
  }
}

let threadKernel: Edwards25519Kernel | undefined;

/** The kernel of this thread. */
function group(): Edwards25519Kernel {
  threadKernel ??= loadEdwards25519Kernel();
  return threadKernel;
}
