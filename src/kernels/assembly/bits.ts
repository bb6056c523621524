// AssemblyScript. Bit matrices; pointers and lengths only.

/**
 * Transposes 128 rows of bits into rows of 128 bits. Row r starts at src + r * stride; `bytes` bytes of
 * every row are read; 8 * bytes rows of 16 bytes are written to dst. Bit i of a row is bit i & 7 of byte i >> 3.
 */
export function transpose128(src: usize, stride: usize, dst: usize, bytes: i32): void {
  for (let c = 0; c < bytes; c++) {
    let s = src + <usize>c;
    for (let group: usize = 0; group < 8; group++) {
      // One byte of each of 16 rows; the sign bits of the lanes are one output word of 16 bits.
      let v = v128.load_splat<u8>(s);
      v = v128.load_lane<u8>(s + stride, v, 1);
      v = v128.load_lane<u8>(s + 2 * stride, v, 2);
      v = v128.load_lane<u8>(s + 3 * stride, v, 3);
      v = v128.load_lane<u8>(s + 4 * stride, v, 4);
      v = v128.load_lane<u8>(s + 5 * stride, v, 5);
      v = v128.load_lane<u8>(s + 6 * stride, v, 6);
      v = v128.load_lane<u8>(s + 7 * stride, v, 7);
      v = v128.load_lane<u8>(s + 8 * stride, v, 8);
      v = v128.load_lane<u8>(s + 9 * stride, v, 9);
      v = v128.load_lane<u8>(s + 10 * stride, v, 10);
      v = v128.load_lane<u8>(s + 11 * stride, v, 11);
      v = v128.load_lane<u8>(s + 12 * stride, v, 12);
      v = v128.load_lane<u8>(s + 13 * stride, v, 13);
      v = v128.load_lane<u8>(s + 14 * stride, v, 14);
      v = v128.load_lane<u8>(s + 15 * stride, v, 15);
      const d = dst + (group << 1);
      for (let k: i32 = 7; k >= 0; k--) {
        store<u16>(d + (<usize>k << 4), <u16>i8x16.bitmask(v));
        v = i8x16.shl(v, 1);
      }
      s += stride << 4;
    }
    dst += 128;
  }
}
