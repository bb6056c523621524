import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { referenceEdwards25519Kernel } from '../../src/kernels/edwards25519-kernel.reference.ts';
import { loadEdwards25519Kernel } from '../../src/kernels/edwards25519-kernel.sodium.ts';
import { InvalidPointError } from '../../src/kernels/edwards25519-kernel.ts';
import { BASE, KEY_PAIRS, NOT_CANONICAL, NOT_ON_CURVE, TORSION } from '../vectors/rfc8032.ts';

const { Point } = ed25519;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const base = hex(BASE);
const identity = hex(TORSION[0]!);

const reference = referenceEdwards25519Kernel;
const kernels = [reference, loadEdwards25519Kernel()];

/** Scalars of the edges of 1 .. l - 1, and in between. */
const SCALARS = [1n, 2n, 3n, 8n, 2n ** 251n, 2n ** 252n, ORDER - 2n, ORDER - 1n].map((x) =>
  integer(x),
);
/** A point of the subgroup plus one of order 8, and one of order 2. */
const MIXED = [TORSION[4]!, TORSION[1]!].map((torsion) =>
  Point.fromHex(torsion).add(Point.BASE.multiply(5n)).toBytes(),
);
const INVALID = [...[...TORSION, ...NOT_CANONICAL, ...NOT_ON_CURVE].map(hex), ...MIXED];

for (const kernel of kernels) {
  describe(`edwards25519 kernel: ${kernel.name}`, () => {
    it('multiplies the base point as RFC 8032 §7.1 does', () => {
      const secrets = KEY_PAIRS.map(([secret]) => {
        const wide = new Uint8Array(64);
        wide.set(createHash('sha512').update(hex(secret)).digest().subarray(0, 32));
        wide[0]! &= 0xf8;
        wide[31] = (wide[31]! & 0x3f) | 0x40;
        return wide;
      });
      const scalars = kernel.reduceScalars(concat(...secrets));
      const points = concat(...KEY_PAIRS.map(([, point]) => hex(point)));
      deepEqual(kernel.baseMultiples(scalars), points);
      deepEqual(kernel.multiples(base, scalars), points);
    });

    it('reduces modulo the order of the subgroup', () => {
      const values = [0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, 7n * ORDER, 2n ** 512n - 1n];
      const wide = concat(...values.map((x) => integer(x, 64)));
      const reduced = concat(...values.map((x) => integer(x % ORDER)));
      deepEqual(kernel.reduceScalars(wide), reduced);
    });

    it('computes sums and multiples by their laws', () => {
      const s = concat(...SCALARS);
      const points = kernel.baseMultiples(s);
      deepEqual(kernel.multiples(base, s), points, 's B');
      const five = kernel.baseMultiples(integer(5n));
      deepEqual(
        kernel.multiply(points, integer(5n)),
        kernel.multiples(five, s),
        '5 (s B) = s (5 B)',
      );
      const sums = kernel.add(points, five);
      deepEqual(kernel.subtract(sums, five), points, '(P + Q) - Q');
      deepEqual(kernel.add(base, base), kernel.baseMultiples(integer(2n)), 'B + B');
      deepEqual(kernel.subtract(base, base), identity, 'B - B');
      deepEqual(kernel.subtract(identity, base), kernel.baseMultiples(integer(ORDER - 1n)), '-B');
      deepEqual(kernel.add(identity, base), base, '0 + B');
      kernel.checkPoints(concat(points, five));
    });

    it('works on none', () => {
      const none = new Uint8Array(0);
      deepEqual(kernel.reduceScalars(none), none);
      deepEqual(kernel.baseMultiples(none), none);
      deepEqual(kernel.multiples(base, none), none);
      deepEqual(kernel.multiply(none, integer(2n)), none);
      deepEqual(kernel.add(none, base), none);
      deepEqual(kernel.subtract(none, base), none);
      kernel.checkPoints(none);
    });

    it('leaves its inputs as they are', () => {
      const [points, scalars] = [concat(base, base), concat(integer(3n), integer(4n))];
      kernel.baseMultiples(scalars);
      kernel.multiples(base, scalars);
      kernel.multiply(points, integer(3n));
      kernel.add(points, base);
      kernel.subtract(points, base);
      deepEqual([points, scalars], [concat(base, base), concat(integer(3n), integer(4n))]);
      deepEqual(base, hex(BASE));
    });

    it('refuses what RFC 8032 does not encode, torsion, and the identity', () => {
      for (const invalid of INVALID) {
        const points = concat(base, base, invalid);
        const named = (error: unknown) => error instanceof InvalidPointError && error.index === 2;
        throws(() => kernel.checkPoints(points), named, toHex(invalid));
        throws(() => kernel.multiply(points, integer(8n)), named, toHex(invalid));
        throws(() => kernel.multiples(invalid, integer(8n)), InvalidPointError, toHex(invalid));
      }
    });

    it('refuses zero scalars and inputs that are not whole rows', () => {
      const zero = new Uint8Array(32);
      throws(() => kernel.baseMultiples(concat(integer(1n), zero)), RangeError);
      throws(() => kernel.multiples(base, zero), RangeError);
      throws(() => kernel.multiply(base, zero), RangeError);
      throws(() => kernel.reduceScalars(new Uint8Array(65)), RangeError);
      throws(() => kernel.baseMultiples(new Uint8Array(31)), RangeError);
      throws(() => kernel.multiples(concat(base, base), integer(1n)), RangeError);
      throws(() => kernel.multiply(base.subarray(1), integer(1n)), RangeError);
      throws(() => kernel.multiply(base, concat(integer(1n), integer(1n))), RangeError);
      throws(() => kernel.add(base, base.subarray(1)), RangeError);
      throws(() => kernel.subtract(base.subarray(1), base), RangeError);
      throws(() => kernel.checkPoints(base.subarray(1)), RangeError);
    });
  });
}

