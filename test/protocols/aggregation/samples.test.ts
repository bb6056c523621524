import { deepEqual, equal, notDeepEqual, ok } from 'node:assert/strict';
import { HINT_DEGREE } from '../../../src/kernels/hint-kernel.ts';
import { DEGREE } from '../../../src/kernels/rlwe-kernel.ts';
import { ROW_VARIANCE } from '../../../src/protocols/aggregation/parameters.ts';
import {
  drawSecret,
  encodePair,
  expandSamples,
  maskRows,
  releaseSecret,
  secretMessage,
} from '../../../src/protocols/aggregation/samples.ts';
import { recordingRng, rowErrors, vectorSecrets } from '../../support/bucket-noise.ts';
import { randomVector } from '../../support/bucket-run.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { highestPolynomial, heKernel as kernel } from '../../support/he-pair.ts';
import { seededRng } from '../../support/seeded-rng.ts';

/** a s modulo 2^32, block by block, as in school. */
function product(a: Uint32Array, s: Uint8Array): Uint32Array {
  const result = new Uint32Array(a.length);
  for (let block = 0; block < a.length; block += HINT_DEGREE) {
    for (let k = 0; k < HINT_DEGREE; k++) {
      if (!s[k]) continue;
      for (let i = 0; i < HINT_DEGREE; i++) {
        if (i + k < HINT_DEGREE) result[block + i + k]! += a[block + i]!;
        else result[block + i + k - HINT_DEGREE]! -= a[block + i]!;
      }
    }
  }
  return result;
}

/** c of x, with what its owner drew. */
function mask(
  x: Int32Array,
  a: Uint32Array,
  seed: string,
): { c: Uint32Array; s: Uint8Array; e: Int32Array } {
  const { rng, drawn } = recordingRng(seededRng(seed));
  const secret = drawSecret(kernel, rng);
  const pairs = Array.from({ length: Math.ceil(x.length / DEGREE) }, (_, j) =>
    encodePair(kernel, a, j),
  );
  const c = maskRows(kernel, pairs, secret, x);
  for (const pair of pairs) kernel.release(pair);
  const [{ s, seed: errors }] = vectorSecrets(drawn) as [{ s: Uint8Array; seed: Uint8Array }];
  deepEqual(
    secretMessage(secret),
    BigUint64Array.from(s, (bit) => BigInt(bit) << 32n),
  );
  releaseSecret(kernel, secret);
  ok(
    secret.bits.every((v) => v === 0),
    'erased',
  );
  return { c, s, e: rowErrors(errors, x.length) };
}

describe('ring-LWE samples modulo 2^32', () => {
  for (const rows of [1, 2047, 2048, 2049, 4096, 4097, 10_000, 40_000]) {
    it(`are a s + e + x: ${rows} rows`, () => {
      const a = expandSamples(seededRng('a')(16), rows);
      equal(a.length, 2048 * Math.ceil(rows / 2048));
      const x = randomVector(rows, 31, rows);
      const { c, s, e } = mask(x, a, `s ${rows}`);
      const as = product(a, s);
      deepEqual(
        c,
        Uint32Array.from(x, (v, i) => as[i]! + e[i]! + v),
      );
    });
  }

  it('have errors of the stated distribution', () => {
    const rows = 100_000;
    const e = rowErrors(seededRng('e')(16), rows);
    const mean = e.reduce((sum, v) => sum + v, 0) / rows;
    const variance = e.reduce((sum, v) => sum + v * v, 0) / rows;
    ok(Math.abs(mean) < 6 * Math.sqrt(ROW_VARIANCE / rows), `mean ${mean}`);
    ok(Math.abs(variance - ROW_VARIANCE) < 0.3, `variance ${variance}`);
    ok(Math.max(...e.subarray(0, 50_000)) <= 21);
    ok(Math.min(...e.subarray(0, 50_000)) >= -21);
  });

  it('stand for uniform a that depends on the seed and is a prefix of longer ones', () => {
    const [one, two] = [seededRng('one')(16), seededRng('two')(16)];
    const a = expandSamples(one, 5000);
    deepEqual(expandSamples(one, 100), a.subarray(0, 2048));
    notDeepEqual(expandSamples(two, 5000), a);
    looksUniform(new Uint8Array(a.buffer), 'a');
  });

  it('of one secret twice reveal the difference of vectors: why a secret is drawn for each', () => {
    const rows = 4096;
    const a = expandSamples(seededRng('a')(16), rows);
    const pair = encodePair(kernel, a, 0);
    const secret = drawSecret(kernel, seededRng('twice'));
    const [x, y] = [randomVector(rows, 20, 'x'), randomVector(rows, 20, 'y')];
    const c = maskRows(kernel, [pair], secret, x);
    const d = maskRows(kernel, [pair], secret, y);
    const off = Math.max(...c.map((v, i) => Math.abs((v - d[i]! - x[i]! + y[i]!) | 0)));
    ok(off <= 42, `differences known up to ${off}`);

    const fresh = drawSecret(kernel, seededRng('fresh'));
    const masked = maskRows(kernel, [pair], fresh, y);
    looksUniform(new Uint8Array(c.map((v, i) => v - masked[i]! - x[i]! + y[i]!).buffer), 'fresh');
    releaseSecret(kernel, secret);
    releaseSecret(kernel, fresh);
    kernel.release(pair);
  });

  it('keep no polynomial', () => {
    const before = highestPolynomial();
    const a = expandSamples(seededRng('a')(16), 3000);
    for (let run = 0; run < 70; run++) mask(new Int32Array(10), a, `run ${run}`);
    equal(highestPolynomial(), before);
  });
});
