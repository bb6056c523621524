// AssemblyScript. Polynomials of degree below 4096 modulo several primes; pointers and lengths only.
// `moduli` points at the blocks of the primes (see ntt.ts), one after the other, and `primes` says how
// many of them a polynomial has: residues of prime k of a polynomial at x start at x + 16384 k.

import {
  BARRETT, BLOCK, DROP, HALF64, HAT, INV64, INV64_S, N, P, Q_MOD, Q_MOD_S, R31, ONE_S, R64, STRIDE,
  T_INV, T_INV_S, forwardTransform, inverseTransform, mulLazy, mulShoup, reduceOnce, reduceWide,
} from './ntt';

/** Zeroes. From outside a shared memory is filled entry by entry. */
export function rlweClear(at: usize, bytes: usize): void {
  memory.fill(at, 0, bytes);
}

export function rlweForward(x: usize, moduli: usize, primes: i32): void {
  for (let k = 0; k < primes; k++, x += STRIDE, moduli += BLOCK) forwardTransform(x, moduli, N);
}

/** 2^shift polynomials of degree below N / 2^shift, one after the other modulo each prime. */
export function rlweForwardParts(x: usize, shift: i32, moduli: usize, primes: i32): void {
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    for (const end = x + STRIDE; x < end; x += STRIDE >> shift) forwardTransform(x, moduli, N >> shift);
  }
}

export function rlweInverse(x: usize, moduli: usize, primes: i32): void {
  for (let k = 0; k < primes; k++, x += STRIDE, moduli += BLOCK) inverseTransform(x, moduli);
}

/** z = x + y. */
export function rlweAdd(z: usize, x: usize, y: usize, moduli: usize, primes: i32): void {
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const p = v128.load32_splat(moduli);
    for (const end = z + STRIDE; z < end; x += 16, y += 16, z += 16) {
      v128.store(z, reduceOnce(i32x4.add(v128.load(x), v128.load(y)), p));
    }
  }
}

/** z = x - y. */
export function rlweSubtract(z: usize, x: usize, y: usize, moduli: usize, primes: i32): void {
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const p = v128.load32_splat(moduli);
    for (const end = z + STRIDE; z < end; x += 16, y += 16, z += 16) {
      v128.store(z, reduceOnce(i32x4.add(i32x4.sub(v128.load(x), v128.load(y)), p), p));
    }
  }
}

/** z = x y pointwise. Barrett: x y < 2^54, quotient floor(floor(xy / 2^26) floor(2^54 / p) / 2^28) is at most 2 too small. */
export function rlweMultiply(z: usize, x: usize, y: usize, moduli: usize, primes: i32): void {
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const p = v128.load32_splat(moduli), p2 = i32x4.shl(p, 1);
    const mu = v128.load32_splat(moduli + BARRETT);
    for (const end = z + STRIDE; z < end; x += 16, y += 16, z += 16) {
      const a = v128.load(x), b = v128.load(y);
      const lo = i64x2.extmul_low_i32x4_u(a, b), hi = i64x2.extmul_high_i32x4_u(a, b);
      const h = v128.shuffle<i32>(i64x2.shr_u(lo, 26), i64x2.shr_u(hi, 26), 0, 2, 4, 6);
      const q = v128.shuffle<i32>(
        i64x2.shr_u(i64x2.extmul_low_i32x4_u(h, mu), 28),
        i64x2.shr_u(i64x2.extmul_high_i32x4_u(h, mu), 28),
        0, 2, 4, 6,
      );
      const r = i32x4.sub(i32x4.mul(a, b), i32x4.mul(q, p));
      v128.store(z, reduceOnce(reduceOnce(r, p2), p));
    }
  }
}

/** acc += x y pointwise in u64 lanes, not reduced. */
export function rlweMultiplyAdd(acc: usize, x: usize, y: usize, primes: i32): void {
  for (const end = x + <usize>primes * STRIDE; x < end; x += 16, y += 16, acc += 32) {
    const a = v128.load(x), b = v128.load(y);
    v128.store(acc, i64x2.add(v128.load(acc), i64x2.extmul_low_i32x4_u(a, b)));
    v128.store(acc, i64x2.add(v128.load(acc, 16), i64x2.extmul_high_i32x4_u(a, b)), 16);
  }
}

