import { deepEqual, equal, throws } from 'node:assert/strict';
import { ModelFormatError } from '../../../src/party/models/model-document.ts';
import {
  decodeShareWords,
  encodeShareWords,
  parseModelPart,
} from '../../../src/party/models/model-part.ts';
import { PART } from './sample.ts';

describe('model part', () => {
  it('survives its text', () => {
    deepEqual(parseModelPart(JSON.stringify(PART)), PART);
  });

  it('writes words little-endian', () => {
    equal(encodeShareWords(BigUint64Array.of(1n)), 'AQAAAAAAAAA=');
    const words = BigUint64Array.of(0n, 1n, 2n ** 64n - 1n);
    deepEqual(decodeShareWords(encodeShareWords(words)), words);
    deepEqual(decodeShareWords(''), new BigUint64Array());
  });

  it('is refused when its sizes do not agree', () => {
    const share = PART.shares[0]!;
    const wrong: unknown[] = [
      { ...PART, shares: [{ ...share, length: 3 }] },
      { ...PART, shares: [{ ...share, words: 'AQ==' }] },
      { ...PART, encoding: PART.encoding.slice(1) },
      { ...PART, encoding: [{ kind: 'numeric', name: 'x' }] },
      { ...PART, transformation: { ...PART.transformation!, scale: [] } },
      { ...PART, transformation: { ...PART.transformation!, factor: [1, 2] } },
      { ...PART, party: '' },
      { ...PART, format: 'entente/model/v1' },
    ];
    for (const document of wrong) {
      throws(
        () => parseModelPart(JSON.stringify(document)),
        ModelFormatError,
        JSON.stringify(document),
      );
    }
    for (const transformation of [null, { ...PART.transformation!, factor: [] }]) {
      const part = { ...PART, transformation, shares: [] };
      deepEqual(parseModelPart(JSON.stringify(part)), part);
    }
  });
});
