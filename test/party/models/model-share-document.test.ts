import { deepEqual, equal, throws } from 'node:assert/strict';
import { ModelFormatError } from '../../../src/party/models/model-document.ts';
import {
  decodeShareWords,
  encodeShareWords,
  parseModelShareDocument,
} from '../../../src/party/models/model-share-document.ts';
import { SHARE } from './sample.ts';

describe('model share document', () => {
  it('survives its text', () => {
    deepEqual(parseModelShareDocument(JSON.stringify(SHARE)), SHARE);
  });

  it('writes words little-endian', () => {
    equal(encodeShareWords(BigUint64Array.of(1n)), 'AQAAAAAAAAA=');
    const words = BigUint64Array.of(0n, 1n, 2n ** 64n - 1n);
    deepEqual(decodeShareWords(encodeShareWords(words)), words);
    deepEqual(decodeShareWords(''), new BigUint64Array());
  });

  it('is refused when its sizes do not agree', () => {
    const share = SHARE.shares[0]!;
    const wrong: unknown[] = [
      { ...SHARE, shares: [{ ...share, length: 3 }] },
      { ...SHARE, shares: [{ ...share, words: 'AQ==' }] },
      { ...SHARE, columns: [] },
      { ...SHARE, transformation: { ...SHARE.transformation, scale: [] } },
      { ...SHARE, transformation: { ...SHARE.transformation, factor: [1, 2] } },
      { ...SHARE, party: '' },
      { ...SHARE, format: 'entente/model/v1' },
    ];
    for (const document of wrong) {
      throws(
        () => parseModelShareDocument(JSON.stringify(document)),
        ModelFormatError,
        JSON.stringify(document),
      );
    }
    const plain = { ...SHARE, transformation: { ...SHARE.transformation, factor: [] } };
    deepEqual(parseModelShareDocument(JSON.stringify(plain)), plain);
  });
});
