// AssemblyScript. Sparse linear systems over GF(2) whose right-hand sides are 16-byte blocks; pointers and lengths only.
//
// A row takes 12 bytes: three distinct columns of 2 bytes, then 48 dense bits. Its equation is
//   slots[c0] ^ slots[c1] ^ slots[c2] ^ (dense slots of its dense bits) = value.
// A step takes 8 bytes: the row's two other columns, the column it is solved for, the row; 2 bytes each.

const ROW_BYTES: usize = 12;
const TABLES: i32 = 6;
const TABLE_BYTES: usize = 256 * 16;

@inline function scale(word: u32, limit: u32): u32 {
  return <u32>((<u64>word * <u64>limit) >> 32);
}

/** Dense bits of a row. */
@inline function denseOf(row: usize): u64 {
  return load<u64>(row, 4) >> 16;
}

@inline function xorBlock(at: usize, x: v128): void {
  v128.store(at, v128.xor(v128.load(at), x));
}

/** Rows (n x 12 bytes) and bins (n x 2 bytes) of n pairs of 16-byte hashes. */
export function okvsRows(
  h0: usize, h1: usize, n: i32, bins: u32, columns: u32, denseBits: i32, rows: usize, binOf: usize,
): void {
  const mask: u64 = (<u64>1 << denseBits) - 1;
  for (let i = 0; i < n; i++) {
    const c0 = scale(load<u32>(h0), columns);
    let c1 = scale(load<u32>(h0, 4), columns - 1);
    let c2 = scale(load<u32>(h0, 8), columns - 2);
    if (c1 >= c0) c1++;
    if (c2 >= min(c0, c1)) c2++;
    if (c2 >= max(c0, c1)) c2++;
    store<u32>(rows, c0 | (c1 << 16));
    store<u64>(rows, <u64>c2 | ((load<u64>(h1) & mask) << 16), 4);
    store<u16>(binOf, <u16>scale(load<u32>(h1, 12), bins));
    h0 += 16;
    h1 += 16;
    rows += ROW_BYTES;
    binOf += 2;
  }
}

/**
 * Orders n < 2^16 rows so that each is solved for a column that no later step contains. Rows in the
 * way of that go to gapRows (4 bytes each, gapLimit at most). Returns their number g, after writing
 * n - g steps; -1 when there are more than gapLimit, -3 when a column is out of range.
 * Scratch: nodes 4 * columns, stack 2 * columns + 2, removed n bytes.
 */
export function okvsPeel(
  rows: usize, n: i32, columns: i32, gapLimit: i32, steps: usize, gapRows: usize,
  nodes: usize, stack: usize, removed: usize,
): i32 {
  // A node is the number of remaining rows with the column, times 2^16, and the XOR of their indices.
  memory.fill(nodes, 0, <usize>columns << 2);
  memory.fill(removed, 0, n);
  let row = rows;
  for (let i = 0; i < n; i++) {
    for (let j: usize = 0; j < 3; j++) {
      const c = <i32>load<u16>(row + (j << 1));
      if (c >= columns) return -3;
      const node = nodes + (<usize>c << 2);
      store<u32>(node, (load<u32>(node) + 0x10000) ^ <u32>i);
    }
    row += ROW_BYTES;
  }

  let top = stack;
  for (let c = 0; c < columns; c++) {
    store<u16>(top, <u16>c);
    top += <usize>((load<u32>(nodes + (<usize>c << 2)) >> 16) == 1) << 1;
  }

  let gap = 0;
  let scan = 0;
  for (let left = n; left > 0; ) {
    let r: u32;
    if (top > stack) {
      top -= 2;
      const c = <u32>load<u16>(top);
      const node = load<u32>(nodes + (<usize>c << 2));
      if (node >> 16 != 1) continue;
      r = node & 0xffff;
      const at = rows + <usize>r * ROW_BYTES;
      const c0 = <u32>load<u16>(at);
      const c1 = <u32>load<u16>(at, 2);
      const c2 = <u32>load<u16>(at, 4);
      const a = select<u32>(c1, c0, c0 == c);
      const b = select<u32>(c1, c2, c2 == c);
      store<u32>(steps, a | (b << 16));
      store<u32>(steps, c | (r << 16), 4);
      steps += 8;
    } else {
      // Every column of what remains is in two rows or more: the first row is set aside.
      while (load<u8>(removed + scan)) scan++;
      if (gap == gapLimit) return -1;
      r = scan;
      store<u32>(gapRows + (<usize>gap << 2), r);
      gap++;
    }
    store<u8>(removed + r, 1);
    left--;
    const at = rows + <usize>r * ROW_BYTES;
    for (let j: usize = 0; j < 3; j++) {
      const c = <u32>load<u16>(at + (j << 1));
      const node = nodes + (<usize>c << 2);
      const word = (load<u32>(node) - 0x10000) ^ r;
      store<u32>(node, word);
      store<u16>(top, <u16>c);
      top += <usize>(word >> 16 == 1) << 1;
    }
  }
  return gap;
}

/**
 * Solves the g set-aside equations for dense slots; all other dense slots, and the columns that no
 * step solves, keep what they hold. Returns 0, or -2 when the equations are dependent.
 * Scratch: marks `columns` bytes, bits 8 * g, sums 16 * g (aligned).
 */
