// AssemblyScript. Elligator 2 for curve25519, RFC 9380 §6.7.1 with Z = 2; the u-coordinate only.
import {
  affine, character, ELEMENT_BYTES, fromWide, invert, mul, negate, selectInto, square, toBytes,
} from './field25519';

const J: u64 = 486662; // v^2 = u^3 + J u^2 + u

const R = memory.data(40), INVERSE = memory.data(40);
const U1 = memory.data(40), U2 = memory.data(40), W = memory.data(40);

/**
 * Maps n integers to n points. wide: n x 64 bytes, little-endian, reduced mod p first; out: n x 32
 * bytes, little-endian, fully reduced; scratch: n x 80 bytes, aligned to 8.
 *
 * One exponentiation a point: the n inversions share one (Montgomery's trick). 1 + 2r^2 is never 0,
 * for -1/2 is not a square mod p; the curve equation has no root but 0 and u1 is never 0: so neither
 * exceptional case of the RFC arises.
 */
export function elligator2(wide: usize, out: usize, n: i32, scratch: usize): void {
  if (n == 0) return;
  const d = scratch, prefix = scratch + <usize>n * ELEMENT_BYTES;
  for (let i = 0; i < n; i++) {
    const di = d + <usize>i * ELEMENT_BYTES, pi = prefix + <usize>i * ELEMENT_BYTES;
    fromWide(R, wide + (<usize>i << 6));
    square(R, R);
    affine(di, R, 2, 1); // d_i = 1 + 2 r_i^2
    if (i == 0) memory.copy(pi, di, ELEMENT_BYTES);
    else mul(pi, pi - ELEMENT_BYTES, di); // d_0 ... d_i
  }
  invert(INVERSE, prefix + <usize>(n - 1) * ELEMENT_BYTES);
  for (let i = n - 1; i >= 0; i--) {
    const di = d + <usize>i * ELEMENT_BYTES, pi = prefix + <usize>i * ELEMENT_BYTES;
    if (i == 0) memory.copy(U1, INVERSE, ELEMENT_BYTES);
    else mul(U1, INVERSE, pi - ELEMENT_BYTES); // 1/d_i
    mul(INVERSE, INVERSE, di);
    affine(U1, U1, J, 0);
    negate(U1, U1); // u1 = -J / d_i
    affine(U2, U1, 1, J);
    mul(W, U2, U1);
    affine(W, W, 1, 1);
    mul(W, W, U1); // w = u1^3 + J u1^2 + u1
    negate(U2, U2); // u2 = -u1 - J
    character(W, W); // 1 or -1; -1 is even in its canonical encoding, 1 is odd
    const to = out + (<usize>i << 5);
    toBytes(to, W);
    selectInto(U1, U2, (load<u8>(to) & 1) ^ 1);
    toBytes(to, U1);
  }
}
