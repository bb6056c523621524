import { deepEqual, equal } from 'node:assert/strict';
import { decodeShareWords, encodeShareWords } from '../../../src/party/models/share-words.ts';

describe('words of a share', () => {
  it('are written little-endian', () => {
    equal(encodeShareWords(BigUint64Array.of(1n)), 'AQAAAAAAAAA=');
    const words = BigUint64Array.of(0n, 1n, 2n ** 64n - 1n);
    deepEqual(decodeShareWords(encodeShareWords(words)), words);
    deepEqual(decodeShareWords(''), new BigUint64Array());
  });
});