/**
 * z0 = sum of x0 y, z1 = sum of x1 y, pointwise, over `count` triples of addresses x0, x1, y at `list`. Lanes are reduced
 * after every 1023 products: a residue and as many fit.
 */
export function rlweSumProducts(z0: usize, z1: usize, list: usize, count: i32, moduli: usize, primes: i32): void {
  const end = list + <usize>count * 12;
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const from = <usize>k * STRIDE;
    for (let i = from; i < from + STRIDE; i += 32) {
      sumProducts(z0, z1, list, end, 12, list + 8, 12, moduli, i, i, i + 16, false);
    }
  }
}

/** Bytes of a polynomial that are summed for one pair of sums after the other: those of 128 terms stay in the first cache. */
const TILE: usize = 128;

/**
 * The same for `sums` pairs of addresses z0, z1 at `targets`, with pairs x0, x1 at `list` that all of them have in common,
 * and for each of them `count` addresses of runs of N / 2^shift residues at `ys`: entry i of y is the one at i / 2^shift.
 * shift from 2.
 */
export function rlweSumPartProducts(
  targets: usize, sums: i32, list: usize, ys: usize, count: i32, shift: i32, moduli: usize, primes: i32,
): void {
  const end = list + (<usize>count << 3), stop = targets + (<usize>sums << 3);
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const from = <usize>k * STRIDE;
    for (let tile: usize = 0; tile < STRIDE; tile += TILE) {
      let y = ys;
      for (let target = targets; target < stop; target += 8, y += <usize>count << 2) {
        const z0 = <usize>load<u32>(target), z1 = <usize>load<u32>(target, 4);
        for (let i = tile; i < tile + TILE; i += 32) {
          const y0 = from + (i >> (2 + shift) << 2), y1 = from + ((i + 16) >> (2 + shift) << 2);
          sumProducts(z0, z1, list, end, 8, y, 4, moduli, from + i, y0, y1, true);
        }
      }
    }
  }
}

/**
 * Eight entries at i of both sums. Addresses of x0, x1 stand every `step` bytes from `list` to `end`, those of y every
 * `stepY` at ys. Of y the entries at j0 and j1 are taken, one each for four of the others if `splat`.
 */
@inline function sumProducts(
  z0: usize, z1: usize, list: usize, end: usize, step: usize, ys: usize, stepY: usize, moduli: usize,
  i: usize, j0: usize, j1: usize, splat: bool,
): void {
  const p = v128.load32_splat(moduli);
  let a0 = i64x2.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  let at = list, atY = ys;
  while (true) {
    const stop = min(end, at + 1023 * step);
    for (; at < stop; at += step, atY += stepY) {
      const x0 = <usize>load<u32>(at) + i, x1 = <usize>load<u32>(at, 4) + i, y = <usize>load<u32>(atY);
      const y0 = splat ? v128.load32_splat(y + j0) : v128.load(y + j0);
      const y1 = splat ? v128.load32_splat(y + j1) : v128.load(y + j1);
      let x = v128.load(x0);
      a0 = i64x2.add(a0, i64x2.extmul_low_i32x4_u(x, y0));
      a1 = i64x2.add(a1, i64x2.extmul_high_i32x4_u(x, y0));
      x = v128.load(x0, 16);
      a2 = i64x2.add(a2, i64x2.extmul_low_i32x4_u(x, y1));
      a3 = i64x2.add(a3, i64x2.extmul_high_i32x4_u(x, y1));
      x = v128.load(x1);
      b0 = i64x2.add(b0, i64x2.extmul_low_i32x4_u(x, y0));
      b1 = i64x2.add(b1, i64x2.extmul_high_i32x4_u(x, y0));
      x = v128.load(x1, 16);
      b2 = i64x2.add(b2, i64x2.extmul_low_i32x4_u(x, y1));
      b3 = i64x2.add(b3, i64x2.extmul_high_i32x4_u(x, y1));
    }
    const r0 = reduceWide(a0, a1, moduli, p), r1 = reduceWide(a2, a3, moduli, p);
    const s0 = reduceWide(b0, b1, moduli, p), s1 = reduceWide(b2, b3, moduli, p);
    if (at == end) {
      v128.store(z0 + i, r0);
      v128.store(z0 + i, r1, 16);
      v128.store(z1 + i, s0);
      v128.store(z1 + i, s1, 16);
      break;
    }
    a0 = i64x2.extend_low_i32x4_u(r0);
    a1 = i64x2.extend_high_i32x4_u(r0);
    a2 = i64x2.extend_low_i32x4_u(r1);
    a3 = i64x2.extend_high_i32x4_u(r1);
    b0 = i64x2.extend_low_i32x4_u(s0);
    b1 = i64x2.extend_high_i32x4_u(s0);
    b2 = i64x2.extend_low_i32x4_u(s1);
    b3 = i64x2.extend_high_i32x4_u(s1);
  }
}

