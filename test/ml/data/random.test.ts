import { deepEqual, equal, notDeepEqual, ok, throws } from 'node:assert/strict';
import { permutation, seededGenerator, xoshiro128 } from '../../../src/ml/data/random.ts';

describe('random', () => {
  it('matches the published xoshiro128** sequence', () => {
    // Outputs of xoshiro128starstar.c 1.1 from state {1, 2, 3, 4}, as in rand_xoshiro's tests.
    const next = xoshiro128([1, 2, 3, 4]);
    deepEqual(
      Array.from({ length: 10 }, next),
      [
        11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
        4258142804,
      ],
    );
  });

  it('keeps its sequence: parties of different versions must agree', () => {
    // Computed once more by an independent program in Python.
    deepEqual([...permutation(8, seededGenerator(0))], PERMUTATION_OF_SEED_0);
    deepEqual([...permutation(8, seededGenerator(2 ** 53 - 1))], PERMUTATION_OF_LAST_SEED);
  });

  it('uses all bits of the seed', () => {
    const order = (seed: number): Uint32Array => permutation(50, seededGenerator(seed));
    deepEqual(order(7), order(7));
    notDeepEqual(order(7), order(8));
    notDeepEqual(order(7), order(7 + 2 ** 32));
    for (const seed of [-1, 0.5, 2 ** 53, NaN]) throws(() => seededGenerator(seed), /seed/);
  });

  it('permutes every size and reaches every order', () => {
    for (const n of [0, 1, 2, 3, 1000]) {
      deepEqual(
        permutation(n, seededGenerator(n)).sort(),
        Uint32Array.from({ length: n }, (_, i) => i),
      );
    }
    const next = seededGenerator(1);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = permutation(3, next).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    equal(counts.size, 6);
    for (const [order, count] of counts) ok(Math.abs(count - 1000) < 150, `${order}: ${count}`);
  });
});

const PERMUTATION_OF_SEED_0 = [6, 7, 4, 2, 3, 1, 5, 0];
const PERMUTATION_OF_LAST_SEED = [2, 4, 7, 1, 3, 6, 0, 5];
