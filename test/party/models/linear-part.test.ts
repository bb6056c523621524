import { deepEqual, throws } from 'node:assert/strict';
import { ModelFormatError } from '../../../src/party/models/model-format-error.ts';
import { parseModelPart } from '../../../src/party/models/model-part.ts';
import { PART } from './sample.ts';

describe('linear part', () => {
  it('survives its text', () => {
    deepEqual(parseModelPart(JSON.stringify(PART)), PART);
  });

  it('is refused when its sizes do not agree', () => {
    const [own, peer] = PART.shares;
    const shares = (change: object): unknown => ({
      ...PART,
      shares: [{ ...own!, ...change }, peer!],
    });
    const transformation = (change: object): unknown => ({
      ...PART,
      transformation: { ...PART.transformation, ...change },
    });
    const wrong: unknown[] = [
      shares({ length: 2 }),
      shares({ words: 'AQ==' }),
      shares({ owner: 'bank' }),
      { ...PART, shares: [own!] },
      { ...PART, shares: [own!, own!] },
      { ...PART, encoding: PART.encoding.slice(1) },
      { ...PART, encoding: [{ kind: 'numeric', name: 'x' }] },
      { ...PART, encoding: [{ ...PART.encoding[0]!, mean: null }, PART.encoding[1]!] },
      transformation({ scale: [] }),
      transformation({ map: [1, 2] }),
      transformation({ unused: [3] }),
      transformation({ unused: [1, 1] }),
      transformation({ intercept: 2 }), // then there is one weight more
      { ...PART, origin: 'ab' },
      { ...PART, target: { centre: 1, exponent: 513 } },
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
    for (const part of [
      { ...PART, transformation: { ...PART.transformation, map: [] } },
      { ...PART, target: { centre: 12.5, exponent: -3 } },
    ]) {
      deepEqual(parseModelPart(JSON.stringify(part)), part);
    }
  });

  it('of an earlier version is refused with the reason', () => {
    const earlier = JSON.stringify({ ...PART, format: 'entente/model-part/v1' });
    throws(
      () => parseModelPart(earlier),
      (error) => error instanceof ModelFormatError && /earlier version: train/.test(error.message),
    );
    throws(() => parseModelPart('{'), ModelFormatError);
    throws(() => parseModelPart('null'), ModelFormatError);
  });
});
