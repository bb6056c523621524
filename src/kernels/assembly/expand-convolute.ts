// AssemblyScript. Vectors of 16-byte blocks: a level of binary trees, and the two steps of the dual
// expand-convolute code. `width` blocks make a row; both steps are the same for every block of a row.

/**
 * Children of m parents: left + parent over the parent, right + parent at `sibling`; both are added to
 * row i mod t of their sums, t blocks each. m is a multiple of t.
 */
export function branchBlocks(
  parent: usize,
  sibling: usize,
  left: usize,
  right: usize,
  m: i32,
  sums: usize,
  t: i32,
): void {
  const row = <usize>t << 4;
  const end = parent + (<usize>m << 4);
  while (parent < end) {
    for (let i: usize = 0; i < row; i += 16) {
      const s = v128.load(parent + i);
      const l = v128.xor(s, v128.load(left + i));
      const r = v128.xor(s, v128.load(right + i));
      v128.store(parent + i, l);
      v128.store(sibling + i, r);
      const zeros = sums + i;
      v128.store(zeros, v128.xor(v128.load(zeros), l));
      const ones = zeros + row;
      v128.store(ones, v128.xor(v128.load(ones), r));
    }
    parent += row;
    sibling += row;
    left += row;
    right += row;
  }
}

/** Moves n blocks at x to the even places of 2n, from the last on; the odd places become zero. */
export function spreadBlocks(x: usize, n: i32): void {
  for (let i: isize = n - 1; i >= 0; i--) {
    const to = x + (<usize>i << 5);
    v128.store(to, v128.load(x + (<usize>i << 4)));
    v128.store(to, i64x2(0, 0), 16);
  }
}

/*
 * Accumulation. Row i gains the rows i - 24 + j for the bits j of its 24 taps, and row i - 25. Sums of any
 * of four rows in line are kept in tables, so that a row costs seven look-ups: eight tables of 16 entries in
 * turn, the table of the group in work growing with its rows.
 */

/** The sums of `table` with the r-th row of its group: 2^r more. */
@inline
function grow(table: usize, v: v128, r: usize, stride: usize): void {
  const half: usize = 1 << r;
  for (let e: usize = 0; e < half; e++) {
    v128.store(table + (half + e) * stride, v128.xor(v, v128.load(table + e * stride)));
  }
}

/** Seven look-ups; bit 0 of the taps is the first row of the oldest group. */
@inline
function lookUp(tables: usize, group: usize, taps: usize, stride: usize): v128 {
  const size = stride << 4;
  let v = v128.load(tables + ((group + 2) & 7) * size + (taps & 15) * stride);
  v = v128.xor(v, v128.load(tables + ((group + 3) & 7) * size + ((taps >> 4) & 15) * stride));
  v = v128.xor(v, v128.load(tables + ((group + 4) & 7) * size + ((taps >> 8) & 15) * stride));
  v = v128.xor(v, v128.load(tables + ((group + 5) & 7) * size + ((taps >> 12) & 15) * stride));
  v = v128.xor(v, v128.load(tables + ((group + 6) & 7) * size + ((taps >> 16) & 15) * stride));
  v = v128.xor(v, v128.load(tables + ((group + 7) & 7) * size + ((taps >> 20) & 15) * stride));
  return v128.xor(v, v128.load(tables + (group & 7) * size + ((taps >> 24) & 15) * stride));
}

/** Row i, the r-th of its group of four. */
@inline
function accumulateRow(
  x: usize,
  i: usize,
  r: usize,
  taps: usize,
  tables: usize,
  stride: usize,
): void {
  const group = i >> 2;
  const table = tables + (group & 7) * (stride << 4);
  const w = (<usize>load<u32>(taps) & 0xffffff) << r;
  const p = x + i * stride;
  for (let part: usize = 0; part < stride; part += 16) {
    let v = v128.xor(v128.load(p + part), lookUp(tables + part, group, w, stride));
    if (i >= 25) v = v128.xor(v, v128.load(p + part - 25 * stride));
    v128.store(p + part, v);
    grow(table + part, v, r, stride);
  }
}

@inline
function accumulate(x: usize, first: usize, rows: usize, taps: usize, tables: usize, stride: usize): void {
  memory.fill(tables, 0, stride << 7);
  for (let i: usize = first < 24 ? 0 : first - 24; i < first; i++) {
    for (let part: usize = 0; part < stride; part += 16) {
      const table = tables + ((i >> 2) & 7) * (stride << 4) + part;
      grow(table, v128.load(x + i * stride + part), i & 3, stride);
    }
  }
  for (let i = first; i < first + rows; i += 4) {
    accumulateRow(x, i, 0, taps, tables, stride);
    accumulateRow(x, i + 1, 1, taps + 3, tables, stride);
    accumulateRow(x, i + 2, 2, taps + 6, tables, stride);
    accumulateRow(x, i + 3, 3, taps + 9, tables, stride);
    taps += 12;
  }
}

