/**
 * Oblivious key-value store, [RR22] "Blazing Fast PSI from Improved OKVS and Subfield VOLE".
 * Raghuraman, Rindal. https://eprint.iacr.org/2022/320, §2, with binary dense columns (Lemma 2.1).
 *
 * Functionality: P = Encode(x_i -> v_i) with Decode(P, x_i) = v_i. Decode is linear in P, so that it
 *   commutes with sums and with products by a constant.
 *
 * Security: statistical. With random values and free slots filled at random, P is uniform whatever
 *   the items; with zeros in free slots, P shows which slots they leave free, and must be masked.
 *   Decode(P, x) of another x is as random as P is.
 * Leaks:    n, from the size. That a seed failed (probability 2^-SIGMA) depends on the items.
 * Cost:     16 bytes of P for each of about 1.35 n slots; linear time, a bin in the cache at a time.
 *
 * Bins are systems of their own and stand in P one after the other: `encodeBins` and `OkvsDecoder`
 * work on a store that is sent while it is made.
 */
import { BLOCK_BYTES, binSlots, GAP_TOO_LARGE, ROW_WORDS } from '../../kernels/okvs-kernel.ts';
import type { Rng } from '../primitives/rng.ts';
import { OkvsFailure } from './failure.ts';
import type { OkvsRows } from './rows.ts';

/** What free slots hold. A store that is sent in clear needs an `Rng`. */
export type OkvsFill = 'zero' | Rng;

const BLOCK_WORDS = BLOCK_BYTES / 4;

/**
 * P, all bins: 16 bytes a slot. values: n x 16, of the items in their own order.
 * Throws `OkvsFailure`. Distinct items, or no seed will do.
 */
export function encodeOkvs(rows: OkvsRows, values: Uint8Array, fill: OkvsFill): Uint8Array {
  const P = new Uint8Array(rows.parameters.slots * BLOCK_BYTES);
  let at = 0;
  for (const bin of encodeBins(rows, values, fill)) {
    P.set(bin, at);
    at += bin.length;
  }
  return P;
}

/**
 * P, bin after bin: a fresh array each. Throws `OkvsFailure`: on overflow before the first bin, else
 * at the bin that cannot be solved. Whoever has sent bins under a one-time mask by then must not use
 * that mask for another store.
 */
export function encodeBins(
  rows: OkvsRows,
  values: Uint8Array,
  fill: OkvsFill,
): Generator<Uint8Array, void> {
  const { parameters, order, starts } = rows;
  if (order.length > parameters.items) {
    throw new RangeError(`"rows" expected at most ${parameters.items}, got ${order.length}`);
  }
  if (values.length !== order.length * BLOCK_BYTES) {
    throw new RangeError(`"values" expected ${order.length} blocks, got ${values.length} bytes`);
  }
  for (let b = 0; b < parameters.bins; b++) {
    if (starts[b + 1]! - starts[b]! > parameters.capacity) throw new OkvsFailure('overflow');
  }
  return solveBins(rows, alignedWords(values), fill);
}

function* solveBins(
  { parameters, kernel, order, starts, words }: OkvsRows,
  values: Uint32Array,
  fill: OkvsFill,
): Generator<Uint8Array, void> {
  const length = binSlots(parameters) * BLOCK_BYTES;
  const gathered = new Uint32Array(parameters.capacity * BLOCK_WORDS);
  const bytes = new Uint8Array(gathered.buffer);
  for (let b = 0; b < parameters.bins; b++) {
    const [from, to] = [starts[b]!, starts[b + 1]!];
    for (let k = from, at = 0; k < to; k++) {
      let word = order[k]! * BLOCK_WORDS;
      gathered[at++] = values[word++]!;
      gathered[at++] = values[word++]!;
      gathered[at++] = values[word++]!;
      gathered[at++] = values[word++]!;
    }
    const slots = fill === 'zero' ? new Uint8Array(length) : fill(length);
    const binRows = words.subarray(from * ROW_WORDS, to * ROW_WORDS);
    const binValues = bytes.subarray(0, (to - from) * BLOCK_BYTES);
    const gap = kernel.encodeBin(parameters, binRows, binValues, slots);
    if (gap < 0) throw new OkvsFailure(gap === GAP_TOO_LARGE ? 'gap' : 'rank');
    yield slots;
  }
}

/** Decode(P, x) of every row's item, n x 16 in the order of the items. */
export function decodeOkvs(rows: OkvsRows, P: Uint8Array): Uint8Array {
  const decoder = new OkvsDecoder(rows);
  decoder.add(P);
  return decoder.finish();
}

/** Decodes a store that comes in pieces of any size, in order. Holds one bin of it. */
export class OkvsDecoder {
  readonly #rows: OkvsRows;
  readonly #bin: Uint8Array;
  readonly #decoded: Uint32Array<ArrayBuffer>;
  #filled = 0;
  #next = 0;

  constructor(rows: OkvsRows) {
    this.#rows = rows;
    this.#bin = new Uint8Array(binSlots(rows.parameters) * BLOCK_BYTES);
    this.#decoded = new Uint32Array(rows.order.length * BLOCK_WORDS);
  }

  /** Takes the next bytes of P. Throws `RangeError` beyond its end. */
  add(piece: Uint8Array): void {
    const length = this.#bin.length;
    const missing = (this.#rows.parameters.bins - this.#next) * length - this.#filled;
    if (piece.length > missing) {
      throw new RangeError(`"piece" expected at most ${missing} bytes, got ${piece.length}`);
    }
    for (let at = 0; at < piece.length; ) {
      if (this.#filled === 0 && piece.length - at >= length) {
        this.#decode(piece.subarray(at, at + length));
        at += length;
        continue;
      }
      const part = piece.subarray(at, at + length - this.#filled);
      this.#bin.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === length) {
        this.#decode(this.#bin);
        this.#filled = 0;
      }
    }
  }

  /** What was decoded, n x 16 in the order of the items, once all of P has been added. */
  finish(): Uint8Array {
    if (this.#next < this.#rows.parameters.bins) throw new RangeError('the store is not complete');
    return new Uint8Array(this.#decoded.buffer);
  }

  #decode(slots: Uint8Array): void {
    const { parameters, kernel, order, starts, words } = this.#rows;
    const [from, to] = [starts[this.#next]!, starts[this.#next + 1]!];
    this.#next++;
    const binRows = words.subarray(from * ROW_WORDS, to * ROW_WORDS);
    const sums = alignedWords(kernel.decodeBin(parameters, binRows, slots));
    const decoded = this.#decoded;
    for (let k = from, at = 0; k < to; k++) {
      let word = order[k]! * BLOCK_WORDS;
      decoded[word++] = sums[at++]!;
      decoded[word++] = sums[at++]!;
      decoded[word++] = sums[at++]!;
      decoded[word++] = sums[at++]!;
    }
  }
}

/** The 32-bit words of whole blocks: a view when they are aligned, else a copy. */
function alignedWords(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}