/** z = acc mod p, acc = 0. */
export function rlweReduce(z: usize, acc: usize, moduli: usize, primes: i32): void {
  const zero = i32x4.splat(0);
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const p = v128.load32_splat(moduli);
    for (const end = z + STRIDE; z < end; z += 16, acc += 32) {
      v128.store(z, reduceWide(v128.load(acc), v128.load(acc, 16), moduli, p));
      v128.store(acc, zero);
      v128.store(acc, zero, 16);
    }
  }
}

/** acc = acc mod p, in place. */
export function rlweReduceLanes(acc: usize, moduli: usize, primes: i32): void {
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const p = v128.load32_splat(moduli);
    for (const end = acc + 2 * STRIDE; acc < end; acc += 32) {
      const r = reduceWide(v128.load(acc), v128.load(acc, 16), moduli, p);
      v128.store(acc, i64x2.extend_low_i32x4_u(r));
      v128.store(acc, i64x2.extend_high_i32x4_u(r), 16);
    }
  }
}

/** x += values (4096 int32 coefficients). */
export function rlweAddInt32(x: usize, values: usize, moduli: usize, primes: i32): void {
  const sign = i32x4.splat(0x80000000), one = i32x4.splat(1);
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const p = v128.load32_splat(moduli), s = v128.load32_splat(moduli + ONE_S);
    const shift = i32x4.sub(p, v128.load32_splat(moduli + R31)); // -2^31 mod p
    let v = values;
    for (const end = x + STRIDE; x < end; x += 16, v += 16) {
      const u = reduceOnce(mulLazy(v128.xor(v128.load(v), sign), one, s, p), p); // value + 2^31
      const r = reduceOnce(i32x4.add(u, shift), p);
      v128.store(x, reduceOnce(i32x4.add(v128.load(x), r), p));
    }
  }
}

/**
 * x += low + 2^64 high - 3 2^81 for 4096 coefficients, low u64 and high u32; exact for every value. The offset
 * is taken out modulo each prime, so that no sign is looked at.
 */
export function rlweAddWide(x: usize, low: usize, high: usize, moduli: usize, primes: i32): void {
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const modulus = load<u32>(moduli + P), f = load<u32>(moduli + R64);
    const p = v128.load32_splat(moduli), p2 = i32x4.shl(p, 1);
    const w = i32x4.splat(f), ws = i32x4.splat(<u32>((<u64>f << 32) / modulus));
    const offset = i32x4.splat(modulus - <u32>((<u64>f * (3 << 17)) % modulus)); // -3 2^81 mod p
    let l = low, h = high;
    for (const end = x + STRIDE; x < end; x += 16, l += 32, h += 16) {
      const a = i32x4.add(reduceWide(v128.load(l), v128.load(l, 16), moduli, p), v128.load(x)); // [0, 2p)
      const b = reduceOnce(i32x4.add(mulLazy(v128.load(h), w, ws, p), offset), p2); // [0, 2p)
      v128.store(x, reduceOnce(reduceOnce(i32x4.add(a, b), p2), p));
    }
  }
}

/**
 * x = round(q m / 2^64), m: 4096 u64, overwritten, qLow = q mod 2^64. With r = q m + 2^63 mod 2^64 the rounded
 * quotient is (q m + 2^63 - r) / 2^64, and q m vanishes modulo every prime of q.
 */
