import { deepEqual, doesNotThrow, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { bitAt, checkBits, packBits, packWords } from '../../../src/protocols/primitives/bits.ts';

describe('packed bits', () => {
  it('returns what was packed, least significant bit first', () => {
    deepEqual(packBits([1, 0, 0, 0, 0, 0, 0, 1, 0, 1]), Uint8Array.of(0x81, 0x02));
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 40 }), (values) => {
        const bits = packBits(values);
        equal(bits.length, Math.ceil(values.length / 8));
        values.forEach((value, i) => {
          equal(bitAt(bits, i), value ? 1 : 0, `bit ${i}`);
        });
      }),
    );
  });

  it('packs the lowest bits of words', () => {
    const words = BigUint64Array.of(1n, 2n, 2n ** 63n, 2n ** 64n - 1n, 0n, 0n, 0n, 4n, 5n);
    deepEqual(packWords(words), packBits([1, 0, 0, 1, 0, 0, 0, 0, 1]));
    deepEqual(packWords(words.subarray(3)), packBits([1, 0, 0, 0, 0, 1]));
  });

  it('checks the length that m bits take', () => {
    doesNotThrow(() => checkBits('x', new Uint8Array(2), 9));
    for (const [bytes, m] of [
      [1, 9],
      [2, 8],
      [0, -1],
      [1, 0.5],
    ] as const) {
      throws(() => checkBits('x', new Uint8Array(bytes), m), RangeError, `${bytes} ${m}`);
    }
  });
});
