// AssemblyScript. Arithmetic modulo p = 2^255 - 19; pointers only, no branch on values.
//
// An element is ten u32 limbs (40 bytes), value = sum h_i 2^ceil(25.5 i): even limbs hold 26 bits,
// odd limbs 25. Every function takes and leaves "tight" elements: limbs below 2^26 and 2^25, except
// limb 1, which may exceed 2^25 by 2^17. Outputs may be inputs. Scratch is static: not re-entrant.

export const ELEMENT_BYTES: usize = 40;

const M26: u64 = (1 << 26) - 1;
const M25: u64 = (1 << 25) - 1;

/** Carries ten columns, each below 2^63.7, into a tight element at o. 2^255 = 19 (mod p). */
// @ts-ignore: decorator
@inline
function reduce(
  o: usize, h0: u64, h1: u64, h2: u64, h3: u64, h4: u64, h5: u64, h6: u64, h7: u64, h8: u64, h9: u64,
): void {
  h1 += h0 >> 26; h0 &= M26;
  h2 += h1 >> 25; h1 &= M25;
  h3 += h2 >> 26; h2 &= M26;
  h4 += h3 >> 25; h3 &= M25;
  h5 += h4 >> 26; h4 &= M26;
  h6 += h5 >> 25; h5 &= M25;
  h7 += h6 >> 26; h6 &= M26;
  h8 += h7 >> 25; h7 &= M25;
  h9 += h8 >> 26; h8 &= M26;
  h0 += (h9 >> 25) * 19; h9 &= M25;
  h1 += h0 >> 26; h0 &= M26;
  store<u32>(o, <u32>h0, 0);
  store<u32>(o, <u32>h1, 4);
  store<u32>(o, <u32>h2, 8);
  store<u32>(o, <u32>h3, 12);
  store<u32>(o, <u32>h4, 16);
  store<u32>(o, <u32>h5, 20);
  store<u32>(o, <u32>h6, 24);
  store<u32>(o, <u32>h7, 28);
  store<u32>(o, <u32>h8, 32);
  store<u32>(o, <u32>h9, 36);
}

/** o = f g. Column k sums f_i g_j over i + j = k, and 19 f_i g_j over i + j = k + 10; twice if i, j are odd. */
export function mul(o: usize, f: usize, g: usize): void {
  const f0: u64 = load<u32>(f, 0), f1: u64 = load<u32>(f, 4), f2: u64 = load<u32>(f, 8);
  const f3: u64 = load<u32>(f, 12), f4: u64 = load<u32>(f, 16), f5: u64 = load<u32>(f, 20);
  const f6: u64 = load<u32>(f, 24), f7: u64 = load<u32>(f, 28), f8: u64 = load<u32>(f, 32);
  const f9: u64 = load<u32>(f, 36);
  const g0: u64 = load<u32>(g, 0), g1: u64 = load<u32>(g, 4), g2: u64 = load<u32>(g, 8);
  const g3: u64 = load<u32>(g, 12), g4: u64 = load<u32>(g, 16), g5: u64 = load<u32>(g, 20);
  const g6: u64 = load<u32>(g, 24), g7: u64 = load<u32>(g, 28), g8: u64 = load<u32>(g, 32);
  const g9: u64 = load<u32>(g, 36);
  const d1 = f1 << 1, d3 = f3 << 1, d5 = f5 << 1, d7 = f7 << 1, d9 = f9 << 1;
  const q1 = g1 * 19, q2 = g2 * 19, q3 = g3 * 19, q4 = g4 * 19, q5 = g5 * 19;
  const q6 = g6 * 19, q7 = g7 * 19, q8 = g8 * 19, q9 = g9 * 19;
  reduce(
    o,
    f0 * g0 + d1 * q9 + f2 * q8 + d3 * q7 + f4 * q6 + d5 * q5 + f6 * q4 + d7 * q3 + f8 * q2 + d9 * q1,
    f0 * g1 + f1 * g0 + f2 * q9 + f3 * q8 + f4 * q7 + f5 * q6 + f6 * q5 + f7 * q4 + f8 * q3 + f9 * q2,
    f0 * g2 + d1 * g1 + f2 * g0 + d3 * q9 + f4 * q8 + d5 * q7 + f6 * q6 + d7 * q5 + f8 * q4 + d9 * q3,
    f0 * g3 + f1 * g2 + f2 * g1 + f3 * g0 + f4 * q9 + f5 * q8 + f6 * q7 + f7 * q6 + f8 * q5 + f9 * q4,
    f0 * g4 + d1 * g3 + f2 * g2 + d3 * g1 + f4 * g0 + d5 * q9 + f6 * q8 + d7 * q7 + f8 * q6 + d9 * q5,
    f0 * g5 + f1 * g4 + f2 * g3 + f3 * g2 + f4 * g1 + f5 * g0 + f6 * q9 + f7 * q8 + f8 * q7 + f9 * q6,
    f0 * g6 + d1 * g5 + f2 * g4 + d3 * g3 + f4 * g2 + d5 * g1 + f6 * g0 + d7 * q9 + f8 * q8 + d9 * q7,
    f0 * g7 + f1 * g6 + f2 * g5 + f3 * g4 + f4 * g3 + f5 * g2 + f6 * g1 + f7 * g0 + f8 * q9 + f9 * q8,
    f0 * g8 + d1 * g7 + f2 * g6 + d3 * g5 + f4 * g4 + d5 * g3 + f6 * g2 + d7 * g1 + f8 * g0 + d9 * q9,
    f0 * g9 + f1 * g8 + f2 * g7 + f3 * g6 + f4 * g5 + f5 * g4 + f6 * g3 + f7 * g2 + f8 * g1 + f9 * g0,
  );
}