export function rlweEncodeRing(x: usize, m: usize, qLow: u64, moduli: usize, primes: i32): void {
  const q = i64x2.splat(qLow), half = i64x2.splat(0x8000000000000000);
  for (let v = m, end = m + 2 * STRIDE; v < end; v += 16) {
    v128.store(v, i64x2.add(i64x2.mul(v128.load(v), q), half)); // r
  }
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const p = v128.load32_splat(moduli);
    const h = i32x4.add(v128.load32_splat(moduli + HALF64), p);
    const w = v128.load32_splat(moduli + INV64), ws = v128.load32_splat(moduli + INV64_S);
    let v = m;
    for (const end = x + STRIDE; x < end; x += 16, v += 32) {
      const y = i32x4.sub(h, reduceWide(v128.load(v), v128.load(v, 16), moduli, p)); // 2^63 - r
      v128.store(x, reduceOnce(mulLazy(y, w, ws, p), p));
    }
  }
}

/** x = round(q m / t), m: 4096 values below t, overwritten; `slots` is the block of t. The same idea. */
export function rlweEncodeSlots(x: usize, m: usize, slots: usize, moduli: usize, primes: i32): void {
  const t = v128.load32_splat(slots), half = i32x4.shr_u(t, 1);
  const q = v128.load32_splat(slots + Q_MOD), qs = v128.load32_splat(slots + Q_MOD_S);
  for (let v = m, end = m + STRIDE; v < end; v += 16) {
    const r = reduceOnce(i32x4.add(reduceOnce(mulLazy(v128.load(v), q, qs, t), t), half), t);
    v128.store(v, i32x4.sub(half, r)); // half - r, |.| <= t/2
  }
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const p = v128.load32_splat(moduli);
    const w = v128.load32_splat(moduli + T_INV), ws = v128.load32_splat(moduli + T_INV_S);
    let v = m;
    for (const end = x + STRIDE; x < end; x += 16, v += 16) {
      v128.store(x, reduceOnce(mulLazy(i32x4.add(v128.load(v), p), w, ws, p), p));
    }
  }
}

/** m (4096 values below t) -> int32 in (-t/2, t/2], in place. */
export function rlweCentre(m: usize, slots: usize): void {
  const t = v128.load32_splat(slots), half = i32x4.shr_u(t, 1);
  for (const end = m + STRIDE; m < end; m += 16) {
    const v = v128.load(m);
    v128.store(m, i32x4.sub(v, v128.and(t, i32x4.gt_s(v, half))));
  }
}

/** Divides by the last of `primes` primes and rounds: x_k = (x_k - [x_last]) / p_last, [.] centred. */
export function rlweDropPrime(x: usize, moduli: usize, primes: i32): void {
  const last = x + <usize>(primes - 1) * STRIDE;
  const dropped = v128.load32_splat(moduli + <usize>(primes - 1) * BLOCK), half = i32x4.shr_u(dropped, 1);
  for (let k = 0; k < primes - 1; k++, moduli += BLOCK) {
    const p = v128.load32_splat(moduli), pair = moduli + DROP + (<usize>(primes - 2) << 3);
    const w = v128.load32_splat(pair), ws = v128.load32_splat(pair, 4);
    let v = last;
    for (const end = x + STRIDE; x < end; x += 16, v += 16) {
      const a = v128.load(v);
      const c = i32x4.sub(a, v128.and(dropped, i32x4.gt_s(a, half))); // |c| < p_last / 2 < p
      const y = i32x4.add(i32x4.sub(v128.load(x), c), p); // in (0, 3p)
      v128.store(x, reduceOnce(mulLazy(y, w, ws, p), p));
    }
  }
}

/**
 * out = round(T x / (p_0 ... p_{k-1})) mod 2^64 for the numerator T whose constants stand at `ratio` in
 * each block: with y_i = x_i (Q/p_i)^-1 mod p_i the quotient is sum y_i T / p_i modulo T. The fraction
 * is kept to 32 bits, short by less than 8 of its units: exact unless within 2^-29 of a tie.
 */
