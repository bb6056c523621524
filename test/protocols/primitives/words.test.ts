import { deepEqual, equal, throws } from 'node:assert/strict';
import {
  bytesOf,
  checkLength,
  decodeDoubles,
  decodeUint32,
  decodeWords,
  uint32Bytes,
  wordsToBytes,
  xorInto,
} from '../../../src/protocols/primitives/words.ts';

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

  it('are 4 bytes each for 32-bit numbers, in memory of their own', () => {
    const numbers = Uint32Array.of(1, 0xffff_fffe);
    const bytes = uint32Bytes(numbers);
    numbers.fill(0);
    deepEqual([...bytes], [1, 0, 0, 0, 254, 255, 255, 255]);
  });

  it('refuses lengths that do not agree', () => {
    for (const length of [0, 15, 17, 24]) {
      throws(() => decodeWords(new Uint8Array(length), 2), { code: 'MALFORMED_MESSAGE' });
    }
    throws(() => checkLength(new Uint8Array(3), 4), { code: 'MALFORMED_MESSAGE' });
  });
});

describe('xorInto', () => {
  it('adds any part of memory to any other, whole words or not', () => {
    const source = Uint8Array.from({ length: 64 }, (_, i) => 7 * i + 1);
    for (const [to, from] of [
      [0, 0],
      [4, 8],
      [1, 0],
      [3, 5],
    ] as const) {
      for (const length of [0, 1, 3, 4, 16, 31]) {
        const memory = Uint8Array.from({ length: 48 }, (_, i) => 3 * i);
        const expected = memory.slice();
        for (let i = 0; i < length; i++) expected[to + i]! ^= source[from + i]!;
        xorInto(memory.subarray(to, to + length), source.subarray(from, from + length));
        deepEqual(memory, expected, `${length} bytes from ${from} to ${to}`);
      }
    }
  });

  it('refuses different lengths', () => {
    throws(() => xorInto(new Uint8Array(4), new Uint8Array(8)), RangeError);
  });

  it('of 32-bit numbers and doubles come back fresh, and from as many bytes alone', () => {
    const words = Uint32Array.of(1, 2 ** 32 - 1, 7).subarray(1);
    deepEqual([...bytesOf(words)], [255, 255, 255, 255, 7, 0, 0, 0]);
    const read = decodeUint32(bytesOf(words), 2);
    deepEqual([...read], [...words]);
    read[0] = 0;
    equal(words[0], 2 ** 32 - 1);
    const doubles = Float64Array.of(-0, Number.MIN_VALUE, Number.NaN);
    deepEqual(decodeDoubles(bytesOf(doubles), 3), doubles);
    for (const decode of [decodeUint32, decodeDoubles]) {
      throws(() => decode(new Uint8Array(9), 1), { code: 'MALFORMED_MESSAGE' });
    }
  });
});