/**
 * Rows first .. first + rows - 1 of x, both multiples of 4; rows before 0 are zero. taps: 3 bytes a row and
 * a readable one behind. tables: 2 KiB a block of a row.
 */
export function accumulate1(x: usize, first: i32, rows: i32, taps: usize, tables: usize): void {
  accumulate(x, first, rows, taps, tables, 16);
}

export function accumulate2(x: usize, first: i32, rows: i32, taps: usize, tables: usize): void {
  accumulate(x, first, rows, taps, tables, 32);
}

/** Rows 0 .. 24 of n gain what their taps and row i - 25 mean of the rows before 0: the last ones. */
export function accumulateAround(x: usize, n: i32, taps: usize, width: i32): void {
  const stride = <usize>width << 4;
  const end = x + <usize>n * stride;
  for (let i: usize = 0; i < 25; i++) {
    const bits = load<u32>(taps + 3 * i);
    for (let part: usize = 0; part < stride; part += 16) {
      const p = x + i * stride + part;
      const window = end + i * stride + part - 25 * stride;
      let v = v128.xor(v128.load(p), v128.load(window));
      for (let j: usize = 0; j + i < 24; j++) {
        if ((bits >> (<u32>j)) & 1) v = v128.xor(v, v128.load(window + (j + 1) * stride));
      }
      v128.store(p, v);
    }
  }
}

/** The seven rows of x that 28 bytes name: one of each quarter of n, three of all. Addresses into x. */
@inline
function regular(x: usize, index: usize, quarter: u64, j: u64, shift: usize): usize {
  const i = ((<u64>load<u32>(index + (<usize>j << 2)) * quarter) >> 32) + j * quarter;
  return x + (<usize>i << shift);
}

@inline
function uniform(x: usize, index: usize, n: u64, j: usize, shift: usize): usize {
  return x + (<usize>((<u64>load<u32>(index + (j << 2)) * n) >> 32) << shift);
}

/** out_i += its seven rows of x, n blocks, for i < k. */
export function expand1(x: usize, n: i32, indices: usize, k: i32, out: usize): void {
  const quarter = <u64>n >> 2;
  const end = out + (<usize>k << 4);
  while (out < end) {
    const a = v128.xor(
      v128.load(regular(x, indices, quarter, 0, 4)),
      v128.load(regular(x, indices, quarter, 1, 4)),
    );
    const b = v128.xor(
      v128.load(regular(x, indices, quarter, 2, 4)),
      v128.load(regular(x, indices, quarter, 3, 4)),
    );
    const c = v128.xor(
      v128.load(uniform(x, indices, n, 4, 4)),
      v128.load(uniform(x, indices, n, 5, 4)),
    );
    const d = v128.xor(v128.load(uniform(x, indices, n, 6, 4)), v128.load(out));
    v128.store(out, v128.xor(v128.xor(a, b), v128.xor(c, d)));
    indices += 28;
    out += 16;
  }
}

/** The same for pairs: x has n rows of two blocks, the first ones go to out0, the second ones to out1. */
export function expand2(x: usize, n: i32, indices: usize, k: i32, out0: usize, out1: usize): void {
  const quarter = <u64>n >> 2;
  const end = out0 + (<usize>k << 4);
  while (out0 < end) {
    const p0 = regular(x, indices, quarter, 0, 5);
    const p1 = regular(x, indices, quarter, 1, 5);
    const p2 = regular(x, indices, quarter, 2, 5);
    const p3 = regular(x, indices, quarter, 3, 5);
    const p4 = uniform(x, indices, n, 4, 5);
    const p5 = uniform(x, indices, n, 5, 5);
    const p6 = uniform(x, indices, n, 6, 5);
    const a0 = v128.xor(v128.load(p0), v128.load(p1));
    const a1 = v128.xor(v128.load(p0, 16), v128.load(p1, 16));
    const b0 = v128.xor(v128.load(p2), v128.load(p3));
    const b1 = v128.xor(v128.load(p2, 16), v128.load(p3, 16));
    const c0 = v128.xor(v128.load(p4), v128.load(p5));
    const c1 = v128.xor(v128.load(p4, 16), v128.load(p5, 16));
    const d0 = v128.xor(v128.load(p6), v128.load(out0));
    const d1 = v128.xor(v128.load(p6, 16), v128.load(out1));
    v128.store(out0, v128.xor(v128.xor(a0, b0), v128.xor(c0, d0)));
    v128.store(out1, v128.xor(v128.xor(a1, b1), v128.xor(c1, d1)));
    indices += 28;
    out0 += 16;
    out1 += 16;
  }
}
