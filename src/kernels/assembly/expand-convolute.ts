// AssemblyScript. Vectors of 16-byte blocks: a level of binary trees, and the two steps of the dual
// expand-convolute code.

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

/*
 * Accumulation. Row i gains the rows i - 24 + j for the bits j of its 24 taps, and row i - 25. Sums of any
 * of four rows in line are kept in tables, so that a row costs seven look-ups: eight tables of 16 entries in
 * turn, the table of the group in work growing with its rows.
 */

/** The sums of `table` with the r-th row of its group: 2^r more. */
@inline
function grow(table: usize, v: v128, r: usize): void {
  const half: usize = 16 << r;
  for (let e: usize = 0; e < half; e += 16) {
    v128.store(table + half + e, v128.xor(v, v128.load(table + e)));
  }
}

/** Seven look-ups; bit 0 of the taps is the first row of the oldest group. */
@inline
function lookUp(tables: usize, group: usize, taps: usize): v128 {
  let v = v128.load(tables + (((group + 2) & 7) << 8) + ((taps & 15) << 4));
  v = v128.xor(v, v128.load(tables + (((group + 3) & 7) << 8) + (((taps >> 4) & 15) << 4)));
  v = v128.xor(v, v128.load(tables + (((group + 4) & 7) << 8) + (((taps >> 8) & 15) << 4)));
  v = v128.xor(v, v128.load(tables + (((group + 5) & 7) << 8) + (((taps >> 12) & 15) << 4)));
  v = v128.xor(v, v128.load(tables + (((group + 6) & 7) << 8) + (((taps >> 16) & 15) << 4)));
  v = v128.xor(v, v128.load(tables + (((group + 7) & 7) << 8) + (((taps >> 20) & 15) << 4)));
  return v128.xor(v, v128.load(tables + ((group & 7) << 8) + (((taps >> 24) & 15) << 4)));
}

/** Row i, the r-th of its group of four. */
@inline
function accumulateRow(x: usize, i: usize, r: usize, taps: usize, tables: usize): void {
  const group = i >> 2;
  const w = (<usize>load<u32>(taps) & 0xffffff) << r;
  const p = x + (i << 4);
  let v = v128.xor(v128.load(p), lookUp(tables, group, w));
  if (i >= 25) v = v128.xor(v, v128.load(p - 400));
  v128.store(p, v);
  grow(tables + ((group & 7) << 8), v, r);
}

/**
 * Rows first .. first + rows - 1 of x, both multiples of 4; rows before 0 are zero. taps: 3 bytes a row and
 * a readable one behind. tables: 2 KiB.
 */
export function accumulate(x: usize, first: i32, rows: i32, taps: usize, tables: usize): void {
  memory.fill(tables, 0, 2048);
  for (let i: usize = first < 24 ? 0 : first - 24; i < <usize>first; i++) {
    grow(tables + (((i >> 2) & 7) << 8), v128.load(x + (i << 4)), i & 3);
  }
  const end = <usize>(first + rows);
  for (let i = <usize>first; i < end; i += 4) {
    accumulateRow(x, i, 0, taps, tables);
    accumulateRow(x, i + 1, 1, taps + 3, tables);
    accumulateRow(x, i + 2, 2, taps + 6, tables);
    accumulateRow(x, i + 3, 3, taps + 9, tables);
    taps += 12;
  }
}

/** Rows 0 .. 24 of n gain what their taps and row i - 25 mean of the rows before 0: the last ones. */
export function accumulateAround(x: usize, n: i32, taps: usize): void {
  const last = x + ((<usize>n - 25) << 4);
  for (let i: usize = 0; i < 25; i++) {
    const bits = load<u32>(taps + 3 * i);
    const p = x + (i << 4);
    const window = last + (i << 4);
    let v = v128.xor(v128.load(p), v128.load(window));
    for (let j: usize = 0; j + i < 24; j++) {
      if ((bits >> (<u32>j)) & 1) v = v128.xor(v, v128.load(window + ((j + 1) << 4)));
    }
    v128.store(p, v);
  }
}

/** The seven rows of x that 28 bytes name: one of each quarter of n, three of all. Addresses into x. */
@inline
function regular(x: usize, index: usize, quarter: u64, j: u64): usize {
  const i = ((<u64>load<u32>(index + (<usize>j << 2)) * quarter) >> 32) + j * quarter;
  return x + (<usize>i << 4);
}

@inline
function uniform(x: usize, index: usize, n: u64, j: usize): usize {
  return x + (<usize>((<u64>load<u32>(index + (j << 2)) * n) >> 32) << 4);
}

/** out_i += its seven rows of x, n blocks, for i < k. */
export function expand(x: usize, n: i32, indices: usize, k: i32, out: usize): void {
  const quarter = <u64>n >> 2;
  const end = out + (<usize>k << 4);
  while (out < end) {
    const a = v128.xor(
      v128.load(regular(x, indices, quarter, 0)),
      v128.load(regular(x, indices, quarter, 1)),
    );
    const b = v128.xor(
      v128.load(regular(x, indices, quarter, 2)),
      v128.load(regular(x, indices, quarter, 3)),
    );
    const c = v128.xor(
      v128.load(uniform(x, indices, n, 4)),
      v128.load(uniform(x, indices, n, 5)),
    );
    const d = v128.xor(v128.load(uniform(x, indices, n, 6)), v128.load(out));
    v128.store(out, v128.xor(v128.xor(a, b), v128.xor(c, d)));
    indices += 28;
    out += 16;
  }
}
