import { deepEqual, throws } from 'node:assert/strict';
import { checkLength, decodeWords, wordsToBytes } from '../../../src/protocols/primitives/words.ts';

describe('words in messages', () => {
  it('are little-endian and survive unaligned views', () => {
    const words = BigUint64Array.of(0x0102030405060708n, 2n ** 64n - 1n);
    const bytes = wordsToBytes(words);
    deepEqual([...bytes.subarray(0, 8)], [8, 7, 6, 5, 4, 3, 2, 1]);
    const message = Buffer.concat([Buffer.of(0), bytes]).subarray(1);
    deepEqual(decodeWords(message, 2), words);
  });

  it('views a part of a vector and decodes into memory of its own', () => {
    const words = BigUint64Array.of(1n, 2n, 3n);
    const bytes = wordsToBytes(words.subarray(1, 2));
    deepEqual([...bytes], [2, 0, 0, 0, 0, 0, 0, 0]);
    const decoded = decodeWords(bytes, 1);
    words[1] = 9n;
    deepEqual(decoded, BigUint64Array.of(2n));
  });

  it('refuses lengths that do not agree', () => {
    for (const length of [0, 15, 17, 24]) {
      throws(() => decodeWords(new Uint8Array(length), 2), { code: 'MALFORMED_MESSAGE' });
    }
    throws(() => checkLength(new Uint8Array(3), 4), { code: 'MALFORMED_MESSAGE' });
  });
});
