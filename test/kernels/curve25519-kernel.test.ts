import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { referenceCurve25519Kernel } from '../../src/kernels/curve25519-kernel.reference.ts';
import { LowOrderPointError } from '../../src/kernels/curve25519-kernel.ts';
import { loadCurve25519Kernel } from '../../src/kernels/curve25519-kernel.wasm.ts';

const PINNED_FIRST_POINT = '8e6468995fda4fd2d10123ac69f94b8f48c971cf0ecae8d936b4340962262027';
const PINNED_POINTS = 'ad6506ae027632bd41ad05ef907abb216f344455cc3ebd989ec6f2f09648120e';

const P = 2n ** 255n - 19n;
const reference = referenceCurve25519Kernel;
const kernels = [reference, loadCurve25519Kernel(), loadCurve25519Kernel(null)];

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** The integer of RFC 9380's big-endian hexadecimal as 32 little-endian bytes. */
const integer = (text: string): Uint8Array => hex(text).reverse();
const littleEndian = (x: bigint, length: number): Uint8Array =>
  integer(x.toString(16).padStart(2 * length, '0'));
const toInteger = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes.slice().reverse())}`);
const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** RFC 9380 appendix J.4.2: u[0] and Q.x, the map's input and output before the cofactor is cleared. */
const RFC_9380_MAP: readonly (readonly [u: string, x: string])[] = [
  [
    '608d892b641f0328523802a6603427c26e55e6f27e71a91a478148d45b5093cd',
    '51125222da5e763d97f3c10fcc92ea6860b9ccbbd2eb1285728f566721c1e65b',
  ],
  [
    '46f5b22494bfeaa7f232cc8d054be68561af50230234d7d1d63d1d9abeca8da5',
    '7d56d1e08cb0ccb92baf069c18c49bb5a0dcd927eff8dcf75ca921ef7f3e6eeb',
  ],
  [
    '235fe40c443766ce7e18111c33862d66c3b33267efa50d50f9e8e5d252a40aaa',
    '3fbe66b9c9883d79e8407150e7c2a1c8680bee496c62fabe4619a72b3cabe90f',
  ],
  [
    '001e92a544463bda9bd04ddbe3d6eed248f82de32f522669efc5ddce95f46f5b',
    '227e0bb89de700385d19ec40e857db6e6a3e634b1c32962f370d26f84ff19683',
  ],
  [
    '1a68a1af9f663592291af987203393f707305c7bac9c8d63d6a729bdc553dc19',
    '3bcd651ee54d5f7b6013898aab251ee8ecc0688166fce6e9548d38472f6bd196',
  ],
];

/** Integers at which limbs, carries and the final reduction may go wrong. */
const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  P - 1n,
  P,
  P + 1n,
  2n * P - 1n,
  2n * P,
  19n * P,
  2n ** 255n - 1n,
  2n ** 255n,
  2n ** 256n - 1n,
  2n ** 256n,
  2n ** 510n - 1n,
  2n ** 510n,
  2n ** 511n,
  2n ** 512n - 1n,
  (2n ** 512n / P) * P,
  (2n ** 512n / P) * P - 1n,
  ...Array.from({ length: 20 }, (_, i) => 2n ** BigInt(Math.ceil(25.5 * i)) - 1n),
];

/** The five u-coordinates of low order that are below p. */
const LOW_ORDER: readonly bigint[] = [
  0n,
  1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  P - 1n,
];

const wideIntegers = fc.uint8Array({ minLength: 0, maxLength: 5 * 64 }).map((bytes) => {
  return bytes.slice(0, bytes.length - (bytes.length % 64));
});

for (const kernel of kernels) {
  describe(`curve25519 kernel: ${kernel.name}`, () => {
    it('maps as RFC 9380 J.4.2 does before it clears the cofactor', () => {
      const wide = RFC_9380_MAP.map(([u]) => concat(integer(u), new Uint8Array(32)));
      const x = RFC_9380_MAP.map(([, qx]) => integer(qx));
      deepEqual(kernel.mapToCurve(concat(...wide)), concat(...x));
    });

    it('hashes to pinned points', () => {
      const digests = Uint8Array.from({ length: 33 * 16 }, (_, i) => (7 * i * i + i) & 0xff);
      const points = kernel.hashToCurve(digests);
      equal(toHex(points.subarray(0, 32)), PINNED_FIRST_POINT);
      equal(sha256(points), PINNED_POINTS);
    });

    it('multiplies as RFC 7748 §5.2 does', () => {
      const scalar = hex('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4');
      const point = hex('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c');
      const product = 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552';
      equal(toHex(kernel.multiply(point, scalar)), product);
      const scalar2 = hex('4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d');
      const point2 = hex('e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493');
      const product2 = '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957';
      equal(toHex(kernel.multiply(point2, scalar2)), product2);
    });

    it('multiplies many points, in order, and none', () => {
      const scalar = Uint8Array.from({ length: 32 }, (_, i) => 11 * i + 3);
      const points = Uint8Array.from({ length: 5 * 32 }, (_, i) => (i * 37 + (i >> 5)) & 0x7f);
      const products = kernel.multiply(points, scalar);
      for (let i = 0; i < 5; i++) {
        const point = points.subarray(32 * i, 32 * i + 32);
        deepEqual(products.slice(32 * i, 32 * i + 32), x25519.scalarMult(scalar, point), `${i}`);
      }
      deepEqual(kernel.multiply(new Uint8Array(0), scalar), new Uint8Array(0));
    });

    it('refuses every point of low order and names it', () => {
      const scalar = new Uint8Array(32).fill(5);
      const base = littleEndian(9n, 32);
      for (const u of LOW_ORDER) {
        const points = concat(base, base, littleEndian(u, 32));
        throws(
          () => kernel.multiply(points, scalar),
          (error) => error instanceof LowOrderPointError && error.index === 2,
          `u = ${u}`,
        );
      }
    });

    it('refuses inputs that are not whole rows', () => {
      throws(() => kernel.mapToCurve(new Uint8Array(65)), RangeError);
      throws(() => kernel.hashToCurve(new Uint8Array(17)), RangeError);
      throws(() => kernel.multiply(new Uint8Array(33), new Uint8Array(32)), RangeError);
      throws(() => kernel.multiply(new Uint8Array(32), new Uint8Array(31)), RangeError);
    });
  });
}

for (const kernel of kernels.slice(1)) {
  describe(`curve25519 kernel: ${kernel.name} against the reference`, () => {
    it('maps edge integers alike', () => {
      const wide = concat(...EDGES.map((x) => littleEndian(x, 64)));
      deepEqual(kernel.mapToCurve(wide), reference.mapToCurve(wide));
    });

    it('maps random integers alike', () => {
      fc.assert(
        fc.property(wideIntegers, (wide) => {
          deepEqual(kernel.mapToCurve(wide), reference.mapToCurve(wide));
        }),
      );
    });
  });
}

describe('curve25519 kernel: the map', () => {
  const kernel = loadCurve25519Kernel();

  it('is the same one by one and over several chunks', () => {
    const wide = concat(...Array.from({ length: 43 }, (_, i) => hashOf(i)));
    const all = concat(...Array.from({ length: 25 }, () => wide)); // 1075 points: two chunks and a part
    const once = kernel.mapToCurve(wide);
    deepEqual(kernel.mapToCurve(all), concat(...Array.from({ length: 25 }, () => once)));
    deepEqual(kernel.mapToCurve(wide.subarray(64 * 42)), once.slice(32 * 42));
    deepEqual(kernel.mapToCurve(new Uint8Array(0)), new Uint8Array(0));
  });

  it('gives canonical u-coordinates on the curve, never on its twist', () => {
    const n = 300;
    const points = kernel.mapToCurve(concat(...Array.from({ length: n }, (_, i) => hashOf(i))));
    const seen = new Set<bigint>();
    for (let i = 0; i < n; i++) {
      const u = toInteger(points.subarray(32 * i, 32 * i + 32));
      ok(u < P, `point ${i} is canonical`);
      ok(isSquare((u * u * u + 486662n * u * u + u) % P), `point ${i} is on the curve`);
      seen.add(u);
    }
    equal(seen.size, n);
  });

  it('maps r and -r to one point, as the RFC does', () => {
    const r = 123456789n ** 8n;
    const [plus, minus] = [littleEndian(r, 64), littleEndian(P - (r % P), 64)];
    deepEqual(kernel.mapToCurve(plus), kernel.mapToCurve(minus));
  });
});

function hashOf(i: number): Uint8Array {
  return new Uint8Array(createHash('sha512').update(`${i}`).digest());
}

function isSquare(x: bigint): boolean {
  let [result, base] = [1n, x];
  for (let e = (P - 1n) / 2n; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * base) % P;
    base = (base * base) % P;
  }
  return result === 1n;
}