/** o = f^2: the columns of `mul` with equal products taken once. */
export function square(o: usize, f: usize): void {
  const f0: u64 = load<u32>(f, 0), f1: u64 = load<u32>(f, 4), f2: u64 = load<u32>(f, 8);
  const f3: u64 = load<u32>(f, 12), f4: u64 = load<u32>(f, 16), f5: u64 = load<u32>(f, 20);
  const f6: u64 = load<u32>(f, 24), f7: u64 = load<u32>(f, 28), f8: u64 = load<u32>(f, 32);
  const f9: u64 = load<u32>(f, 36);
  const d0 = f0 << 1, d1 = f1 << 1, d2 = f2 << 1, d3 = f3 << 1, d4 = f4 << 1;
  const d5 = f5 << 1, d6 = f6 << 1, d7 = f7 << 1, d8 = f8 << 1;
  const q5 = f5 * 19, q6 = f6 * 19, q7 = f7 * 19, q8 = f8 * 19, q9 = f9 * 19;
  reduce(
    o,
    f0 * f0 + (d1 << 1) * q9 + d2 * q8 + (d3 << 1) * q7 + d4 * q6 + d5 * q5,
    d0 * f1 + d2 * q9 + d3 * q8 + d4 * q7 + d5 * q6,
    d0 * f2 + d1 * f1 + (d3 << 1) * q9 + d4 * q8 + (d5 << 1) * q7 + f6 * q6,
    d0 * f3 + d1 * f2 + d4 * q9 + d5 * q8 + d6 * q7,
    d0 * f4 + (d1 << 1) * f3 + f2 * f2 + (d5 << 1) * q9 + d6 * q8 + d7 * q7,
    d0 * f5 + d1 * f4 + d2 * f3 + d6 * q9 + d7 * q8,
    d0 * f6 + (d1 << 1) * f5 + d2 * f4 + d3 * f3 + (d7 << 1) * q9 + f8 * q8,
    d0 * f7 + d1 * f6 + d2 * f5 + d3 * f4 + d8 * q9,
    d0 * f8 + (d1 << 1) * f7 + d2 * f6 + (d3 << 1) * f5 + f4 * f4 + (f9 << 1) * q9,
    d0 * f9 + d1 * f8 + d2 * f7 + d3 * f6 + d4 * f5,
  );
}

/** o = f^(2^n), n >= 1. */
export function squareTimes(o: usize, f: usize, n: i32): void {
  square(o, f);
  for (let i = 1; i < n; i++) square(o, o);
}

/** o = a f + b for small constants a, b < 2^32. */
export function affine(o: usize, f: usize, a: u64, b: u64): void {
  reduce(
    o,
    load<u32>(f, 0) * a + b, load<u32>(f, 4) * a, load<u32>(f, 8) * a, load<u32>(f, 12) * a,
    load<u32>(f, 16) * a, load<u32>(f, 20) * a, load<u32>(f, 24) * a, load<u32>(f, 28) * a,
    load<u32>(f, 32) * a, load<u32>(f, 36) * a,
  );
}

/** o = -f, as 4p - f. */
export function negate(o: usize, f: usize): void {
  const even: u64 = M26 << 2, odd: u64 = M25 << 2;
  reduce(
    o,
    even - 72 - load<u32>(f, 0), odd - load<u32>(f, 4), even - load<u32>(f, 8),
    odd - load<u32>(f, 12), even - load<u32>(f, 16), odd - load<u32>(f, 20),
    even - load<u32>(f, 24), odd - load<u32>(f, 28), even - load<u32>(f, 32),
    odd - load<u32>(f, 36),
  );
}

/** o = g where bit = 1, unchanged where bit = 0. */
export function selectInto(o: usize, g: usize, bit: u32): void {
  const mask = 0 - bit;
  for (let i: usize = 0; i < ELEMENT_BYTES; i += 4) {
    const x = load<u32>(o + i);
    store<u32>(o + i, x ^ (mask & (x ^ load<u32>(g + i))));
  }
}

/** The 57 bits or more from bit `at` of the bytes at src; at < 456. */
// @ts-ignore: decorator
@inline
function bits(src: usize, at: usize): u64 {
  return load<u64>(src + (at >> 3)) >> (at & 7);
}

