// AssemblyScript. SHA-256 [FIPS 180-4] of four messages at a time, one in each lane; pointers and lengths only.

// prettier-ignore
const K = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const INITIAL = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
/** Words of the schedule, four lanes each. */
const W = memory.data(64 * 16, 16);
/** The state: eight words, four lanes each. */
const STATE = memory.data(8 * 16, 16);
/** The state after the shared first block. */
const MIDSTATE = memory.data(8 * 4, 16);
/** For each lane: where its next block is, how many are left, and its row. */
const BLOCK = memory.data(4 * 4, 16);
const LEFT = memory.data(4 * 4, 16);
const ROW = memory.data(4 * 4, 16);

// @ts-ignore: decorator
@inline
function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shr_u(x, bits), i32x4.shl(x, 32 - bits));
}

// @ts-ignore: decorator
@inline
function add(x: v128, y: v128): v128 {
  return i32x4.add(x, y);
}

// @ts-ignore: decorator
@inline
function xor3(x: v128, y: v128, z: v128): v128 {
  return v128.xor(v128.xor(x, y), z);
}

/** T1 = h + Sigma1(e) + Ch(e, f, g) + K_t + W_t. */
// @ts-ignore: decorator
@inline
function t1(h: v128, e: v128, f: v128, g: v128, t: i32): v128 {
  const sigma = xor3(rotate(e, 6), rotate(e, 11), rotate(e, 25));
  const choice = v128.xor(g, v128.and(e, v128.xor(f, g)));
  const word = add(v128.load(W + (<usize>t << 4)), v128.load32_splat(K + (<usize>t << 2)));
  return add(add(add(h, word), choice), sigma);
}

/** T1 + T2, where T2 = Sigma0(a) + Maj(a, b, c), from ab = a ^ b and bc = b ^ c. */
// @ts-ignore: decorator
@inline
function t2(t: v128, a: v128, b: v128, ab: v128, bc: v128): v128 {
  const sigma = xor3(rotate(a, 2), rotate(a, 13), rotate(a, 22));
  const majority = v128.xor(v128.and(ab, bc), b);
  return add(add(t, majority), sigma);
}

