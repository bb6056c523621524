// AssemblyScript. Rotations and bins of 32-bit words modulo 2^32; pointers and lengths only.
//
// A polynomial has 2048 words, 8 KiB. Row p of a multiplication by the polynomial a modulo X^2048 + 1 is
//   k -> a[p - k] for k <= p, -a[2048 + p - k] beyond:
// the 2048 words from word 2047 - p on of the table a[2047] ... a[0], -a[2047] ... -a[1].

const DEGREE: i32 = 2048;
const POLYNOMIAL: usize = 8192;
/** Bytes of a polynomial that are summed in registers. */
const TILE: usize = 128;

@inline function fillTable(table: usize, a: usize): void {
  for (let i: usize = 0; i < POLYNOMIAL; i += 4) {
    const word = load<u32>(a + i);
    store<u32>(table + POLYNOMIAL - 4 - i, word);
    store<u32>(table + 2 * POLYNOMIAL - 4 - i, 0 - word); // i = 0 falls on the last word, which no row reads
  }
}

/** sum += the rows that start at the `count` addresses at `rows`. */
function addRows(sum: usize, rows: usize, count: i32): void {
  const end = rows + (<usize>count << 2);
  for (let k: usize = 0; k < POLYNOMIAL; k += TILE) {
    const at = sum + k;
    let s0 = v128.load(at), s1 = v128.load(at, 16), s2 = v128.load(at, 32), s3 = v128.load(at, 48);
    let s4 = v128.load(at, 64), s5 = v128.load(at, 80), s6 = v128.load(at, 96), s7 = v128.load(at, 112);
    for (let row = rows; row < end; row += 4) {
      const r = <usize>load<u32>(row) + k;
      s0 = i32x4.add(s0, v128.load(r));
      s1 = i32x4.add(s1, v128.load(r, 16));
      s2 = i32x4.add(s2, v128.load(r, 32));
      s3 = i32x4.add(s3, v128.load(r, 48));
      s4 = i32x4.add(s4, v128.load(r, 64));
      s5 = i32x4.add(s5, v128.load(r, 80));
      s6 = i32x4.add(s6, v128.load(r, 96));
      s7 = i32x4.add(s7, v128.load(r, 112));
    }
    v128.store(at, s0);
    v128.store(at, s1, 16);
    v128.store(at, s2, 32);
    v128.store(at, s3, 48);
    v128.store(at, s4, 64);
    v128.store(at, s5, 80);
    v128.store(at, s6, 96);
    v128.store(at, s7, 112);
  }
}

/**
 * hints (count polynomials): polynomial bins[i] += row i mod 2048 of block i / 2048 of a, for n bins (u16). a has whole
 * blocks. Returns 0, or -1 when a bin is not below count: hints are then undefined.
 * Scratch: table 2 polynomials, ends 4 * count, order 4 * 2048.
 */
export function hintAddRotations(
  hints: usize, a: usize, bins: usize, n: i32, count: u32, table: usize, ends: usize, order: usize,
): i32 {
  for (let from = 0; from < n; from += DEGREE, a += POLYNOMIAL, bins += <usize>DEGREE << 1) {
    const rows = min(n - from, DEGREE);
    fillTable(table, a);

    // A counting sort of the block's rows by bin.
    memory.fill(ends, 0, <usize>count << 2);
    for (let i = 0; i < rows; i++) {
      const bin = <u32>load<u16>(bins + (<usize>i << 1));
      if (bin >= count) return -1;
      const at = ends + (<usize>bin << 2);
      store<u32>(at, load<u32>(at) + 1);
    }
    let before: u32 = 0;
    for (let b: u32 = 0; b < count; b++) {
      const at = ends + (<usize>b << 2);
      const size = load<u32>(at);
      store<u32>(at, before);
      before += size;
    }
    for (let i = 0; i < rows; i++) {
      const at = ends + (<usize>load<u16>(bins + (<usize>i << 1)) << 2);
      const place = load<u32>(at);
      store<u32>(at, place + 1);
      store<u32>(order + (<usize>place << 2), <u32>(table + (<usize>(DEGREE - 1 - i) << 2)));
    }

    let start: u32 = 0;
    for (let b: u32 = 0; b < count; b++) {
      const end = load<u32>(ends + (<usize>b << 2));
      if (end > start) addRows(hints + <usize>b * POLYNOMIAL, order + (<usize>start << 2), end - start);
      start = end;
    }
  }
  return 0;
}

/** sums (count u32): sums[bins[i]] += words[i] for n bins (u16). Returns 0, or -1 when a bin is not below count. */
export function hintAddByBin(sums: usize, words: usize, bins: usize, n: i32, count: u32): i32 {
  for (const end = words + (<usize>n << 2); words < end; words += 4, bins += 2) {
    const bin = <u32>load<u16>(bins);
    if (bin >= count) return -1;
    const at = sums + (<usize>bin << 2);
    store<u32>(at, load<u32>(at) + load<u32>(words));
  }
  return 0;
}
