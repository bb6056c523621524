// AssemblyScript. Arithmetic modulo word-sized NTT primes, four lanes of u32 at a time.
// Every prime p is below 2^27 and p = 1 mod 8192; "lazy" values lie in [0, 2p).
// Constants of one prime stand in a block in memory that the loader fills; offsets in bytes:

export const P: usize = 0; // p
export const N_INV: usize = 4; // 4096^-1
export const N_INV_S: usize = 8; // its Shoup companion: floor(w 2^32 / p), as for every *_S
export const ONE_S: usize = 12; // floor(2^32 / p)
export const R32: usize = 16; // 2^32 mod p
export const R32_S: usize = 20;
export const BARRETT: usize = 24; // floor(2^54 / p)
export const HALF64: usize = 28; // 2^63 mod p
export const INV64: usize = 32; // (2^64)^-1 mod p
export const INV64_S: usize = 36;
export const R64: usize = 40; // 2^64 mod p
export const R31: usize = 44; // 2^31 mod p
export const T_INV: usize = 48; // t^-1 mod p, t the slot modulus
export const T_INV_S: usize = 52;
export const Q_MOD: usize = 56; // only in the block of t: q mod t
export const Q_MOD_S: usize = 60;
/** Pairs (w, Shoup) for k = 2, 3, 4 primes: the inverse of the last of them, mod p. */
export const DROP: usize = 64;
/** Pairs (w, Shoup) for k = 2, 3, 4 primes: (p_0 ... p_{k-1} / p)^-1 mod p. */
export const HAT: usize = 88;
/** floor(2^64 / p) as u64, then the first 64 bits of its fraction as u32 high, u32 low. */
export const RING: usize = 112;
/** The same of t / p. */
export const SLOTS: usize = 128;
const W: usize = 256; // 4096 powers of psi in bit-reversed order, then companions, then the inverses of both
const TABLE: usize = 16384;
export const BLOCK: usize = W + 4 * TABLE;

export const N: usize = 4096;
/** Bytes of one polynomial modulo one prime. */
export const STRIDE: usize = N << 2;

/** y w mod p, lazy, for any u32 y. [Harvey 2014] "Faster arithmetic for number-theoretic transforms". */
@inline export function mulLazy(y: v128, w: v128, ws: v128, p: v128): v128 {
  const lo = i64x2.extmul_low_i32x4_u(y, ws), hi = i64x2.extmul_high_i32x4_u(y, ws);
  const q = v128.shuffle<i32>(lo, hi, 1, 3, 5, 7);
  return i32x4.sub(i32x4.mul(y, w), i32x4.mul(q, p));
}

/** x >= m ? x - m : x. */
@inline export function reduceOnce(x: v128, m: v128): v128 {
  return i32x4.min_u(x, i32x4.sub(x, m));
}

/** y w mod p for scalars. */
@inline export function mulShoup(y: u32, w: u32, ws: u32, p: u32): u32 {
  const r = y * w - <u32>((<u64>y * ws) >> 32) * p;
  return r >= p ? r - p : r;
}

/** Four u64 lanes mod p, for any u64: hi 2^32 + lo with both halves reduced by Shoup products. */
@inline export function reduceWide(a: v128, b: v128, block: usize, p: v128): v128 {
  const lo = v128.shuffle<i32>(a, b, 0, 2, 4, 6), hi = v128.shuffle<i32>(a, b, 1, 3, 5, 7);
  const x = mulLazy(hi, v128.load32_splat(block + R32), v128.load32_splat(block + R32_S), p);
  const y = mulLazy(lo, i32x4.splat(1), v128.load32_splat(block + ONE_S), p);
  return reduceOnce(reduceOnce(i32x4.add(x, y), i32x4.shl(p, 1)), p);
}

/**
 * Negacyclic NTT in place of n coefficients, a power of two from 8 to N: a_i (any lazy values) ->
 * a(psi^((N / n) (2 br(j) + 1))) in [0, p), br = bit reversal of log2 n bits. Longa, Naehrig 2016, Algorithm 1; the last
 * two layers are fused in registers. The first n of the powers of psi are those of psi^(N / n) in the order of n.
 */