/** o = the 512-bit little-endian integer at src, mod p. */
export function fromWide(o: usize, src: usize): void {
  // x = lo + 2^255 mid + 2^510 hi = lo + 19 mid + 361 hi, with lo, mid of 255 bits and hi of 2.
  const last = load<u64>(src, 56); // bits 448 to 511
  const hi = last >> 62;
  reduce(
    o,
    (bits(src, 0) & M26) + 19 * (bits(src, 255) & M26) + 361 * hi,
    (bits(src, 26) & M25) + 19 * (bits(src, 281) & M25),
    (bits(src, 51) & M26) + 19 * (bits(src, 306) & M26),
    (bits(src, 77) & M25) + 19 * (bits(src, 332) & M25),
    (bits(src, 102) & M26) + 19 * (bits(src, 357) & M26),
    (bits(src, 128) & M25) + 19 * (bits(src, 383) & M25),
    (bits(src, 153) & M26) + 19 * (bits(src, 408) & M26),
    (bits(src, 179) & M25) + 19 * (bits(src, 434) & M25),
    (bits(src, 204) & M26) + 19 * ((last >> 11) & M26),
    (bits(src, 230) & M25) + 19 * ((last >> 37) & M25),
  );
}

/** The 32-byte little-endian encoding of f at o, fully reduced. */
export function toBytes(o: usize, f: usize): void {
  let h0: u64 = load<u32>(f, 0), h1: u64 = load<u32>(f, 4), h2: u64 = load<u32>(f, 8);
  let h3: u64 = load<u32>(f, 12), h4: u64 = load<u32>(f, 16), h5: u64 = load<u32>(f, 20);
  let h6: u64 = load<u32>(f, 24), h7: u64 = load<u32>(f, 28), h8: u64 = load<u32>(f, 32);
  let h9: u64 = load<u32>(f, 36);
  let q = (h0 + 19) >> 26; // becomes 1 iff f >= p: the carry out of f + 19
  q = (h1 + q) >> 25;
  q = (h2 + q) >> 26;
  q = (h3 + q) >> 25;
  q = (h4 + q) >> 26;
  q = (h5 + q) >> 25;
  q = (h6 + q) >> 26;
  q = (h7 + q) >> 25;
  q = (h8 + q) >> 26;
  q = (h9 + q) >> 25;
  h0 += 19 * q;
  h1 += h0 >> 26; h0 &= M26;
  h2 += h1 >> 25; h1 &= M25;
  h3 += h2 >> 26; h2 &= M26;
  h4 += h3 >> 25; h3 &= M25;
  h5 += h4 >> 26; h4 &= M26;
  h6 += h5 >> 25; h5 &= M25;
  h7 += h6 >> 26; h6 &= M26;
  h8 += h7 >> 25; h7 &= M25;
  h9 += h8 >> 26; h8 &= M26;
  h9 &= M25;
  store<u64>(o, h0 | (h1 << 26) | (h2 << 51), 0); // limb i starts at bit 0, 26, 51, 77, 102, 128, ...
  store<u64>(o, (h2 >> 13) | (h3 << 13) | (h4 << 38), 8);
  store<u64>(o, h5 | (h6 << 25) | (h7 << 51), 16);
  store<u64>(o, (h7 >> 13) | (h8 << 12) | (h9 << 38), 24);
}

const A = memory.data(40), B = memory.data(40), C = memory.data(40);

/** o = z^(2^250 - 1) and z11 = z^11: the common part of inversion and of the quadratic character. */
function power250(o: usize, z11: usize, z: usize): void {
  square(A, z);
  squareTimes(B, A, 2);
  mul(B, z, B); // 9
  mul(z11, A, B); // 11
  square(A, z11);
  mul(B, A, B); // 2^5 - 1
  squareTimes(A, B, 5);
  mul(B, A, B); // 2^10 - 1
  squareTimes(A, B, 10);
  mul(A, A, B); // 2^20 - 1
  squareTimes(C, A, 20);
  mul(A, C, A); // 2^40 - 1
  squareTimes(A, A, 10);
  mul(B, A, B); // 2^50 - 1
  squareTimes(A, B, 50);
  mul(A, A, B); // 2^100 - 1
  squareTimes(C, A, 100);
  mul(A, C, A); // 2^200 - 1
  squareTimes(A, A, 50);
  mul(o, A, B); // 2^250 - 1
}

const Z250 = memory.data(40), Z11 = memory.data(40);

/** o = 1/z = z^(p - 2), p - 2 = 2^5 (2^250 - 1) + 11. */
export function invert(o: usize, z: usize): void {
  power250(Z250, Z11, z);
  squareTimes(Z250, Z250, 5);
  mul(o, Z250, Z11);
}

/** o = z^((p - 1)/2): 1 for a square, -1 otherwise, z != 0. (p - 1)/2 = 2^4 (2^250 - 1) + 6. */
export function character(o: usize, z: usize): void {
  power250(Z250, Z11, z);
  squareTimes(Z250, Z250, 4);
  square(A, z);
  square(B, A);
  mul(A, A, B); // 6
  mul(o, Z250, A);
}
