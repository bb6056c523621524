// AssemblyScript. GF(2^128) = GF(2)[z] / (z^128 + z^7 + z^2 + z + 1), elements of 16 bytes little-endian.

/** table[j][v] = element * v z^4j for j < 32 digits and v < 16: 8 KiB at `table`. */
export function gf128Table(table: usize, element: usize): void {
  let lo = load<u64>(element);
  let hi = load<u64>(element, 8);
  for (let j = 0; j < 32; j++) {
    v128.store(table, i64x2(0, 0));
    for (let power: usize = 1; power < 16; power <<= 1) {
      const entry = table + (power << 4);
      store<u64>(entry, lo);
      store<u64>(entry, hi, 8);
      for (let v: usize = 1; v < power; v++) {
        v128.store(entry + (v << 4), v128.xor(v128.load(entry), v128.load(table + (v << 4))));
      }
      const overflow = hi >> 63;
      hi = (hi << 1) | (lo >> 63);
      lo = (lo << 1) ^ (overflow * 0x87); // z^128 = z^7 + z^2 + z + 1
    }
    table += 256;
  }
}

/** dst_i ^= element * src_i for i < n, with the element's table. */
export function gf128MultiplyAdd(dst: usize, src: usize, n: i32, table: usize): void {
  for (let i = 0; i < n; i++) {
    let lo = load<u64>(src);
    let hi = load<u64>(src, 8);
    let a = v128.load(dst);
    let b = i64x2(0, 0);
    for (let j: usize = 0; j < 4096; j += 256) {
      a = v128.xor(a, v128.load(table + j + ((<usize>lo & 15) << 4)));
      b = v128.xor(b, v128.load(table + j + ((<usize>hi & 15) << 4), 4096));
      lo >>= 4;
      hi >>= 4;
    }
    v128.store(dst, v128.xor(a, b));
    src += 16;
    dst += 16;
  }
}
