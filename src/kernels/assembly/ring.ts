// AssemblyScript. Z_2^64 linear algebra; pointers and lengths only.

/** y = X v. X: n x d int32 row-major at x; v: d u64; y: n u64. */
export function matVec(x: usize, v: usize, y: usize, n: i32, d: i32): void {
  for (let i = 0; i < n; i++) {
    let sum: u64 = 0;
    for (let j = 0; j < d; j++) {
      sum += <u64>(<i64>load<i32>(x + (<usize>j << 2))) * load<u64>(v + (<usize>j << 3));
    }
    store<u64>(y + (<usize>i << 3), sum);
    x += <usize>d << 2;
  }
}

/** g += X^T e. X: n x d int32 row-major at x; e: n u64; g: d u64. */
export function transposedMatVecAdd(x: usize, e: usize, g: usize, n: i32, d: i32): void {
  for (let i = 0; i < n; i++) {
    const ei = load<u64>(e + (<usize>i << 3));
    for (let j = 0; j < d; j++) {
      const p = g + (<usize>j << 3);
      store<u64>(p, load<u64>(p) + <u64>(<i64>load<i32>(x + (<usize>j << 2))) * ei);
    }
    x += <usize>d << 2;
  }
}