export function okvsSolveGap(
  rows: usize, values: usize, slots: usize, columns: i32, denseBits: i32, steps: usize, count: i32,
  gapRows: usize, g: i32, marks: usize, bits: usize, sums: usize,
): i32 {
  const dense = slots + (<usize>columns << 4);
  const mask: u64 = (<u64>1 << denseBits) - 1;
  for (let q = 0; q < g; q++) {
    const r = <usize>load<u32>(gapRows + (<usize>q << 2));
    const row = rows + r * ROW_BYTES;
    let b = denseOf(row);
    let v = v128.load(values + (r << 4));
    memory.fill(marks, 0, columns);
    for (let j: usize = 0; j < 3; j++) store<u8>(marks + load<u16>(row + (j << 1)), 1);
    // Steps in rising order: a step adds columns that only later steps solve.
    for (let p = 0; p < count; p++) {
      const step = steps + (<usize>p << 3);
      const c = marks + load<u16>(step, 4);
      if (!load<u8>(c)) continue;
      store<u8>(c, 0);
      const m0 = marks + load<u16>(step);
      const m1 = marks + load<u16>(step, 2);
      store<u8>(m0, load<u8>(m0) ^ 1);
      store<u8>(m1, load<u8>(m1) ^ 1);
      const s = <usize>load<u16>(step, 6);
      b ^= denseOf(rows + s * ROW_BYTES);
      v = v128.xor(v, v128.load(values + (s << 4)));
    }
    // What is still marked is a column that no step solves: it counts with what it holds.
    for (let c = 0; c < columns; c++) {
      if (load<u8>(marks + c)) v = v128.xor(v, v128.load(slots + (<usize>c << 4)));
    }
    store<u64>(bits + (<usize>q << 3), b & mask);
    v128.store(sums + (<usize>q << 4), v);
  }

  // Gauss-Jordan; afterwards the lowest bit of an equation is in no other.
  for (let q = 0; q < g; q++) {
    const b = load<u64>(bits + (<usize>q << 3));
    if (b == 0) return -2;
    const pivot = ctz(b);
    const v = v128.load(sums + (<usize>q << 4));
    for (let u = 0; u < g; u++) {
      const at = bits + (<usize>u << 3);
      if (u == q || !((load<u64>(at) >> pivot) & 1)) continue;
      store<u64>(at, load<u64>(at) ^ b);
      xorBlock(sums + (<usize>u << 4), v);
    }
  }
  for (let q = 0; q < g; q++) {
    const b = load<u64>(bits + (<usize>q << 3));
    let v = v128.load(sums + (<usize>q << 4));
    for (let rest = b & (b - 1); rest; rest &= rest - 1) {
      v = v128.xor(v, v128.load(dense + (<usize>ctz(rest) << 4)));
    }
    v128.store(dense + (<usize>ctz(b) << 4), v);
  }
  return 0;
}

/** Sums of the dense slots by byte of the dense bits: 6 tables of 256 blocks, 24 KiB. */
export function okvsTables(dense: usize, denseBits: i32, tables: usize): void {
  for (let t = 0; t < TABLES; t++) {
    v128.store(tables, i64x2(0, 0));
    for (let v: u32 = 1; v < 256; v++) {
      const bit = (t << 3) + <i32>ctz(v);
      const x = bit < denseBits ? v128.load(dense + (<usize>bit << 4)) : i64x2(0, 0);
      v128.store(tables + (<usize>v << 4), v128.xor(v128.load(tables + (<usize>(v & (v - 1)) << 4)), x));
    }
    tables += TABLE_BYTES;
  }
}

@inline function denseSum(tables: usize, bits: u64): v128 {
  const lo = <usize>(<u32>bits);
  const hi = <usize>(<u32>(bits >> 32));
  const x = v128.xor(
    v128.load(tables + ((lo & 255) << 4)),
    v128.load(tables + TABLE_BYTES + (((lo >> 8) & 255) << 4)),
  );
  const y = v128.xor(
    v128.load(tables + 2 * TABLE_BYTES + (((lo >> 16) & 255) << 4)),
    v128.load(tables + 3 * TABLE_BYTES + ((lo >> 24) << 4)),
  );
  const z = v128.xor(
    v128.load(tables + 4 * TABLE_BYTES + ((hi & 255) << 4)),
    v128.load(tables + 5 * TABLE_BYTES + (((hi >> 8) & 255) << 4)),
  );
  return v128.xor(v128.xor(x, y), z);
}

/** Solves the steps from the last to the first. tables: of the dense slots, or 0 when all are zero. */
export function okvsBackSubstitute(
  rows: usize, values: usize, slots: usize, steps: usize, count: i32, tables: usize,
): void {
  for (let step = steps + (<usize>count << 3); step > steps; ) {
    step -= 8;
    const r = <usize>load<u16>(step, 6);
    let v = v128.load(values + (r << 4));
    if (tables) v = v128.xor(v, denseSum(tables, denseOf(rows + r * ROW_BYTES)));
    const a = v128.load(slots + (<usize>load<u16>(step) << 4));
    const b = v128.load(slots + (<usize>load<u16>(step, 2) << 4));
    v128.store(slots + (<usize>load<u16>(step, 4) << 4), v128.xor(v, v128.xor(a, b)));
  }
}

/** out (n x 16): the left-hand side of every row. Returns 0, or -3 when a column is out of range. */
export function okvsDecode(
  rows: usize, n: i32, columns: u32, slots: usize, tables: usize, out: usize,
): i32 {
  for (let i = 0; i < n; i++) {
    const c0 = <u32>load<u16>(rows);
    const c1 = <u32>load<u16>(rows, 2);
    const c2 = <u32>load<u16>(rows, 4);
    if (max(max(c0, c1), c2) >= columns) return -3;
    const v = v128.xor(
      v128.xor(v128.load(slots + (<usize>c0 << 4)), v128.load(slots + (<usize>c1 << 4))),
      v128.load(slots + (<usize>c2 << 4)),
    );
    v128.store(out, v128.xor(v, denseSum(tables, denseOf(rows))));
    rows += ROW_BYTES;
    out += 16;
  }
  return 0;
}
