/** Number theory on BigInts for tables and references. Not constant time: public values only. */

/** base^exponent mod m, by squaring. */
export function powMod(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n;
  let b = mod(base, m);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * b) % m;
    b = (b * b) % m;
  }
  return result;
}

/** x^-1 mod p, p prime. */
export function inverseMod(x: bigint, p: bigint): bigint {
  return powMod(x, p - 2n, p);
}

/** The representative of x in [0, m). */
export function mod(x: bigint, m: bigint): bigint {
  const r = x % m;
  return r < 0n ? r + m : r;
}

/** The least primitive root of unity of order 2n mod p that is a power g^((p-1)/2n), g = 2, 3, ... */
export function primitiveRoot(n: number, p: bigint): bigint {
  for (let g = 2n; ; g++) {
    const psi = powMod(g, (p - 1n) / BigInt(2 * n), p);
    if (powMod(psi, BigInt(n), p) === p - 1n) return psi;
  }
}

/** The `bits` low bits of i in reverse order. */
export function reverseBits(i: number, bits: number): number {
  let r = 0;
  for (let k = 0; k < bits; k++) r |= ((i >> k) & 1) << (bits - 1 - k);
  return r;
}
