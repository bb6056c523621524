import { deepEqual, equal, notDeepEqual, ok, throws } from 'node:assert/strict';
import { DEGREE, packedBytes } from '../../../src/kernels/rlwe-kernel.ts';
import {
  type Ciphertext,
  checkSeed,
  decodeCiphertext,
  decodePolynomial,
  decodePublicKey,
  generateSecretKey,
  publicKeyOf,
  releaseCiphertext,
  rerandomise,
} from '../../../src/protocols/he/encryption.ts';
import { encryptRing } from '../../../src/protocols/he/matrix-product.ts';
import { encryptSlots } from '../../../src/protocols/he/slot-product.ts';
import { heKernel as kernel } from '../../support/he-pair.ts';
import { centred, noiseOf, phaseOf, phaseOfCoefficients } from '../../support/he-phase.ts';
import { decryptRing, deviation, exactProducts, peak } from '../../support/he-products.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';

const secretKey = generateSecretKey(kernel, seededRng('s'));
const keys = { kernel, secretKey };

describe('BFV encryption', () => {
  it('has a ternary secret with about as many of each sign', () => {
    const s = kernel.allocate();
    s.set(secretKey);
    kernel.inverse(s);
    const p = BigInt(134176769);
    const values = Array.from(s.subarray(0, DEGREE), (v) => Number(centred(BigInt(v), p)));
    for (const v of [-1, 0, 1]) {
      const count = values.filter((x) => x === v).length;
      ok(Math.abs(count - DEGREE / 3) < 5 * 31, `${count} coefficients are ${v}`);
    }
    equal(values.filter((v) => Math.abs(v) > 1).length, 0);
    kernel.release(s);
  });

  it('encrypts messages over Z_2^64 exactly, with an error of the stated deviation', () => {
    const m = randomWords(DEGREE, seededRng('m'));
    m.set([0n, 1n, 2n ** 63n, 2n ** 64n - 1n]);
    const ct = decodeCiphertext(kernel, encryptRing(keys, m, seededRng('e')));
    const phase = phaseOf(ct, secretKey);
    const noise = noiseOf(phase, 2n ** 64n);
    ok(peak(noise) < 21.5, 'binomial error and rounding');
    ok(Math.abs(deviation(noise) - 3.253) < 0.15, `deviation ${deviation(noise)}`); // sqrt(10.5 + 1/12)
    kernel.inverse(ct.c0);
    kernel.inverse(ct.c1);
    deepEqual(decryptRing(keys, ct), m);
    releaseCiphertext(kernel, ct);
  });

  it('encrypts slots exactly', () => {
    const slots = Uint32Array.from(randomWords(DEGREE, seededRng('m')), (v) =>
      Number(v % 16_760_833n),
    );
    const ct = decodeCiphertext(kernel, encryptSlots(keys, slots, seededRng('e')));
    const phase = kernel.allocate();
    kernel.multiply(phase, ct.c1, secretKey);
    kernel.add(phase, phase, ct.c0);
    kernel.inverse(phase);
    deepEqual(kernel.roundToSlots(phase), slots);
    kernel.release(phase);
    releaseCiphertext(kernel, ct);
  });

  it('encrypts zero under the public key with little noise and fresh randomness', () => {
    const key = decodePublicKey(kernel, publicKeyOf(kernel, secretKey, seededRng('pk')));
    const rng = seededRng('zero');
    const [first, second] = [0, 1].map(() => {
      const ct = { c0: kernel.allocate(), c1: kernel.allocate() };
      rerandomise(kernel, ct, key, rng);
      return ct;
    }) as [Ciphertext, Ciphertext];
    for (const zero of [first, second]) {
      const noise = noiseOf(phaseOfCoefficients(zero, secretKey), 2n ** 64n);
      ok(Math.abs(deviation(noise) - 239) < 25, `${deviation(noise)}`); // sqrt(10.5 (2/3 2 N + 1))
      deepEqual(decryptRing(keys, zero), new BigUint64Array(DEGREE));
    }
    notDeepEqual(first.c1, second.c1);
    releaseCiphertext(kernel, first);
    releaseCiphertext(kernel, second);
  });

  for (const [bits, products] of [
    [31, 1],
    [27, 100],
  ] as const) {
    it(`multiplies exactly by dense plaintexts of ${bits} bits, ${products} summed`, () => {
      const { margin, checked } = exactProducts(keys, bits, products, 4);
      ok(margin > 0.5, `margin of ${margin.toFixed(1)} bits over ${checked} coefficients`);
    });
  }

  it('refuses malformed ciphertexts, keys and seeds by code', () => {
    const rng = seededRng(1);
    const good = publicKeyOf(kernel, secretKey, rng);
    const code = 'MALFORMED_MESSAGE';
    throws(() => checkSeed(new Uint8Array(15)), { code });
    throws(() => decodePublicKey(kernel, { ...good, seed: new Uint8Array(17) }), { code });
    throws(() => decodePublicKey(kernel, { ...good, b: good.b.subarray(1) }), { code });
    throws(() => decodePolynomial(kernel, new Uint8Array(packedBytes(3)), 4), { code });
    const outside = new Uint8Array(packedBytes(2)).fill(255, packedBytes(2) - 8);
    throws(() => decodePolynomial(kernel, outside, 2), { code });
    kernel.release(decodePolynomial(kernel, new Uint8Array(packedBytes(2)), 2));
  });
});
