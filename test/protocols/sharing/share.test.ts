import { deepEqual, equal, throws } from 'node:assert/strict';
import fc from 'fast-check';
import { reconstruct, share } from '../../../src/protocols/sharing/share.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('additive shares', () => {
  it('add up to the value', () => {
    const word = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 20 }), fc.nat(), (values, seed) => {
        const x = BigUint64Array.from(values);
        const [x0, x1] = share(x, seededRng(seed));
        equal(x0.length, x.length);
        deepEqual(reconstruct(x0, x1), x);
      }),
    );
  });

  it('look uniform alone, each of them', () => {
    const [x0, x1] = share(new BigUint64Array(2000), seededRng('uniform'));
    looksUniform(new Uint8Array(x0.buffer), 'first share');
    looksUniform(new Uint8Array(x1.buffer), 'second share');
  });

  it('refuse different lengths', () => {
    throws(() => reconstruct(new BigUint64Array(1), new BigUint64Array(2)), RangeError);
  });
});
