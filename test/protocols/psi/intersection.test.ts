import { deepEqual, equal, notDeepEqual, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { EcdhPsiPrefixes, Rr22Masks } from '../../../proto/gen/psi.ts';
import { HintSlots } from '../../../proto/gen/star.ts';
import { inThreadCurveEngine } from '../../../src/kernels/curve25519-engine.ts';
import { loadCurve25519Kernel } from '../../../src/kernels/curve25519-kernel.wasm.ts';
import {
  type IntersectionOptions,
  openIntersection,
} from '../../../src/protocols/psi/intersection.ts';
import { range } from '../../support/item-sets.ts';
import {
  type MemoryPartiesOptions,
  memoryParties,
  type PartyFrame,
  runParties,
} from '../../support/memory-parties.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { toyCurveEngine } from '../../support/toy-curve-engine.ts';
import { voleDealer } from '../../support/vole-dealer.ts';

const ECDH: IntersectionOptions = {
  engine: 'ecdh',
  maxItems: 10_000,
  leader: 0,
  learners: [0, 1],
  curve: toyCurveEngine,
};

/** Correlations come from a dealer: it gives every pair the same ones. */
const RR22: IntersectionOptions = {
  ...ECDH,
  engine: 'rr22',
  vole: voleDealer('dealer'),
  curve: () => {
    throw new Error('rr22 does not use the curve');
  },
};

/** Items that stand for numbers: pseudo-random, the same at every party. */
function itemsOf(numbers: readonly number[], salt = 's'): Uint8Array {
  const items = new Uint8Array(16 * numbers.length);
  numbers.forEach((number, i) => {
    items.set(seededRng(`${salt}${number}`)(16), 16 * i);
  });
  return items;
}

/** One bucket: every party's set. */
type Bucket = readonly (readonly number[])[];

interface Run extends Omit<MemoryPartiesOptions, 'signal'> {
  readonly salt?: string;
  /** A party's own options, where they differ from the others'. */
  readonly optionsOf?: (me: number) => Partial<IntersectionOptions>;
}

/** Every party's results, bucket after bucket: the numbers that its rows stand for. */
function intersectAll(
  buckets: readonly Bucket[],
  options: IntersectionOptions,
  { salt, optionsOf = () => ({}), ...network }: Run = {},
): Promise<(number[] | null)[][]> {
  const part = async (parties: Parameters<typeof openIntersection>[0]) => {
    const { me } = parties;
    const own = { ...options, ...optionsOf(me) };
    const session = await openIntersection(parties, own, seededRng(`party ${me}`));
    const results: (number[] | null)[] = [];
    for (const sets of buckets) {
      const rows = await session.intersect(itemsOf(sets[me]!, salt));
      results.push(rows && [...rows].map((row) => sets[me]![row]!));
    }
    return results;
  };
  return runParties(buckets[0]!.length, part, network);
}

const naive = (sets: Bucket): number[] =>
  sets
    .reduce<readonly number[]>((a, b) => a.filter((each) => b.includes(each)), sets[0]!)
    .toSorted((a, b) => a - b);

const sorted = (numbers: readonly number[] | null): number[] => numbers!.toSorted((a, b) => a - b);

const everybody = (n: number, options: IntersectionOptions): IntersectionOptions => ({
  ...options,
  learners: range(n),
});

for (const [name, parties, options] of [
  ['ecdh', 2, ECDH],
  ['rr22', 2, RR22],
  ['rr22', 3, RR22],
  ['rr22', 4, RR22],
] as const) {
  describe(`intersection by ${name}, ${parties} parties`, () => {
    const all = everybody(parties, options);

    it('puts the common rows of all parties in one order', async () => {
      const set = fc.uniqueArray(fc.nat(40), { maxLength: 30 });
      const sets = fc.array(set, { minLength: parties, maxLength: parties });
      await fc.assert(
        fc.asyncProperty(sets, fc.nat(parties - 1), async (bucket, leader) => {
          const results = await intersectAll([bucket], { ...all, leader });
          for (const [result] of results) deepEqual(result, results[0]![0], 'one order');
          deepEqual(sorted(results[0]![0]!), naive(bucket));
        }),
        { numRuns: 25 },
      );
    });

    it('orders by the salted item: not by file, not by key, and anew for every salt', async () => {
      const sets = range(parties).map((i) => (i % 2 === 0 ? range(60) : range(60).reverse()));
      const order = async (bucket: Bucket, salt: string): Promise<number[]> =>
        (await intersectAll([bucket], all, { salt }))[0]![0]!;
      const first = await order(sets, 'one');
      notDeepEqual(first, range(60));
      notDeepEqual(first, await order(sets, 'two'));
      deepEqual(
        await order(
          sets.map((set) => set.toReversed()),
          'one',
        ),
        first,
      );
    });

    it('serves several buckets, empty ones too', async () => {
      const buckets = [[1, 2, 3], [], [4], [], [5], [7], range(500)].map((set, k) =>
        range(parties).map((i) =>
          i === 0 ? set : [range(9), [4], [], [], [6], [7], range(500, 3)][k]!,
        ),
      );
      const results = await intersectAll(buckets, all);
      for (const result of results) {
        deepEqual(
          result.map(sorted),
          buckets.map((bucket) => naive(bucket)),
        );
      }
    });

    it('gives null to a party that does not learn', async () => {
      const bucket = range(parties).map((i) => [i, 100, 200]);
      for (const leader of [0, parties - 1]) {
        const learners = [leader];
        const results = await intersectAll([bucket, bucket], { ...all, leader, learners });
        results.forEach((result, i) => {
          const both = i === leader ? [100, 200] : null;
          deepEqual(
            result.map((each) => each && sorted(each)),
            [both, both],
          );
        });
      }
    });

    it('sends a party that does not learn nothing after its part', async () => {
      const bucket = range(parties).map((i) => [i, 100]);
      const frames: PartyFrame[] = [];
      const observe = (frame: PartyFrame): void => void frames.push(frame);
      await intersectAll([bucket], { ...all, learners: [0] }, { observe });
      for (const peer of range(parties - 1, 1)) {
        const pair = frames.filter(({ from, to }) => from + to === peer && from * to === 0);
        const last = pair.at(-1)!;
        if (name === 'rr22') {
          equal(last.type, parties === 2 ? Rr22Masks.$type : HintSlots.$type);
        }
        equal(last.from, peer, `the last message between them is party ${peer}'s`);
      }
    });

    it('compares more bytes where more runs share the bound on false matches', async () => {
      const bucket = range(parties).map(() => range(16)); // 40 + 4 and, of two, 4 bits
      const bytesOf = async (runs?: number): Promise<number> => {
        let bytes = 0;
        const observe = ({ type, bytes: message }: PartyFrame): void => {
          if (type === EcdhPsiPrefixes.$type)
            bytes += EcdhPsiPrefixes.decode(message).prefixes.length;
          if (type === Rr22Masks.$type) bytes += Rr22Masks.decode(message).masks.length;
          if (type === HintSlots.$type) bytes += HintSlots.decode(message).slots.length;
        };
        await intersectAll([bucket], { ...all, learners: [0], ...(runs && { runs }) }, { observe });
        return bytes;
      };
      const [one, some] = [await bytesOf(), await bytesOf(2 ** 9)];
      equal(await bytesOf(1), one);
      const [few, more] = parties === 2 ? [6, 8] : [6, 7];
      equal(some * few, one * more, `${some} bytes instead of ${one}`);
    });

    it('takes nobody for its peer who disagrees about the leader', async () => {
      const bucket = range(parties).map(() => [1, 2]);
      const optionsOf = (me: number) => ({ leader: me === 1 ? 1 : 0 });
      await rejects(intersectAll([bucket], all, { optionsOf }), { code: 'UNEXPECTED_MESSAGE' });
    });

    it('refuses a peer whose set is above the agreed bound', async () => {
      const bucket = range(parties).map((i) => range(i === 1 ? 9 : 5));
      const optionsOf = (me: number) => ({ maxItems: me === 1 ? 100 : 8 });
      await rejects(intersectAll([bucket], all, { optionsOf }), { code: 'MALFORMED_MESSAGE' });
      await rejects(intersectAll([bucket], { ...all, maxItems: 8 }), RangeError);
    });
  });
}

describe('intersection', () => {
  it('is the same by either engine, in the same order', async () => {
    const bucket = [range(2500, 100), range(3000).reverse()];
    const [byCurve, byOprf] = await Promise.all(
      [ECDH, RR22].map((options) => intersectAll([bucket], options)),
    );
    deepEqual(byCurve, byOprf);
    equal(byCurve![0]![0]!.length, 2500);
    const three = await intersectAll([[...bucket, range(5000)]], everybody(3, RR22));
    deepEqual(three[2], byCurve![0], 'a third party that has everything changes nothing');
  });

  it('works on the curve', async () => {
    const curve = () => inThreadCurveEngine(loadCurve25519Kernel());
    const sets = [range(100), range(100, 51).reverse()];
    const [[a], [b]] = (await intersectAll([sets], { ...ECDH, curve })) as [number[][], number[][]];
    equal(a!.length, 49);
    deepEqual(a, b);
  });

  it('makes no mistake in 1000 small runs of three parties', async () => {
    const bucketOf = (run: number): Bucket =>
      range(3, 3).map((step) => [
        ...new Set(range(1 + ((run * step) % 23)).map((i) => (i * (step - 2) + run) % 41)),
      ]);
    for (const leader of range(3)) {
      const buckets = range(334, 334 * leader).map(bucketOf);
      const results = await intersectAll(buckets, { ...everybody(3, RR22), leader });
      buckets.forEach((bucket, k) => {
        deepEqual(sorted(results[0]![k]!), naive(bucket), `bucket ${k}, leader ${leader}`);
      });
      deepEqual(results[1], results[0]);
      deepEqual(results[2], results[0]);
    }
  });

  it('works on silent correlations, for two parties and for three', async () => {
    const sets = [range(3000), range(3000, 1000).reverse(), range(5000, 500)];
    for (const parties of [2, 3]) {
      const bucket = sets.slice(0, parties);
      const options = { ...everybody(parties, RR22), vole: undefined };
      for (const result of await intersectAll([bucket, bucket], options)) {
        deepEqual(sorted(result[0]!), range(2000, 1000));
        deepEqual(result[1], result[0]);
      }
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
      [3, {}],
    ] as const) {
      const [parties] = memoryParties(n);
      await rejects(openIntersection(parties!, { ...ECDH, ...changes }, seededRng(1)), RangeError);
    }
  });
});
