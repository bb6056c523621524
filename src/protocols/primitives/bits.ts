/** Packed bits: bit i is bit i & 7 of byte i >> 3. */

/** Bit i of packed bits, 0 or 1. */
export function bitAt(bits: Uint8Array, i: number): 0 | 1 {
  return ((bits[i >> 3]! >> (i & 7)) & 1) as 0 | 1;
}

/** Packs booleans, or numbers of which the lowest bit counts. */
export function packBits(values: ArrayLike<boolean | number>): Uint8Array {
  const bits = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) bits[i >> 3]! |= (Number(values[i]) & 1) << (i & 7);
  return bits;
}

/** Packs the lowest bits of words. */
export function packWords(words: BigUint64Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(words.length / 8));
  const halves = new Uint32Array(words.buffer, words.byteOffset, 2 * words.length);
  for (let i = 0; i < words.length; i++) bits[i >> 3]! |= (halves[2 * i]! & 1) << (i & 7);
  return bits;
}

/** Throws `RangeError` unless `bits` is the packed form of m bits; bits beyond m may hold anything. */
export function checkBits(name: string, bits: Uint8Array, m: number): void {
  if (!Number.isSafeInteger(m) || m < 0) throw new RangeError(`"m" expected a count, got ${m}`);
  if (bits.length !== Math.ceil(m / 8)) {
    throw new RangeError(`"${name}" expected ${m} packed bits, got ${bits.length} bytes`);
  }
}
