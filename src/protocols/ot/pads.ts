/**
 * What the OT extension does with the pads of its rows: local steps, no messages. A pad is `blocks` x 16
 * bytes of H a row, as `FixedKeyHash.hashIndexed` returns it: fresh and aligned. Names as in
 * ot-extension.ts.
 */
import { bitAt } from '../primitives/bits.ts';
import { BLOCK_BYTES } from '../primitives/hash.ts';
import { WORD_BYTES } from '../primitives/words.ts';

/** Writes s_i = -H(q_i) and returns c_i = delta_i + H(q_i) - H(q_i ^ Delta), on the pads' low words. */
export function correlationMasks(
  delta: BigUint64Array,
  pad0: Uint8Array,
  pad1: Uint8Array,
  s: BigUint64Array,
): BigUint64Array {
  const [h0, h1] = [padWords(pad0), padWords(pad1)];
  const c = new BigUint64Array(delta.length);
  for (let i = 0; i < c.length; i++) {
    c[i] = delta[i]! + h0[2 * i]! - h1[2 * i]!;
    s[i] = -h0[2 * i]!;
  }
  return c;
}

/** r_i = H(t_i) + p_i c_i: H(q_i) for p_i = 0, H(q_i) + delta_i for p_i = 1. */
export function unmaskCorrelation(
  c: BigUint64Array,
  pad: Uint8Array,
  choices: Uint8Array,
  from: number,
): BigUint64Array {
  const h = padWords(pad);
  const r = new BigUint64Array(c.length);
  for (let i = 0; i < r.length; i++) {
    r[i] = h[2 * i]! + c[i]! * BigInt(bitAt(choices, from + i));
  }
  return r;
}

/** Pads as words; the hash returns aligned arrays of whole blocks. */
function padWords(pad: Uint8Array): BigUint64Array {
  return new BigUint64Array(pad.buffer, pad.byteOffset, pad.length / WORD_BYTES);
}

/** x ^ pad, row by row: rows of l bytes under pads of whole blocks. */
export function maskRows(x: Uint8Array, pad: Uint8Array, l: number): Uint8Array {
  const stride = Math.ceil(l / BLOCK_BYTES) * BLOCK_BYTES;
  const masked = new Uint8Array(x.length);
  for (let row = 0, at = 0; at < x.length; row += stride) {
    for (let b = 0; b < l; b++, at++) masked[at] = x[at]! ^ pad[row + b]!;
  }
  return masked;
}

/** Row i of y^p_i, for the choices that start at `from`. */
export function chooseRows(
  y0: Uint8Array,
  y1: Uint8Array,
  choices: Uint8Array,
  from: number,
  l: number,
): Uint8Array {
  const chosen = new Uint8Array(y0.length);
  for (let i = 0, at = 0; at < chosen.length; i++) {
    const ones = -bitAt(choices, from + i);
    for (let b = 0; b < l; b++, at++) chosen[at] = y0[at]! ^ (ones & (y0[at]! ^ y1[at]!));
  }
  return chosen;
}

/** x_i ^= block for every 16-byte row. x: fresh rows of the transpose. */
export function xorEach(x: Uint8Array, block: Uint8Array): void {
  const words = new Uint32Array(x.buffer, x.byteOffset, x.length >> 2);
  const [b0, b1, b2, b3] = new Uint32Array(new Uint8Array(block).buffer) as unknown as number[];
  for (let i = 0; i < words.length; i += 4) {
    words[i]! ^= b0!;
    words[i + 1]! ^= b1!;
    words[i + 2]! ^= b2!;
    words[i + 3]! ^= b3!;
  }
}
