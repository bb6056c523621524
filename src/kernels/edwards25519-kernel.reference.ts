import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js';
import {
  checkOne,
  type Edwards25519Kernel,
  InvalidPointError,
  POINT_BYTES,
  rowsOf,
  SCALAR_BYTES,
  scalarsOf,
  WIDE_BYTES,
} from './edwards25519-kernel.ts';

const { Point } = ed25519;
type Point = InstanceType<typeof Point>;
const ORDER = Point.Fn.ORDER;

/** Window of the table of multiples of one point: for 128 of them, 50 instead of 190 ms. */
const WINDOW_BITS = 6;

/** The definition, in `@noble/curves`: also what runs where libsodium has no prebuilt binding. */
export const referenceEdwards25519Kernel: Edwards25519Kernel = {
  name: 'reference',

  reduceScalars(wide) {
    const rows = rowsOf('wide', wide, WIDE_BYTES);
    return concat(rows.map((row) => numberToBytesLE(bytesToNumberLE(row) % ORDER, SCALAR_BYTES)));
  },

  baseMultiples(scalars) {
    return encode(scalarsOf(scalars).map((s) => Point.BASE.multiply(bytesToNumberLE(s))));
  },

  multiples(point, scalars) {
    const P = decode(checkOne('point', point), 0);
    P.precompute(WINDOW_BITS);
    return encode(scalarsOf(scalars).map((s) => P.multiply(bytesToNumberLE(s))));
  },

  multiply(points, scalar) {
    checkOne('scalar', scalar);
    const s = scalarsOf(scalar).map(bytesToNumberLE)[0]!;
    return encode(decodeAll(points).map((P) => P.multiply(s)));
  },

  add(points, point) {
    const Q = Point.fromBytes(checkOne('point', point));
    return encode(rowsOf('points', points, POINT_BYTES).map((P) => Point.fromBytes(P).add(Q)));
  },

  subtract(points, point) {
    const Q = Point.fromBytes(checkOne('point', point));
    return encode(rowsOf('points', points, POINT_BYTES).map((P) => Point.fromBytes(P).subtract(Q)));
  },

  checkPoints(points) {
    decodeAll(points);
  },
};

function decodeAll(points: Uint8Array): Point[] {
  return rowsOf('points', points, POINT_BYTES).map(decode);
}

function decode(bytes: Uint8Array, index: number): Point {
  let point: Point;
  try {
    point = Point.fromBytes(bytes); // RFC 8032 §5.1.3, strictly
  } catch {
    throw new InvalidPointError(index);
  }
  if (point.is0() || !point.isTorsionFree()) throw new InvalidPointError(index);
  return point;
}

function encode(points: readonly Point[]): Uint8Array {
  return concat(points.map((point) => point.toBytes()));
}

function concat(rows: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(rows.length * POINT_BYTES);
  rows.forEach((row, i) => {
    out.set(row, i * POINT_BYTES);
  });
  return out;
}
