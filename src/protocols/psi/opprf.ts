/**
 * Oblivious programmable pseudorandom function, [KMPRT17] "Practical Multi-party Private Set
 * Intersection from Symmetric-Key Techniques". Kolesnikov, Matania, Pinkas, Rosulek, Trieu.
 * https://eprint.iacr.org/2017/799: an OPRF and a hint. The hint is a randomised OKVS, as in [NTY21]
 * "Simple, Fast Malicious Multiparty Private Set Intersection". Nevo, Trieu, Yanai.
 * https://eprint.iacr.org/2021/1221.
 *
 * Functionality: the receiver evaluates a function that has the sender's targets at the sender's items
 *   and is random everywhere else.
 *   Sender   in: Y, n_y distinct items, and a target T(y) of each    out: -
 *   Receiver in: X, n_x distinct items    out: l bytes for each: T(x) if x is in Y, else random ones
 *
 * Security: semi-honest, one corruption; that of the OPRF. To R, F is random outside X and fixed before
 *   Q: Q is uniform among the OKVS with Decode(Q, x) = F(x) ^ T(x) on X ∩ Y, whatever the rest of Y,
 *   because every other value is masked by an F(y) that R cannot have and free slots are random. It
 *   can be drawn from the targets on X ∩ Y alone, up to the 2^-40 of seeds that fail. Targets must be
 *   pseudo-random to R, or they tell which items they belong to. To S: nothing but the OPRF.
 * Leaks:    n_x and n_y, not padded. Not which seeds failed.
 * Cost:     that of the OPRF, and from S to R 16 + l m bytes, m = slots(n_y), about 1.35 n_y.
 *
 * Names follow the paper: F = the OPRF's function; T = targets; Q = hint, m x l bytes; r = its seed.
 */
import { setImmediate } from 'node:timers/promises';
import { HintSeed, HintSlots } from '../../../proto/gen/star.ts';
import type { OkvsKernel } from '../../kernels/okvs-kernel.ts';
import type { Channel } from '../channel.ts';
import { decodeSeed, underFreshSeed } from '../okvs/fresh-seed.ts';
import { encodeBins, OkvsDecoder } from '../okvs/okvs.ts';
import { okvsParameters } from '../okvs/parameters.ts';
import { rowsOf } from '../okvs/rows.ts';
import { BLOCK_BYTES } from '../primitives/hash.ts';
import type { Rng } from '../primitives/rng.ts';
import { truncateRows } from '../primitives/rows.ts';
import { checkLength, xorInto } from '../primitives/words.ts';
import { countItems } from './item-digest.ts';

/** Evaluates a function of the sender's, one call after the other, in the sender's order. */
export interface OprfReceiver {
  /** F of n >= 1 distinct items; a fresh n x 16. */
  evaluate(X: Uint8Array): Promise<Uint8Array>;
}

export interface OprfSender {
  /** F of each of Y, n x 16, while the receiver evaluates nX items. Fresh. */
  evaluate(Y: Uint8Array, nX: number): Promise<Uint8Array>;
}

/** What both parties know of a hint, and what it is worked out with. */
export interface HintOptions {
  /** Bytes of each value. */
  readonly l: number;
  readonly okvs: OkvsKernel;
}

/** Slots a message: 256 KiB for sets of a million. Part of the wire format. */
export const BATCH_SLOTS = 32768;

/**
 * The receiver's role: values of its n_x items, n_x x 16 of which the first l bytes of each are the
 * function's. `ch` is for this evaluation alone; the OPRF has its own.
 */
export async function opprfReceiver(
  ch: Channel,
  oprf: OprfReceiver,
  X: Uint8Array,
  { nY, l, okvs }: HintOptions & { readonly nY: number },
): Promise<Uint8Array> {
  const parameters = okvsParameters(nY);
  const F = await oprf.evaluate(X);

  const r = decodeSeed(await ch.receive(HintSeed));
  const decoder = new OkvsDecoder(rowsOf(X, r, parameters, okvs));
  const blocks = new Uint8Array(BATCH_SLOTS * BLOCK_BYTES); // zero beyond the first l bytes of a slot
  for (const [from, to] of batches(parameters.slots)) {
    const { slots } = await ch.receive(HintSlots);
    checkLength(slots, (to - from) * l);
    decoder.add(widenRows(slots, l, blocks));
    await setImmediate(); // messages of other evaluations leave meanwhile
  }

  const values = decoder.finish(); // Decode(Q, x)
  xorInto(values, F); // T(x) on Y
  return values;
}

/**
 * The sender's role: targets n_y x 16, of which the receiver gets the first l bytes. The seed is drawn
 * here, when items and targets are fixed.
 */
export async function opprfSender(
  ch: Channel,
  oprf: OprfSender,
  { Y, targets }: { readonly Y: Uint8Array; readonly targets: Uint8Array },
  { nX, l, okvs }: HintOptions & { readonly nX: number },
  rng: Rng,
): Promise<void> {
  const values = await oprf.evaluate(Y, nX);
  xorInto(values, targets); // F(y) ^ T(y)
  const { r, Q } = await encodeHint(Y, values, { l, okvs }, rng);

  await ch.send(HintSeed, { seed: r });

  for (const [from, to] of batches(Q.length / l)) {
    await ch.send(HintSlots, { slots: Q.subarray(from * l, to * l) });
  }
}

/**
 * S: the first l bytes of each slot of Q with Decode(Q, y) = value(y), random otherwise, under the first
 * fresh seed that has one. Decoding is linear in every bit of a slot, each bit by itself.
 */
function encodeHint(
  Y: Uint8Array,
  values: Uint8Array,
  { l, okvs }: HintOptions,
  rng: Rng,
): Promise<{ readonly r: Uint8Array; readonly Q: Uint8Array }> {
  const parameters = okvsParameters(countItems(Y));
  const Q = new Uint8Array(parameters.slots * l);
  return underFreshSeed(async (r) => {
    const rows = rowsOf(Y, r, parameters, okvs);
    let at = 0;
    for (const bin of encodeBins(rows, values, rng)) {
      const slots = truncateRows(bin, BLOCK_BYTES, l);
      Q.set(slots, at);
      at += slots.length;
      await setImmediate(); // a long encoding keeps the connection alive
    }
    return { r, Q };
  }, rng);
}

/** The slot ranges of the messages that m slots travel in. */
function* batches(m: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < m; from += BATCH_SLOTS) yield [from, Math.min(m, from + BATCH_SLOTS)];
}

/** Puts a row of l bytes at the start of each block; returns the blocks that have one. */
function widenRows(rows: Uint8Array, l: number, blocks: Uint8Array): Uint8Array {
  let to = 0;
  for (let from = 0; from < rows.length; to += BLOCK_BYTES) {
    for (let k = 0; k < l; k++) blocks[to + k] = rows[from++]!;
  }
  return blocks.subarray(0, to);
}
