/**
 * Base oblivious transfer from obliviously sampled keys, [EGL85] "A Randomized Protocol for Signing
 * Contracts". Even, Goldreich, Lempel, and public keys sampled as in [GKM+00], here those of Diffie-Hellman.
 *
 * Functionality: m parallel random 1-out-of-2 OTs of 16-byte keys.
 *   Sender   in: -            out: k_i^0, k_i^1  i < m
 *   Receiver in: c_i in {0,1} out: k_i^c_i
 *
 * Security: semi-honest only, one corruption. Receiver: statistical, 2^-117 for m = 128. Sender: CDH in
 *           Curve25519, random-oracle model. A receiver that deviates gets both keys and nobody can tell
 *           (AUDIT OT-7).
 * Leaks:    m, which is public.
 * Cost:     2 messages, neither waits for the other; S->R 32 bytes, R->S 64 m bytes; S 2 m + 1, R 3 m scalar
 *           multiplications and m maps to the curve: 9 and 13 ms for m = 128.
 *
 * Names: B base point; x, x', y scalars, clamped as in [RFC7748]; E the map of [RFC9380] §6.7.1 (Elligator 2)
 * of 64 uniform bytes r; Y = yB; P_i^c = xB, whose logarithm the receiver knows; P_i^(1-c) = x'E(r), of
 * which it knows none; H key hash. Points are u-coordinates.
 *
 * Why the sender cannot tell P_i^c from P_i^(1-c): a clamped scalar is 8t, 2^251 <= t < 2^252, and the order of
 * the subgroup is l = 2^252 + d, d < 2^125. Up to sign, as u-coordinates are, these t meet each of the
 * (l - 1)/2 classes once, but d that they miss and (d + 1)/2 that they meet twice. So the multiple of any point
 * outside the torsion is within d / 2^251 < 2^-126 of a uniform point of the subgroup, and the pair within
 * 4 times that of its reverse. E(r) lies on the curve, never on its twist, and covers half of it; the factor
 * 8 takes its torsion away; that nothing else is left has probability 2^-251.
 *
 * Why the receiver does not learn the other key although it knows r: the r of a given point can be
 * sampled. To solve CDH on (Y, Z) take a random multiple of Z plus random torsion until it lies in the image
 * of E, half of the time, let r be one of its preimages, and read u(yZ) off the receiver's queries to H.
 */
import { createHash } from 'node:crypto';
import { BaseOtChoices, BaseOtSetup } from '../../../proto/gen/ot.ts';
import {
  type Curve25519Kernel,
  POINT_BYTES,
  SCALAR_BYTES,
  WIDE_BYTES,
} from '../../kernels/curve25519-kernel.ts';
import { loadCurve25519Kernel } from '../../kernels/curve25519-kernel.wasm.ts';
import type { Channel } from '../channel.ts';
import { bitAt, checkBits } from '../primitives/bits.ts';
import { decodePoints } from '../primitives/points.ts';
import type { Rng } from '../primitives/rng.ts';

export const KEY_BYTES = 16;
const PAIR_BYTES = 2 * POINT_BYTES;
/** B, whose u-coordinate is 9. */
const BASE = Uint8Array.of(9, ...new Uint8Array(POINT_BYTES - 1));
const DOMAIN = new TextEncoder().encode('entente/base-ot/v2');

/** Sender's output: m x 16 bytes each, row i is k_i^0 and k_i^1. */
export interface KeyPairs {
  readonly k0: Uint8Array;
  readonly k1: Uint8Array;
}

export async function baseOtSender(ch: Channel, m: number, rng: Rng): Promise<KeyPairs> {
  const y = rng(SCALAR_BYTES);
  const Y = curve().multiply(BASE, y);
  await ch.send(BaseOtSetup, { y: Y });

  const { p } = await ch.receive(BaseOtChoices);
  const P = decodePoints(p, 2 * m);

  const yP = curve().multiply(P, y);
  const [k0, k1] = [new Uint8Array(m * KEY_BYTES), new Uint8Array(m * KEY_BYTES)];
  for (let i = 0; i < m; i++) {
    k0.set(H(i, Y, P, rowOf(yP, 2 * i)), i * KEY_BYTES); // k_0 = H(yP_0)
    k1.set(H(i, Y, P, rowOf(yP, 2 * i + 1)), i * KEY_BYTES); // k_1 = H(yP_1)
  }
  return { k0, k1 };
}

/** choices: m packed bits. Returns m x 16 bytes, row i is k_i^c_i. */
export async function baseOtReceiver(
  ch: Channel,
  choices: Uint8Array,
  m: number,
  rng: Rng,
): Promise<Uint8Array> {
  checkBits('choices', choices, m);

  const x = rng(m * SCALAR_BYTES);
  const known = multiples(new Uint8Array(m * POINT_BYTES), x, () => BASE); // xB
  const oblivious = sampleObliviously(m, rng); // x'E(r)
  const P = new Uint8Array(m * PAIR_BYTES);
  for (let i = 0; i < m; i++) {
    const c = bitAt(choices, i);
    P.set(rowOf(known, i), (2 * i + c) * POINT_BYTES);
    P.set(rowOf(oblivious, i), (2 * i + 1 - c) * POINT_BYTES);
  }
  await ch.send(BaseOtChoices, { p: P });

  const { y } = await ch.receive(BaseOtSetup);
  const Y = decodePoints(y, 1);

  const xY = multiples(known, x, () => Y);
  const keys = new Uint8Array(m * KEY_BYTES);
  for (let i = 0; i < m; i++) keys.set(H(i, Y, P, rowOf(xY, i)), i * KEY_BYTES); // k_c = H(xY)
  return keys;
}

/** m points of the subgroup whose logarithms nobody knows, not even who runs this: x'E(r). */
function sampleObliviously(m: number, rng: Rng): Uint8Array {
  const blinds = rng(m * SCALAR_BYTES); // x': E(r) itself would be known by its torsion and its image
  const mapped = curve().mapToCurve(rng(m * WIDE_BYTES));
  return multiples(mapped, blinds, (i) => rowOf(mapped, i));
}

/** Writes s_i Q_i over the rows of `out`, which it returns. s: n x 32, clamped. */
function multiples(out: Uint8Array, s: Uint8Array, Q: (i: number) => Uint8Array): Uint8Array {
  for (let i = 0; i * POINT_BYTES < out.length; i++) {
    out.set(curve().multiply(Q(i), rowOf(s, i)), i * POINT_BYTES);
  }
  return out;
}

/** H of the point with u-coordinate `shared`, with all that was sent for transfer i as tweak. */
function H(i: number, Y: Uint8Array, P: Uint8Array, shared: Uint8Array): Uint8Array {
  const tweak = new Uint8Array(4);
  new DataView(tweak.buffer).setUint32(0, i);
  const pair = P.subarray(i * PAIR_BYTES, (i + 1) * PAIR_BYTES);
  const hash = createHash('sha256').update(DOMAIN).update(tweak).update(Y).update(pair);
  return hash.update(shared).digest().subarray(0, KEY_BYTES);
}

function rowOf(rows: Uint8Array, i: number): Uint8Array {
  return rows.subarray(i * POINT_BYTES, (i + 1) * POINT_BYTES);
}

let threadKernel: Curve25519Kernel | undefined;

/** The kernel of this thread: no call of it spans a turn of the event loop, so that all runs share it. */
function curve(): Curve25519Kernel {
  threadKernel ??= loadCurve25519Kernel();
  return threadKernel;
}