export function rlweRound(out: usize, x: usize, ratio: usize, moduli: usize, primes: i32): void {
  const hat = HAT + (<usize>(primes - 2) << 3);
  for (let i: usize = 0; i < N; i++) {
    let whole: u64 = 0, fraction: u64 = 0x80000000;
    let v = x + (i << 2), block = moduli;
    for (let k = 0; k < primes; k++, v += STRIDE, block += BLOCK) {
      const y: u64 = mulShoup(load<u32>(v), load<u32>(block + hat), load<u32>(block + hat, 4), load<u32>(block + P));
      const at = block + ratio;
      whole += y * load<u64>(at);
      fraction += y * load<u32>(at, 8) + ((y * load<u32>(at, 12)) >> 32);
    }
    store<u64>(out + (i << 3), whole + (fraction >> 32));
  }
}

/**
 * Four x mod 2^32 for coefficients x of the first two primes, centred: in (-Q/2, Q/2]. With k = (x_1 - x_0) p_0^-1
 * mod p_1, x is x_0 + p_0 k in [0, Q).
 */
@inline function lowWords(x: usize, moduli: usize): v128 {
  const p0 = v128.load32_splat(moduli), p1 = v128.load32_splat(moduli + BLOCK);
  const w = v128.load32_splat(moduli + BLOCK + HAT), ws = v128.load32_splat(moduli + BLOCK + HAT, 4);
  const p2 = i32x4.shl(p1, 1), half0 = i32x4.shr_u(p0, 1), half1 = i32x4.shr_u(p1, 1);
  const a = v128.load(x);
  const y = i32x4.sub(i32x4.add(v128.load(x + STRIDE), p2), a);
  const k = reduceOnce(mulLazy(y, w, ws, p1), p1);
  const tie = v128.and(i32x4.eq(k, half1), i32x4.gt_s(a, half0));
  const upper = v128.or(i32x4.gt_s(k, half1), tie);
  return i32x4.sub(i32x4.add(a, i32x4.mul(p0, k)), v128.and(i32x4.mul(p0, p1), upper));
}

/**
 * out (4096 u32) = the low words of x and centred binomials of the stream (see rlweBinomial), those of even coefficients
 * first and then those of odd ones, plus values (4096 i32). out may be values.
 */
export function rlweNoisyWords(out: usize, x: usize, stream: usize, values: usize, moduli: usize): void {
  for (const end = x + STRIDE; x < end; x += 32, stream += 64, values += 16, out += 16) {
    const a = i32x4.add(lowWords(x, moduli), binomials(v128.load(stream), v128.load(stream, 16)));
    const b = i32x4.add(lowWords(x + 16, moduli), binomials(v128.load(stream, 32), v128.load(stream, 48)));
    v128.store(out, i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.load(values)));
    const odd = v128.load(values + (STRIDE >> 1));
    v128.store(out + (STRIDE >> 1), i32x4.add(v128.shuffle<i32>(a, b, 1, 3, 5, 7), odd));
  }
}

/** out (u32) = values (u64, small) mod t. */
export function rlweReduceSlots(out: usize, values: usize, slots: usize): void {
  const t: u64 = load<u32>(slots + P);
  for (let i: usize = 0; i < N; i++) store<u32>(out + (i << 2), <u32>(load<u64>(values + (i << 3)) % t));
}

/**
 * Uniform residues by 27-bit mask and rejection, primes in order, from `words` u32 of keystream.
 * Returns the number of words used, or 0 when they did not suffice.
 */
export function rlweUniform(x: usize, stream: usize, words: u32, moduli: usize, primes: i32): u32 {
  let used: u32 = 0;
  for (let k = 0; k < primes; k++, moduli += BLOCK, x += STRIDE) {
    const p = load<u32>(moduli + P);
    const mask = i32x4.splat(0x7ffffff);
    const bound = i32x4.splat(p);
    let i: usize = 0;
    while (i < N && used < words) {
      // Four at a time while all four are accepted; a rejected one falls through to the single step.
      while (i + 4 <= N && used + 4 <= words) {
        const four = v128.and(v128.load(stream + (<usize>used << 2)), mask);
        if (!i32x4.all_true(i32x4.lt_u(four, bound))) break;
        v128.store(x + (i << 2), four);
        used += 4;
        i += 4;
      }
      if (i == N || used == words) break;
      const r = load<u32>(stream + (<usize>used << 2)) & 0x7ffffff;
      store<u32>(x + (i << 2), r);
      used++;
      i += <usize>(r < p);
    }
    if (i < N) return 0;
  }
  return used;
}

