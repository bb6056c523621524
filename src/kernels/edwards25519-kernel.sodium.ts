import { referenceEdwards25519Kernel } from './edwards25519-kernel.reference.ts';
import {
  checkOne,
  type Edwards25519Kernel,
  InvalidPointError,
  POINT_BYTES,
  rowsOf,
  scalarsOf,
  WIDE_BYTES,
} from './edwards25519-kernel.ts';
import { loadSodium, type Sodium } from './sodium.ts';

/**
 * The group in libsodium, constant in time: 18 us a base multiple, 90 us a multiple, 15 us a sum.
 * The reference, 1 to 3 ms a point, when `sodium` is null.
 */
export function loadEdwards25519Kernel(sodium: Sodium | null = loadSodium()): Edwards25519Kernel {
  if (!sodium) return referenceEdwards25519Kernel;
  return {
    name: 'sodium',

    reduceScalars(wide) {
      return eachRow(rowsOf('wide', wide, WIDE_BYTES), (out, row) => {
        sodium.crypto_core_ed25519_scalar_reduce(out, row);
      });
    },

    baseMultiples(scalars) {
      return eachRow(scalarsOf(scalars), (out, s) => {
        sodium.crypto_scalarmult_ed25519_base_noclamp(out, s);
      });
    },

    multiples(point, scalars) {
      checkOne('point', point);
      return eachRow(scalarsOf(scalars), (out, s) => product(sodium, out, s, point, 0));
    },

    multiply(points, scalar) {
      checkOne('scalar', scalar);
      scalarsOf(scalar);
      return eachRow(rowsOf('points', points, POINT_BYTES), (out, P, i) => {
        product(sodium, out, scalar, P, i);
      });
    },

    add(points, point) {
      checkOne('point', point);
      return eachRow(rowsOf('points', points, POINT_BYTES), (out, P) => {
        sodium.crypto_core_ed25519_add(out, P, point);
      });
    },

    subtract(points, point) {
      checkOne('point', point);
      return eachRow(rowsOf('points', points, POINT_BYTES), (out, P) => {
        sodium.crypto_core_ed25519_sub(out, P, point);
      });
    },

    checkPoints(points) {
      rowsOf('points', points, POINT_BYTES).forEach((P, i) => {
        if (!sodium.crypto_core_ed25519_is_valid_point(P)) throw new InvalidPointError(i);
      });
    },
  };
}

/** out = s P. libsodium checks P itself, so that a check before it would only cost half as much again. */
function product(
  sodium: Sodium,
  out: Uint8Array,
  s: Uint8Array,
  P: Uint8Array,
  index: number,
): void {
  try {
    sodium.crypto_scalarmult_ed25519_noclamp(out, s, P);
  } catch {
    throw new InvalidPointError(index); // lengths are right and 0 < s < l, so this is its only reason
  }
}

/** A fresh n x 32; `write(out, row, i)` fills row i. */
function eachRow(
  rows: readonly Uint8Array[],
  write: (out: Uint8Array, row: Uint8Array, i: number) => void,
): Uint8Array {
  const all = new Uint8Array(rows.length * POINT_BYTES);
  rows.forEach((row, i) => {
    write(all.subarray(i * POINT_BYTES, (i + 1) * POINT_BYTES), row, i);
  });
  return all;
}
