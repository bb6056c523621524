import { deepEqual, equal, notDeepEqual, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { inThreadCurveEngine } from '../../../src/kernels/curve25519-engine.ts';
import { loadCurve25519Kernel } from '../../../src/kernels/curve25519-kernel.wasm.ts';
import {
  type IntersectionOptions,
  openIntersection,
} from '../../../src/protocols/psi/intersection.ts';
import { memoryParties, runParties } from '../../support/memory-parties.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { toyCurveEngine } from '../../support/toy-curve-engine.ts';

const TWO: IntersectionOptions = {
  engine: 'ecdh',
  maxItems: 10_000,
  leader: 0,
  learners: [0, 1],
  curve: toyCurveEngine,
};

/** Items that stand for numbers: pseudo-random, the same at every party. */
function itemsOf(numbers: readonly number[], salt = 's'): Uint8Array {
  const items = new Uint8Array(16 * numbers.length);
  numbers.forEach((number, i) => {
    items.set(seededRng(`${salt}${number}`)(16), 16 * i);
  });
  return items;
}

/** Every party's result, bucket after bucket: the numbers that its rows stand for. */
function intersectAll(
  buckets: readonly (readonly (readonly number[])[])[],
  options: IntersectionOptions,
  salt?: string,
): Promise<(number[] | null)[][]> {
  return runParties(buckets[0]!.length, async (parties) => {
    const session = await openIntersection(parties, options, seededRng(`party ${parties.me}`));
    const results: (number[] | null)[] = [];
    for (const sets of buckets) {
      const own = sets[parties.me]!;
      const rows = await session.intersect(itemsOf(own, salt));
      results.push(rows && [...rows].map((row) => own[row]!));
    }
    return results;
  });
}

const naive = (sets: readonly (readonly number[])[]): number[] =>
  sets.reduce((a, b) => a.filter((each) => b.includes(each))).toSorted((a, b) => a - b);

const sorted = (numbers: readonly number[] | null): number[] => numbers!.toSorted((a, b) => a - b);

describe('intersection', () => {
  it('puts the common rows of both parties in one order', async () => {
    const set = fc.uniqueArray(fc.nat(40), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(set, set, fc.nat(1), async (X, Y, leader) => {
        const [[a], [b]] = (await intersectAll([[X, Y]], { ...TWO, leader })) as [
          number[][],
          number[][],
        ];
        deepEqual(a, b, 'row k of both has one item');
        deepEqual(sorted(a!), naive([X, Y]));
      }),
    );
  });

  it('works on the curve', async () => {
    const X = Array.from({ length: 100 }, (_, i) => i);
    const Y = Array.from({ length: 100 }, (_, i) => 150 - i);
    const curve = () => inThreadCurveEngine(loadCurve25519Kernel());
    const [[a], [b]] = (await intersectAll([[X, Y]], { ...TWO, curve })) as [
      number[][],
      number[][],
    ];
    equal(a!.length, 49);
    deepEqual(a, b);
  });

  it('orders by the salted item: not by file, not by key, and anew for every salt', async () => {
    const X = Array.from({ length: 60 }, (_, i) => i);
    const order = async (sets: readonly number[][], salt: string): Promise<number[]> =>
      (await intersectAll([sets], TWO, salt))[0]![0]!;
    const first = await order([X, X.toReversed()], 'one');
    notDeepEqual(first, X);
    notDeepEqual(first, await order([X, X.toReversed()], 'two'));
    deepEqual(await order([X.toReversed(), X], 'one'), first);
  });

  it('serves several buckets, empty ones too', async () => {
    const buckets = [
      [
        [1, 2, 3],
        [3, 2],
      ],
      [[], [4]],
      [[4], []],
      [[], []],
      [[5], [6]],
      [[7], [7]],
    ];
    const results = await intersectAll(buckets, TWO);
    for (const result of results) {
      deepEqual(
        result.map(sorted),
        buckets.map((sets) => naive(sets)),
      );
    }
  });

  it('gives null to a party that does not learn', async () => {
    for (const leader of [0, 1]) {
      const options = { ...TWO, leader, learners: [leader] };
      const results = await intersectAll(
        [
          [
            [1, 2],
            [2, 3],
          ],
        ],
        options,
      );
      deepEqual(results[leader], [[2]]);
      deepEqual(results[1 - leader], [null]);
    }
  });

  it('refuses roles that cannot be', async () => {
    for (const [n, changes] of [
      [1, {}],
      [2, { leader: 2 }],
      [2, { leader: 0.5 }],
      [2, { learners: [1] }],
      [2, { learners: [0, 2] }],
      [2, { learners: [0, 0] }],
      [3, { engine: 'ecdh' }],
    ] as const) {
      const [parties] = memoryParties(n);
      await rejects(openIntersection(parties!, { ...TWO, ...changes }, seededRng(1)), RangeError);
    }
  });
});
