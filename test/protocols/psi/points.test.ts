import { deepEqual, equal, throws } from 'node:assert/strict';
import { decodePoints } from '../../../src/protocols/psi/points.ts';

const P = 2n ** 255n - 19n;
const encode = (x: bigint): Uint8Array =>
  new Uint8Array(Buffer.from(x.toString(16).padStart(64, '0'), 'hex').reverse());
const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Roots of u, u^2 - 1 and (u^2 - 1)^2 - 4u(u^2 + 486662u + 1): points of order 2, 4 and 8. */
const LOW_ORDER: readonly bigint[] = [
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  BigInt('0x57119fd0dd4e22d8868e1c58c45c44045bef839c55b1d0b1248c50a3bc959c5f'),
];
const FINE: readonly bigint[] = [2n, 9n, P - 2n, 2n ** 254n, LOW_ORDER[3]! + 1n, 2n ** 64n];
const NOT_CANONICAL: readonly bigint[] = [
  P,
  P + 1n,
  2n ** 255n - 1n,
  2n ** 255n,
  2n ** 255n + 9n,
  2n ** 256n - 1n,
];

describe('decodePoints', () => {
  it('passes canonical points, unaligned views included', () => {
    const bytes = concat(...FINE.map(encode));
    deepEqual(decodePoints(bytes, FINE.length), bytes);
    const view = concat(Uint8Array.of(1), bytes).subarray(1);
    deepEqual(decodePoints(view, FINE.length), bytes);
    equal(decodePoints(new Uint8Array(0), 0).length, 0);
  });

  it('refuses integers that are not below p', () => {
    for (const x of NOT_CANONICAL) {
      const bytes = concat(encode(9n), encode(x));
      throws(() => decodePoints(bytes, 2), { code: 'MALFORMED_MESSAGE' }, `${x}`);
    }
  });

  it('refuses every point of low order', () => {
    for (const u of LOW_ORDER) {
      const order8 = (u * u - 1n) ** 2n - 4n * u * (u * u + 486662n * u + 1n);
      equal(mod(u * (u * u - 1n) * order8), 0n, `${u} has low order`);
      const bytes = concat(encode(9n), encode(u));
      throws(() => decodePoints(bytes, 2), { code: 'MALFORMED_MESSAGE' }, `${u}`);
    }
  });

  it('refuses another number of points', () => {
    const bytes = concat(encode(9n), encode(10n));
    for (const count of [0, 1, 3]) {
      throws(() => decodePoints(bytes, count), { code: 'MALFORMED_MESSAGE' });
    }
    throws(() => decodePoints(bytes.subarray(1), 2), { code: 'MALFORMED_MESSAGE' });
  });
});

function mod(x: bigint): bigint {
  return ((x % P) + P) % P;
}
