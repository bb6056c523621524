/** What two parties sent each other, and a search for values that should not be in it. */
import { HeCiphertext, HePublicKey, HeRingAnswer, HeSlotAnswer } from '../../proto/gen/he.ts';
import { PRIMES } from '../../src/kernels/rlwe-kernel.ts';
import type { MemoryChannelOptions } from '../../src/protocols/memory-channel.ts';

export interface Frame {
  /** 0: the first party sent it. */
  readonly from: 0 | 1;
  readonly label: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** Taps for a memory channel that keep every frame. */
export function transcript(): { readonly frames: Frame[]; readonly taps: MemoryChannelOptions } {
  const frames: Frame[] = [];
  const tap =
    (from: 0 | 1) =>
    (label: string, type: string, bytes: Uint8Array): void => {
      frames.push({ from, label, type, bytes: new Uint8Array(bytes) });
    };
  return { frames, taps: { tapFirst: tap(0), tapSecond: tap(1) } };
}

/** The packed polynomials of a frame. */
function polynomials({ type, bytes }: Frame): Uint8Array[] {
  if (type === HeCiphertext.$type) return [HeCiphertext.decode(bytes).c0];
  if (type === HePublicKey.$type) return [HePublicKey.decode(bytes).b];
  if (type === HeRingAnswer.$type) return [HeRingAnswer.decode(bytes).c1];
  if (type === HeSlotAnswer.$type) {
    const { c0, c1 } = HeSlotAnswer.decode(bytes);
    return [c0, c1];
  }
  return [];
}

/** The 27-bit residues of a packed polynomial, prime after prime. */
export function residues(packed: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.floor((packed.length * 8) / 27));
  for (let i = 0; i < words.length; i++) {
    const bit = 27 * i;
    const at = bit >> 3;
    const low = packed[at]! + 2 ** 8 * packed[at + 1]! + 2 ** 16 * packed[at + 2]!;
    const high = packed[at + 3]! + 2 ** 8 * (packed[at + 4] ?? 0);
    words[i] = Math.floor((low + 2 ** 24 * high) / 2 ** (bit & 7)) % 2 ** 27;
  }
  return words;
}

/** All residues of a frame's polynomials as bytes uniform in 0..255 when the residues are below their primes. */
export function residueBytes(frame: Frame): Uint8Array {
  return Uint8Array.from(
    polynomials(frame).flatMap((packed) =>
      Array.from(residues(packed), (r, i) => Math.floor((256 * r) / PRIMES[i >> 12]!)),
    ),
  );
}

/** What to look for: eight bytes each, and what they are. */
export type Needles = Map<bigint, string>;

/** Adds eight bytes, unless they are so regular that they stand in a message by chance. */
function add(needles: Needles, bytes: Uint8Array, what: string): void {
  if (new Set(bytes).size < 3) return;
  const word = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  needles.set(word, what);
}

/** Two neighbouring plaintext coefficients as they stand in an unmasked polynomial, in either order. */
function addResidues(needles: Needles, pair: readonly [number, number], what: string): void {
  for (const p of PRIMES) {
    const [a, b] = pair.map((v) => (v < 0 ? v + p : v));
    for (const residues of [Uint32Array.of(a!, b!), Uint32Array.of(b!, a!)]) {
      add(needles, new Uint8Array(residues.buffer), `${what}, modulo ${p}`);
    }
  }
}

/** Every encoding of a real vector that a careless program could have sent. */
export function addReals(
  needles: Needles,
  values: Float64Array,
  scales: readonly number[],
  what: string,
): void {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  const encoder = new TextEncoder();
  values.forEach((v, i) => {
    const next = values[i + 1] ?? v;
    for (const little of [true, false]) {
      const order = little ? 'little' : 'big';
      view.setFloat64(0, v, little);
      add(needles, bytes.slice(), `${what} ${i}, double, ${order}`);
      view.setFloat32(0, v, little);
      view.setFloat32(4, next, little);
      add(needles, bytes.slice(), `${what} ${i}, floats, ${order}`);
      for (const scale of scales) {
        const pair = [v, next].map((each) => Math.round(each * 2 ** scale)) as [number, number];
        const most = Math.max(...pair.map(Math.abs));
        if (Math.abs(pair[0]) < 2 ** 62) {
          view.setBigInt64(0, BigInt(pair[0]), little);
          add(needles, bytes.slice(), `${what} ${i}, int64 at ${scale}, ${order}`);
        }
        if (most < 2 ** 31) {
          view.setInt32(0, pair[0], little);
          view.setInt32(4, pair[1], little);
          add(needles, bytes.slice(), `${what} ${i}, int32 at ${scale}, ${order}`);
        }
        if (most < 2 ** 26 && little) {
          addResidues(needles, pair, `${what} ${i}, residues at ${scale}`);
        }
      }
    }
    const text = encoder.encode(`${v}`);
    if (text.length >= 8) add(needles, text.slice(0, 8), `${what} ${i}, text`);
  });
}

/** Labels as bytes, bits (both orders), words. */
export function addLabels(needles: Needles, labels: Float64Array, what: string): void {
  const n = labels.length;
  for (let i = 0; i + 8 <= n; i++) {
    const eight = labels.slice(i, i + 8);
    const ones = eight.reduce((a, b) => a + b);
    if (ones < 3 || ones > 5) continue;
    needles.set(
      new DataView(Uint8Array.from(eight).buffer).getBigUint64(0, true),
      `${what} from ${i}, bytes`,
    );
    needles.set(
      new DataView(Uint8Array.from(eight, (y) => 48 + y).buffer).getBigUint64(0, true),
      `${what} from ${i}, text`,
    );
  }
  for (let i = 0; i + 64 <= n; i++) {
    for (const first of [0, 7]) {
      const bytes = new Uint8Array(8);
      for (let j = 0; j < 64; j++) bytes[j >> 3]! |= labels[i + j]! << Math.abs(first - (j & 7));
      add(needles, bytes, `${what} from ${i}, bits`);
    }
  }
}

/** What of the needles stands anywhere in the frames: at any byte of a message, or in its residues. */
export function find(frames: readonly Frame[], needles: Needles): string[] {
  const marks = new Uint8Array(2 ** 24); // by the first three bytes, so that few places are looked at closely
  for (const word of needles.keys()) marks[Number(word & 0xffffffn)] = 1;
  const found: string[] = [];
  const look = (bytes: Uint8Array, where: string): void => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + 8 <= bytes.length; at++) {
      const key = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
      if (!marks[key]) continue;
      const what = needles.get(view.getBigUint64(at, true));
      if (what) found.push(`${what}: ${where} at byte ${at}`);
    }
  };
  frames.forEach((frame, i) => {
    const where = `${frame.type} ${i} from ${frame.from}`;
    look(frame.bytes, where);
    for (const packed of polynomials(frame)) {
      look(new Uint8Array(residues(packed).buffer), `residues of ${where}`);
    }
  });
  return found;
}
