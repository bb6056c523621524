import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { OkvsFailure } from '../../../src/protocols/okvs/failure.ts';
import { decodeSeed, underFreshSeed } from '../../../src/protocols/okvs/fresh-seed.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('underFreshSeed', () => {
  /** Fails under the first `failing` seeds with `error`. */
  async function tried(failing: number, error: Error) {
    const seeds: Uint8Array[] = [];
    const result = underFreshSeed(async (seed) => {
      if (seeds.push(seed) <= failing) throw error;
      return seed;
    }, seededRng('seeds'));
    return { seeds, result: await result.catch((thrown: unknown) => thrown) };
  }

  it('gives what the first seed that does not fail gives, each another one', async () => {
    for (const failing of [0, 1, 3]) {
      const { seeds, result } = await tried(failing, new OkvsFailure('gap'));
      deepEqual(result, seeds[failing]);
      equal(new Set(seeds.map((seed) => Buffer.from(seed).toString('hex'))).size, failing + 1);
    }
  });

  it('gives up after four: items repeat', async () => {
    const failure = new OkvsFailure('rank');
    const { seeds, result } = await tried(Infinity, failure);
    equal(seeds.length, 4);
    await rejects(Promise.reject(result), (error) => {
      return error instanceof RangeError && error.cause === failure;
    });
  });

  it('tries no other seed after any other error', async () => {
    const error = new Error('a link broke');
    const { seeds, result } = await tried(Infinity, error);
    equal(result, error);
    equal(seeds.length, 1);
  });
});

describe('decodeSeed', () => {
  it('takes 16 bytes that are not all zero, and nothing else', () => {
    const seed = new Uint8Array(16);
    seed[15] = 1;
    equal(decodeSeed({ seed }), seed);
    for (const wrong of [
      new Uint8Array(16),
      new Uint8Array(15).fill(1),
      new Uint8Array(17).fill(1),
    ]) {
      throws(() => decodeSeed({ seed: wrong }), { code: 'MALFORMED_MESSAGE' });
    }
  });
});