export function forwardTransform(a: usize, block: usize, n: usize): void {
  const p = v128.load32_splat(block), p2 = i32x4.shl(p, 1);
  const w0 = block + W, s0 = w0 + TABLE;
  let t = n << 1; // bytes between the two legs of a butterfly
  let m: usize = 1;
  for (; t >= 16; m <<= 1, t >>= 1) {
    let x = a;
    for (let i: usize = 0; i < m; i++) {
      const w = v128.load32_splat(w0 + ((m + i) << 2)), s = v128.load32_splat(s0 + ((m + i) << 2));
      const end = x + t;
      for (; x < end; x += 16) {
        const u = reduceOnce(v128.load(x), p2), v = mulLazy(v128.load(x + t), w, s, p);
        v128.store(x, i32x4.add(u, v));
        v128.store(x + t, i32x4.add(i32x4.sub(u, v), p2));
      }
      x += t;
    }
  }
  let w1 = w0 + (m << 2), s1 = s0 + (m << 2), w2 = w0 + (m << 3), s2 = s0 + (m << 3);
  const end = a + (n << 2);
  for (let x = a; x < end; x += 32) {
    const A = v128.load(x), B = v128.load(x, 16);
    let U = v128.shuffle<i32>(A, B, 0, 1, 4, 5), V = v128.shuffle<i32>(A, B, 2, 3, 6, 7);
    let w = v128.load_zero<u64>(w1), s = v128.load_zero<u64>(s1);
    w = v128.shuffle<i32>(w, w, 0, 0, 1, 1);
    s = v128.shuffle<i32>(s, s, 0, 0, 1, 1);
    U = reduceOnce(U, p2);
    V = mulLazy(V, w, s, p);
    let L = i32x4.add(U, V), R = i32x4.add(i32x4.sub(U, V), p2); // [0 1 4 5], [2 3 6 7]
    U = v128.shuffle<i32>(L, R, 0, 4, 2, 6); // [0 2 4 6]
    V = v128.shuffle<i32>(L, R, 1, 5, 3, 7); // [1 3 5 7]
    U = reduceOnce(U, p2);
    V = mulLazy(V, v128.load(w2), v128.load(s2), p);
    L = i32x4.add(U, V);
    R = i32x4.add(i32x4.sub(U, V), p2);
    L = reduceOnce(reduceOnce(L, p2), p);
    R = reduceOnce(reduceOnce(R, p2), p);
    v128.store(x, v128.shuffle<i32>(L, R, 0, 4, 1, 5));
    v128.store(x, v128.shuffle<i32>(L, R, 2, 6, 3, 7), 16);
    w1 += 8;
    s1 += 8;
    w2 += 16;
    s2 += 16;
  }
}

/** The inverse of `forwardTransform`: values in [0, 2p) -> coefficients in [0, p). */
export function inverseTransform(a: usize, block: usize): void {
  const p = v128.load32_splat(block), p2 = i32x4.shl(p, 1);
  const w0 = block + W + 2 * TABLE, s0 = w0 + TABLE;
  const end = a + STRIDE;
  let m = N >> 1;
  let w2 = w0 + (m << 2), s2 = s0 + (m << 2), w1 = w0 + (m << 1), s1 = s0 + (m << 1);
  for (let x = a; x < end; x += 32) {
    const A = v128.load(x), B = v128.load(x, 16);
    let U = v128.shuffle<i32>(A, B, 0, 2, 4, 6), V = v128.shuffle<i32>(A, B, 1, 3, 5, 7);
    let L = reduceOnce(i32x4.add(U, V), p2);
    let R = mulLazy(i32x4.add(i32x4.sub(U, V), p2), v128.load(w2), v128.load(s2), p);
    U = v128.shuffle<i32>(L, R, 0, 4, 2, 6); // [0 1 4 5]
    V = v128.shuffle<i32>(L, R, 1, 5, 3, 7); // [2 3 6 7]
    let w = v128.load_zero<u64>(w1), s = v128.load_zero<u64>(s1);
    w = v128.shuffle<i32>(w, w, 0, 0, 1, 1);
    s = v128.shuffle<i32>(s, s, 0, 0, 1, 1);
    L = reduceOnce(i32x4.add(U, V), p2);
    R = mulLazy(i32x4.add(i32x4.sub(U, V), p2), w, s, p);
    v128.store(x, v128.shuffle<i32>(L, R, 0, 1, 4, 5));
    v128.store(x, v128.shuffle<i32>(L, R, 2, 3, 6, 7), 16);
    w1 += 8;
    s1 += 8;
    w2 += 16;
    s2 += 16;
  }
  let t: usize = 16;
  for (m = N >> 3; m >= 1; m >>= 1, t <<= 1) {
    let x = a;
    for (let i: usize = 0; i < m; i++) {
      const w = v128.load32_splat(w0 + ((m + i) << 2)), s = v128.load32_splat(s0 + ((m + i) << 2));
      const stop = x + t;
      for (; x < stop; x += 16) {
        const u = v128.load(x), v = v128.load(x + t);
        v128.store(x, reduceOnce(i32x4.add(u, v), p2));
        v128.store(x + t, mulLazy(i32x4.add(i32x4.sub(u, v), p2), w, s, p));
      }
      x += t;
    }
  }
  const ni = v128.load32_splat(block + N_INV), nis = v128.load32_splat(block + N_INV_S);
  for (let x = a; x < end; x += 16) {
    v128.store(x, reduceOnce(mulLazy(v128.load(x), ni, nis, p), p));
  }
}
