import { deepEqual, ok } from 'node:assert/strict';
import { randomPermutation } from '../../../src/protocols/psi/random-permutation.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('random permutation', () => {
  it('permutes', () => {
    for (const n of [0, 1, 2, 3, 100, 4097, 10_000]) {
      const sorted = randomPermutation(n, seededRng(n)).sort();
      deepEqual(
        [...sorted],
        Array.from({ length: n }, (_, i) => i),
        `n = ${n}`,
      );
    }
  });

  it('gives each of the 24 orders of four equally often', () => {
    const rng = seededRng('orders');
    const [runs, counts] = [4800, new Map<string, number>()];
    for (let i = 0; i < runs; i++) {
      const order = randomPermutation(4, rng).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    let chiSquare = 0;
    for (const count of counts.values()) chiSquare += (count - runs / 24) ** 2 / (runs / 24);
    ok(counts.size === 24 && chiSquare < 49.7, `${chiSquare}`); // 23 degrees of freedom: p = 0.001
  });

  it('rejects the words that would favour small indices', () => {
    const words = (...list: number[]): Uint8Array => {
      const padded = [...list, ...new Array<number>(16 - list.length).fill(0)];
      return new Uint8Array(Uint32Array.from(padded).buffer);
    };
    // 2^32 - 1 = 0 (mod 3) is the one word too many for three indices, and fine for two.
    const skipped = randomPermutation(3, () => words(0xffffffff, 1, 0xffffffff));
    deepEqual(
      skipped,
      randomPermutation(3, () => words(1, 1)),
    );
  });
});