/** values = 4096 int32 in {-1, 0, 1}, each byte below 255 taken mod 3. Returns bytes used, or 0 as above. */
export function rlweTernary(values: usize, stream: usize, bytes: u32): u32 {
  let used: u32 = 0;
  let i: usize = 0;
  while (i < N && used < bytes) {
    const r: u32 = load<u8>(stream + used);
    store<i32>(values + (i << 2), <i32>(r % 3) - 1);
    used++;
    i += <usize>(r < 255);
  }
  return i < N ? 0 : used;
}

/** values = 4096 int32, centred binomial of 21 pairs: bits 0-20 less bits 21-41 of a u64 each. */
export function rlweBinomial(values: usize, stream: usize): void {
  for (const end = values + STRIDE; values < end; values += 16, stream += 32) {
    v128.store(values, binomials(v128.load(stream), v128.load(stream, 16)));
  }
}

/** Of four u64. */
@inline function binomials(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(differences(a), differences(b), 0, 2, 4, 6);
}

/** Bits 0-20 less bits 21-41 of two u64, in the even lanes of 32 bits. */
@inline function differences(a: v128): v128 {
  const mask = i64x2.splat(0x1fffff);
  const ones = i8x16.popcnt(v128.and(a, mask));
  const bytes = i8x16.sub(ones, i8x16.popcnt(v128.and(i64x2.shr_u(a, 21), mask)));
  return i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(bytes));
}

/**
 * low (u64) and high (u32): sums of three uniform 82-bit integers, high 2^64 + low, of 4096 coefficients. Each
 * takes four u64 of the stream: the low 64 bits of the three, and 18 bits of each in the fourth. low may be stream.
 */
export function rlweIrwinHall(low: usize, high: usize, stream: usize): void {
  for (let i: usize = 0; i < N; i++, stream += 32) {
    const a = load<u64>(stream), tops = load<u64>(stream, 24);
    const ab = a + load<u64>(stream, 8);
    const abc = ab + load<u64>(stream, 16);
    const carries = <u32>(ab < a) + <u32>(abc < ab);
    const sum = (tops & 0x3ffff) + ((tops >> 18) & 0x3ffff) + ((tops >> 36) & 0x3ffff);
    store<u64>(low + (i << 3), abc);
    store<u32>(high + (i << 2), <u32>sum + carries);
  }
}

/** `count` residues, a multiple of 32, as 27-bit little-endian fields without gaps. */
export function rlwePack(out: usize, x: usize, count: u32): void {
  let buffer: u64 = 0, bits: u64 = 0;
  for (const end = x + (<usize>count << 2); x < end; x += 4) {
    buffer |= <u64>load<u32>(x) << bits;
    bits += 27;
    if (bits >= 32) {
      store<u32>(out, <u32>buffer);
      out += 4;
      buffer >>= 32;
      bits -= 32;
    }
  }
}

/** The inverse of `rlwePack` for `primes` primes. Returns 1 when every residue is below its prime. */
export function rlweUnpack(x: usize, bytes: usize, moduli: usize, primes: i32): i32 {
  let buffer: u64 = 0, bits: u64 = 0, outside: u32 = 0;
  for (let k = 0; k < primes; k++, moduli += BLOCK) {
    const p = load<u32>(moduli + P);
    for (const end = x + STRIDE; x < end; x += 4) {
      if (bits < 27) {
        buffer |= <u64>load<u32>(bytes) << bits;
        bytes += 4;
        bits += 32;
      }
      const r = <u32>buffer & 0x7ffffff;
      buffer >>= 27;
      bits -= 27;
      outside |= <u32>(r >= p);
      store<u32>(x, r);
    }
  }
  return 1 - outside;
}
