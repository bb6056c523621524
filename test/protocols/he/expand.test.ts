import { deepEqual, notDeepEqual, ok } from 'node:assert/strict';
import { DEGREE, PRIMES } from '../../../src/kernels/rlwe-kernel.ts';
import { expandUniform, keystream, keystreamWords } from '../../../src/protocols/he/expand.ts';
import { heKernel as kernel } from '../../support/he-pair.ts';

const seed = new Uint8Array(16).map((_, i) => i);

describe('seed expansion', () => {
  it('is the same for the same seed and use, and only then', () => {
    deepEqual(keystream(seed, 'a', 40), keystream(seed, 'a', 40));
    deepEqual(keystream(seed, 'a', 40).subarray(0, 10), keystream(seed, 'a', 10));
    notDeepEqual(keystream(seed, 'a', 40), keystream(seed, 'mask', 40));
    notDeepEqual(keystream(seed, 'a', 40), keystream(seed.slice().reverse(), 'a', 40));
  });

  it('gives the same bytes as words', () => {
    const words = keystreamWords(seed, 'flood', 5);
    deepEqual(new Uint8Array(words.buffer), new Uint8Array(keystream(seed, 'flood', 20)));
  });

  it('fills as many primes as asked with residues in range', () => {
    const x = kernel.allocate();
    expandUniform(kernel, x, seed, 'mask', 3);
    ok(x.subarray(0, 3 * DEGREE).every((r, i) => r < PRIMES[Math.floor(i / DEGREE)]!));
    ok(x.subarray(3 * DEGREE).every((r) => r === 0));
    kernel.release(x);
  });
});