describe('edwards25519 kernel: libsodium against the reference', () => {
  const sodium = loadEdwards25519Kernel();

  it('is libsodium here, and the reference without a binding', () => {
    equal(sodium.name, 'sodium');
    equal(loadEdwards25519Kernel(null), reference);
  });

  it('agrees bit for bit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4 * 64, maxLength: 4 * 64 }), (wide) => {
        const scalars = reference.reduceScalars(wide);
        deepEqual(sodium.reduceScalars(wide), scalars);
        fc.pre(rows(scalars).every((s) => s.some((byte) => byte !== 0)));
        const points = reference.baseMultiples(scalars);
        deepEqual(sodium.baseMultiples(scalars), points);
        const [s, P] = [scalars.slice(0, 32), points.slice(32, 64)];
        deepEqual(sodium.multiples(P, scalars), reference.multiples(P, scalars));
        deepEqual(sodium.multiply(points, s), reference.multiply(points, s));
        deepEqual(sodium.add(points, P), reference.add(points, P));
        deepEqual(sodium.subtract(points, P), reference.subtract(points, P)); // P - P among them
      }),
      { numRuns: 10 },
    );
  });

  it('takes the same strings for points', () => {
    const accepts = (kernel: typeof reference, bytes: Uint8Array): boolean => {
      try {
        kernel.checkPoints(bytes);
        return true;
      } catch {
        return false;
      }
    };
    let passed = 0;
    for (let i = 0; i < 64; i++) {
      const bytes = new Uint8Array(createHash('sha256').update(`point ${i}`).digest());
      const expected = accepts(reference, bytes);
      equal(accepts(sodium, bytes), expected, toHex(bytes));
      passed += expected ? 1 : 0;
    }
    ok(passed > 0 && passed < 16, `${passed} of 64 are points of the subgroup`);
  });
});

function rows(bytes: Uint8Array): Uint8Array[] {
  return Array.from({ length: bytes.length / 32 }, (_, i) => bytes.subarray(32 * i, 32 * i + 32));
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function integer(x: bigint, length = 32): Uint8Array {
  const bytes = Buffer.from(x.toString(16).padStart(2 * length, '0'), 'hex');
  return new Uint8Array(bytes.reverse());
}

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