// @ts-ignore: decorator
@inline
function bigEndian(p: usize): v128 {
  const x = v128.load(p);
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** The 64 words of the schedule from one block of each lane. */
// @ts-ignore: decorator
@inline
function schedule(p0: usize, p1: usize, p2: usize, p3: usize): void {
  for (let t: usize = 0; t < 64; t += 16) {
    // Four words of each lane: transposed, so that each vector has one word of all lanes.
    const x0 = bigEndian(p0 + t);
    const x1 = bigEndian(p1 + t);
    const x2 = bigEndian(p2 + t);
    const x3 = bigEndian(p3 + t);
    const low01 = i32x4.shuffle(x0, x1, 0, 4, 1, 5);
    const low23 = i32x4.shuffle(x2, x3, 0, 4, 1, 5);
    const high01 = i32x4.shuffle(x0, x1, 2, 6, 3, 7);
    const high23 = i32x4.shuffle(x2, x3, 2, 6, 3, 7);
    const w = W + (t << 2);
    v128.store(w, i64x2.shuffle(low01, low23, 0, 2));
    v128.store(w, i64x2.shuffle(low01, low23, 1, 3), 16);
    v128.store(w, i64x2.shuffle(high01, high23, 0, 2), 32);
    v128.store(w, i64x2.shuffle(high01, high23, 1, 3), 48);
  }
  let older = v128.load(W); // W_{t-16}
  let last = v128.load(W, 15 * 16); // W_{t-1}
  let before = v128.load(W, 14 * 16); // W_{t-2}
  for (let w = W + 16 * 16; w < W + 64 * 16; w += 16) {
    const x = v128.load(w - 15 * 16);
    const s0 = xor3(rotate(x, 7), rotate(x, 18), i32x4.shr_u(x, 3));
    const s1 = xor3(rotate(before, 17), rotate(before, 19), i32x4.shr_u(before, 10));
    const word = add(add(older, v128.load(w - 7 * 16)), add(s0, s1));
    v128.store(w, word);
    older = x;
    before = last;
    last = word;
  }
}

/** Adds one block of each lane to the state. */
function compress(p0: usize, p1: usize, p2: usize, p3: usize): void {
  schedule(p0, p1, p2, p3);
  let a = v128.load(STATE);
  let b = v128.load(STATE, 16);
  let c = v128.load(STATE, 32);
  let d = v128.load(STATE, 48);
  let e = v128.load(STATE, 64);
  let f = v128.load(STATE, 80);
  let g = v128.load(STATE, 96);
  let h = v128.load(STATE, 112);
  let bc = v128.xor(b, c);
  for (let t = 0; t < 64; t += 8) {
    // The variables change roles from round to round; after eight they are where they were.
    let x = t1(h, e, f, g, t);
    let ab = v128.xor(a, b);
    d = add(d, x);
    h = t2(x, a, b, ab, bc);
    x = t1(g, d, e, f, t + 1);
    bc = v128.xor(h, a);
    c = add(c, x);
    g = t2(x, h, a, bc, ab);
    x = t1(f, c, d, e, t + 2);
    ab = v128.xor(g, h);
    b = add(b, x);
    f = t2(x, g, h, ab, bc);
    x = t1(e, b, c, d, t + 3);
    bc = v128.xor(f, g);
    a = add(a, x);
    e = t2(x, f, g, bc, ab);
    x = t1(d, a, b, c, t + 4);
    ab = v128.xor(e, f);
    h = add(h, x);
    d = t2(x, e, f, ab, bc);
    x = t1(c, h, a, b, t + 5);
    bc = v128.xor(d, e);
    g = add(g, x);
    c = t2(x, d, e, bc, ab);
    x = t1(b, g, h, a, t + 6);
    ab = v128.xor(c, d);
    f = add(f, x);
    b = t2(x, c, d, ab, bc);
    x = t1(a, f, g, h, t + 7);
    bc = v128.xor(b, c);
    e = add(e, x);
    a = t2(x, b, c, bc, ab);
  }
  v128.store(STATE, add(v128.load(STATE), a));
  v128.store(STATE, add(v128.load(STATE, 16), b), 16);
  v128.store(STATE, add(v128.load(STATE, 32), c), 32);
  v128.store(STATE, add(v128.load(STATE, 48), d), 48);
  v128.store(STATE, add(v128.load(STATE, 64), e), 64);
  v128.store(STATE, add(v128.load(STATE, 80), f), 80);
  v128.store(STATE, add(v128.load(STATE, 96), g), 96);
  v128.store(STATE, add(v128.load(STATE, 112), h), 112);
}

/**
 * Writes row `row` with its lengths and padding to `to`, as what follows one block; returns its blocks.
 * Reads and writes up to 15 bytes too many behind either.
 */
// @ts-ignore: decorator
@inline
function assemble(columns: usize, count: i32, row: i32, to: usize): i32 {
  let at = to;
  for (let c = 0; c < count; c++, columns += 8) {
    const starts = <usize>load<u32>(columns) + (<usize>row << 2);
    const start = load<u32>(starts);
    const length = <usize>(load<u32>(starts, 4) - start);
    const from = <usize>(load<u32>(columns, 4) + start);
    store<u32>(at, <u32>length);
    at += 4;
    for (let k: usize = 0; k < length; k += 16) v128.store(at + k, v128.load(from + k));
    at += length;
  }
  const blocks = (<i32>(at - to) + 9 + 63) >> 6;
  const end = to + (<usize>blocks << 6);
  for (let p = at; p < end; p += 16) v128.store(p, i32x4.splat(0));
  store<u8>(at, 0x80);
  store<u64>(end - 8, bswap<u64>((<u64>(at - to) + 64) << 3));
  return blocks;
}

/**
 * The first 16 bytes of SHA-256(64 bytes at `prefix` | row i), i < n, to `out`: n x 16. `columns` is, for
 * each of `count` columns, the addresses (u32) of n + 1 starts and of what start 0 counts from. `buffers`
 * has room for a whole row with its padding four times, `stride` apart. Each lane takes the next row as soon
 * as it is done with one, so rows of any lengths share the four.
 */
export function sha256Rows(
  prefix: usize,
  columns: usize,
  count: i32,
  n: i32,
  buffers: usize,
  stride: i32,
  out: usize,
): void {
  for (let i: usize = 0; i < 8; i++) {
    v128.store(STATE + (i << 4), v128.load32_splat(INITIAL + (i << 2)));
  }
  compress(prefix, prefix, prefix, prefix);
  for (let i: usize = 0; i < 8; i++) store<u32>(MIDSTATE + (i << 2), load<u32>(STATE + (i << 4)));

  let next = 0;
  let active = 0;
  for (let lane: usize = 0; lane < 4; lane++) {
    store<u32>(BLOCK + (lane << 2), <u32>buffers);
    store<i32>(LEFT + (lane << 2), 0);
    if (next < n) {
      begin(lane, columns, count, next++, buffers + lane * <usize>stride);
      active++;
    }
  }
  while (active > 0) {
    compress(load<u32>(BLOCK), load<u32>(BLOCK, 4), load<u32>(BLOCK, 8), load<u32>(BLOCK, 12));
    for (let lane: usize = 0; lane < 4; lane++) {
      const l = lane << 2;
      const left = load<i32>(LEFT + l);
      if (left == 0) continue; // an idle lane repeats a block whose result nobody reads
      store<i32>(LEFT + l, left - 1);
      if (left > 1) {
        store<u32>(BLOCK + l, load<u32>(BLOCK + l) + 64);
        continue;
      }
      const to = out + (<usize>load<i32>(ROW + l) << 4);
      store<u32>(to, bswap<u32>(load<u32>(STATE + l)));
      store<u32>(to, bswap<u32>(load<u32>(STATE + l, 16)), 4);
      store<u32>(to, bswap<u32>(load<u32>(STATE + l, 32)), 8);
      store<u32>(to, bswap<u32>(load<u32>(STATE + l, 48)), 12);
      if (next < n) begin(lane, columns, count, next++, buffers + lane * <usize>stride);
      else active--;
    }
  }
}

/** Starts row `row` in a lane. */
function begin(lane: usize, columns: usize, count: i32, row: i32, buffer: usize): void {
  const l = lane << 2;
  store<i32>(LEFT + l, assemble(columns, count, row, buffer));
  store<u32>(BLOCK + l, <u32>buffer);
  store<i32>(ROW + l, row);
  for (let i: usize = 0; i < 8; i++) {
    store<u32>(STATE + (i << 4) + l, load<u32>(MIDSTATE + (i << 2)));
  }
}
