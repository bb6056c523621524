/**
 * 1-out-of-N oblivious transfer of bits, [NP99] "Oblivious Transfer and Polynomial Evaluation". Moni Naor,
 * Benny Pinkas. https://doi.org/10.1145/301250.301312: the reduction to log N OTs of keys, on random OTs.
 *
 * Functionality: for each of n rows, the bit of the receiver's index, or none.
 *   Sender   in: x_v,i in {0,1}  1 <= v <= V, i < n   out: -
 *   Receiver in: v_i in 0..V                          out: x_v_i,i, and 0 where v_i = 0
 *
 * Security: semi-honest, one corruption, as the OT extension. Bit v of row i is masked by the sum over l of bit
 *           v of k_i,l^(v_l). For v != v_i one of these keys is unknown to the receiver, and no other pad uses
 *           that bit of it: all pads but that of v_i are jointly pseudorandom. The sender sees the columns of
 *           the extension only, so nothing tells "none" from an index.
 * Leaks:    n and V, which are public.
 * Cost:     L = ceil(log2(V + 1)) OTs a row. R->S 16 L bytes, S->R V bits a row, in ceil(n / rowsOf(V))
 *           messages each way, one chunk ahead; S 3 and R 3 AES blocks an OT, and for V >= 128 one more for
 *           every further 128 indices and key. Memory of both sides is that of a chunk beyond in- and output.
 *
 * Names: i row, v index, l < L bit of the index, k_i,l^0 and k_i,l^1 keys of a random OT; x bits, y = x + pad.
 * In a chunk of n rows the OT of row i and bit l is number l n' + i, n' = n rounded up to a multiple of 8.
 */
import { setImmediate } from 'node:timers/promises';
import { MaskedBits } from '../../../proto/gen/ot.ts';
import type { Channel } from '../channel.ts';
import { BLOCK_BYTES } from '../primitives/hash.ts';
import { checkLength } from '../primitives/words.ts';
import type { KeyPairs } from './base-ot.ts';
import { chosenChunk, type OtReceiver, type OtSender } from './ot-extension.ts';

/** The largest V: the nodes of a level of a tree of depth 16. */
export const MAX_CHOICES = 2 ** 15;

const BLOCK_BITS = 8 * BLOCK_BYTES;
const WORD_BITS = 32;
const WORDS_PER_BLOCK = BLOCK_BITS / WORD_BITS;
/** Bit v of word l is bit l of v, v < 32. */
const INDEX_BITS = [0xaaaaaaaa, 0xcccccccc, 0xf0f0f0f0, 0xff00ff00, 0xffff0000] as const;

/** Bits x_v of rows from .. from + n - 1, packed. `from` is a multiple of 8; v from 1 to V. Only read. */
export type BitsOf = (v: number, from: number, n: number) => Uint8Array;

/** Rows a message for V indices: a multiple of 8, so that the keys of one side stay near 1 MiB. */
export function rowsOf(V: number): number {
  const { L, blocks } = shapeOf(V);
  return Math.max(8, Math.floor(chosenChunk(blocks * BLOCK_BYTES) / L) & ~7);
}

/** The sender. bits: called for every v of a chunk, in the order of rows. */
export async function oneOfManySender(
  ch: Channel,
  ot: OtSender,
  bits: BitsOf,
  n: number,
  V: number,
): Promise<void> {
  checkCounts(n, V);
  const shape = streamOf(n, V);
  let at = 0;
  await ot.stream(shape, async (keys) => {
    const rows = Math.min(rowsOf(V), n - at);
    const x = concatBits(bits, at, rows, V);
    at += rows;

    await ch.send(MaskedBits, { y: mask(x, keys, rows, V) });

    await setImmediate(); // a send that finds room lets no other work run
  });
}

/** The receiver. indices: 0 (none) to V a row. Returns n packed bits. */
export async function oneOfManyReceiver(
  ch: Channel,
  ot: OtReceiver,
  indices: Uint8Array | Uint16Array,
  V: number,
): Promise<Uint8Array> {
  const n = indices.length;
  checkCounts(n, V);
  for (let i = 0; i < n; i++) {
    if (indices[i]! > V)
      throw new RangeError(`"indices" expected 0 to ${V}, got another in row ${i}`);
  }
  const shape = streamOf(n, V);
  const rowsFrom = (from: number): Uint8Array | Uint16Array => {
    const first = (from / shape.size) * rowsOf(V);
    return indices.subarray(first, first + rowsOf(V));
  };
  const out = new Uint8Array(Math.ceil(n / 8));
  let at = 0;
  await ot.stream(
    shape,
    (from) => choiceBits(rowsFrom(from), V),
    async (keys, from) => {
      const { y } = await ch.receive(MaskedBits);
      const chunk = rowsFrom(from);
      checkLength(y, V * Math.ceil(chunk.length / 8));
      out.set(unmask(y, keys, chunk, V), at);
      at += Math.ceil(chunk.length / 8);
      await setImmediate(); // nor does a full mailbox
    },
  );
  return out;
}

