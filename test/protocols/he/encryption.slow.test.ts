import { ok } from 'node:assert/strict';
import { generateSecretKey } from '../../../src/protocols/he/encryption.ts';
import { heKernel as kernel } from '../../support/he-pair.ts';
import { exactProducts } from '../../support/he-products.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('BFV encryption, 10 000 products at the extremes', () => {
  const keys = { kernel, secretKey: generateSecretKey(kernel, seededRng('slow')) };
  for (const [bits, products, runs] of [
    [31, 1, 100],
    [31, 2, 100],
    [27, 900, 3],
    [26, 1200, 1],
  ] as const) {
    it(`multiplies exactly by dense plaintexts of ${bits} bits, ${products} summed`, () => {
      let least = Number.POSITIVE_INFINITY;
      for (let run = 0; run < runs; run++) {
        least = Math.min(least, exactProducts(keys, bits, products, 1, run).margin);
      }
      ok(least > 0.5, `noise margin of ${least.toFixed(1)} bits`);
    });
  }
});