/** L bits an index, blocks a key, words that hold indices 0 .. V. */
function shapeOf(V: number): { L: number; blocks: number; words: number } {
  const L = WORD_BITS - Math.clz32(V); // ceil(log2(V + 1))
  const words = Math.floor(V / WORD_BITS) + 1;
  return { L, blocks: Math.ceil(words / WORDS_PER_BLOCK), words };
}

/** The OTs of n rows: those of whole chunks, and of the last one with its rows rounded up to bytes. */
function streamOf(n: number, V: number): { m: number; size: number; blocks: number } {
  const { L, blocks } = shapeOf(V);
  return { m: 8 * Math.ceil(n / 8) * L, size: rowsOf(V) * L, blocks };
}

/** Bit l of every index, packed, for l = 0, 1, ... L - 1; rows that fill the last byte choose 0. */
function choiceBits(indices: Uint8Array | Uint16Array, V: number): Uint8Array {
  const { L } = shapeOf(V);
  const width = Math.ceil(indices.length / 8);
  const bits = new Uint8Array(L * width);
  for (let byte = 0; byte < width; byte++) {
    const [from, to] = [8 * byte, Math.min(8 * byte + 8, indices.length)];
    for (let l = 0; l < L; l++) {
      let packed = 0;
      for (let i = from; i < to; i++) packed |= ((indices[i]! >> l) & 1) << (i - from);
      bits[l * width + byte] = packed;
    }
  }
  return bits;
}

/** V x ceil(rows/8) bytes, fresh. */
function concatBits(bits: BitsOf, from: number, rows: number, V: number): Uint8Array {
  const width = Math.ceil(rows / 8);
  const x = new Uint8Array(V * width);
  for (let v = 1; v <= V; v++) {
    const row = bits(v, from, rows);
    if (row.length !== width) {
      throw new RangeError(`"bits" expected ${rows} packed bits of ${v}, got ${row.length} bytes`);
    }
    x.set(row, (v - 1) * width);
  }
  return x;
}

/** Adds its pad to every bit of x, in place. Eight rows and 32 indices at a time. */
function mask(x: Uint8Array, keys: KeyPairs, rows: number, V: number): Uint8Array {
  const { L, blocks, words } = shapeOf(V);
  const width = Math.ceil(rows / 8);
  const [k0, k1] = [wordsOf(keys.k0), wordsOf(keys.k1)];
  const stride = blocks * WORDS_PER_BLOCK;
  const pads = new Uint32Array(8);
  for (let w = 0; w < words; w++) {
    const chosen = Int32Array.from({ length: L }, (_, l) => INDEX_BITS[l] ?? -((w >> (l - 5)) & 1));
    const least = Math.max(1, w * WORD_BITS);
    const most = Math.min(V, w * WORD_BITS + WORD_BITS - 1);
    for (let byte = 0; byte < width; byte++) {
      for (let r = 0; r < 8; r++) {
        let pad = 0;
        for (let l = 0; l < L; l++) {
          const at = (8 * (l * width + byte) + r) * stride + w;
          pad ^= k0[at]! ^ ((k0[at]! ^ k1[at]!) & chosen[l]!); // bit v of k_l^(v_l), 32 v at once
        }
        pads[r] = pad;
      }
      for (let v = least; v <= most; v++) {
        const shift = v % WORD_BITS;
        let pad = 0;
        for (let r = 0; r < 8; r++) pad |= ((pads[r]! >>> shift) & 1) << r;
        x[(v - 1) * width + byte]! ^= pad;
      }
    }
  }
  return x;
}

/** The packed bits of the rows' indices, 0 for index 0. keys: of the choices. */
function unmask(
  y: Uint8Array,
  keys: Uint8Array,
  indices: Uint8Array | Uint16Array,
  V: number,
): Uint8Array {
  const { L, blocks } = shapeOf(V);
  const width = Math.ceil(indices.length / 8);
  const k = wordsOf(keys);
  const stride = blocks * WORDS_PER_BLOCK;
  const out = new Uint8Array(width);
  for (let i = 0; i < indices.length; i++) {
    const v = indices[i]!;
    const some = -v >>> 31; // 0 for none: the bit that is read in its stead is dropped
    let pad = 0;
    for (let l = 0; l < L; l++) pad ^= k[(8 * l * width + i) * stride + (v >> 5)]!;
    const bit = (y[(v - some) * width + (i >> 3)]! >> (i & 7)) ^ (pad >>> (v & 31));
    out[i >> 3]! |= (bit & some) << (i & 7);
  }
  return out;
}

/** Keys as words; a stream's keys are aligned. */
function wordsOf(keys: Uint8Array): Uint32Array {
  return new Uint32Array(keys.buffer, keys.byteOffset, keys.length >> 2);
}

function checkCounts(n: number, V: number): void {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`"n" expected a count, got ${n}`);
  if (!Number.isSafeInteger(V) || V < 1 || V > MAX_CHOICES) {
    throw new RangeError(`"V" expected 1 to ${MAX_CHOICES}, got ${V}`);
  }
}
