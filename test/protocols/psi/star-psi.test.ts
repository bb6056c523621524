import { deepEqual, equal, notDeepEqual, rejects } from 'node:assert/strict';
import { createCipheriv, hash } from 'node:crypto';
import fc from 'fast-check';
import {
  CommonCount,
  CommonItems,
  HintSeed,
  HintSlots,
  StarLeaderSize,
  StarSpokeSize,
  ZeroSharingSeed,
} from '../../../proto/gen/star.ts';
import { loadWasmOkvsKernel } from '../../../src/kernels/okvs-kernel.wasm.ts';
import type { Channel, MessageType } from '../../../src/protocols/channel.ts';
import { decodeOkvs } from '../../../src/protocols/okvs/okvs.ts';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import { rowsOf } from '../../../src/protocols/okvs/rows.ts';
import { sortByItem } from '../../../src/protocols/psi/joint-order.ts';
import { starLeader, starSpoke } from '../../../src/protocols/psi/star-psi.ts';
import { ZeroSharing } from '../../../src/protocols/psi/zero-sharing.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { idealFunction, idealOprf } from '../../support/ideal-oprf.ts';
import { range } from '../../support/item-sets.ts';
import { type PartyFrame, runParties } from '../../support/memory-parties.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { type Change, tamperingChannel } from '../../support/tampering-channel.ts';

const okvs = loadWasmOkvsKernel();

/** Items that stand for numbers: pseudo-random, the same at every party. */
function itemsOf(numbers: readonly number[]): Uint8Array {
  const key = seededRng('items')(16);
  const blocks = new Uint32Array(4 * numbers.length);
  numbers.forEach((number, i) => {
    blocks[4 * i] = number;
  });
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return new Uint8Array(cipher.update(new Uint8Array(blocks.buffer)));
}

interface Run {
  readonly leader?: number;
  readonly learners?: readonly number[];
  readonly maxItems?: number;
  readonly seed?: string;
  readonly observe?: (frame: PartyFrame) => void;
  readonly wrap?: (channel: Channel, me: number, peer: number) => Channel;
}

/** Each party's result: the numbers that its rows stand for, in the order of the rows. */
function star(sets: readonly (readonly number[])[], run: Run = {}): Promise<(number[] | null)[]> {
  const n = sets.length;
  const { leader = 0, maxItems = 100_000, seed = '', observe, wrap } = run;
  const learners = run.learners ?? sets.map((_, i) => i);
  const oprfs = sets.map((_, i) => idealOprf(`oprf ${i}`));
  return runParties(
    n,
    async (parties) => {
      const { me } = parties;
      const rng = seededRng(`party ${me} ${seed}`);
      const zero = await ZeroSharing.setup(parties, rng);
      const options = { zero, maxItems, okvs };
      const others = sets.map((_, i) => i).filter((i) => i !== me);
      const items = itemsOf(sets[me]!);
      const rows =
        me === leader
          ? await starLeader(
              others.map((peer) => ({
                ch: parties.channel(peer).fork('star'),
                oprf: oprfs[peer]!.receiver,
                learns: learners.includes(peer),
              })),
              items,
              options,
            )
          : await starSpoke(
              {
                ch: parties.channel(leader).fork('star'),
                oprf: oprfs[me]!.sender,
                learns: learners.includes(me),
              },
              items,
              options,
              rng,
            );
      return rows && [...rows].map((row) => sets[me]![row]!);
    },
    { ...(observe && { observe }), ...(wrap && { wrap }) },
  );
}

/** The ideal functionality, in the joint order. */
function naive(sets: readonly (readonly number[])[]): number[] {
  const common = sets.reduce((a, b) => a.filter((each) => b.includes(each)));
  const rows = sortByItem(
    Uint32Array.from(common, (_, i) => i),
    itemsOf(common),
  );
  return [...rows].map((row) => common[row]!);
}

describe('star PSI [KMPRT17]', () => {
  for (const n of [2, 3, 4, 5, 6]) {
    it(`agrees with the ideal functionality: ${n} parties, any overlap`, async () => {
      // An item is a bit pattern of the parties that have it, and a number.
      const pattern = fc.nat(2 ** n - 1);
      await fc.assert(
        fc.asyncProperty(
          fc.array(pattern, { maxLength: 40 }),
          fc.nat(n - 1),
          fc.subarray(range(n)),
          fc.nat(),
          async (patterns, leader, others, seed) => {
            const sets = range(n).map((i) =>
              range(patterns.length).filter((item) => (patterns[item]! >> i) & 1),
            );
            const learners = [...new Set([leader, ...others])];
            const results = await star(sets, { leader, learners, seed: `${seed}` });
            const common = naive(sets);
            results.forEach((result, i) => {
              deepEqual(result, learners.includes(i) ? common : null, `party ${i}`);
            });
          },
        ),
        { numRuns: 30 },
      );
    });
  }

  const shapes: readonly (readonly [what: string, sets: readonly number[][]])[] = [
    ['all items common', [range(300), range(300).reverse(), range(300)]],
    ['a subset of a subset', [range(100), range(50, 20), range(10, 40)]],
    ['sets of one', [[7], [7], [7]]],
    ['one has one item, common', [range(200), [70], range(200, 50)]],
    ['one has one item, of one other only', [range(200), [3], range(200, 50)]],
    ['the leader has one item', [[70], range(200), range(200, 50)]],
    [
      'common in every pair, not in all',
      [range(20), range(20, 10), [...range(10), ...range(10, 20)]],
    ],
    ['an empty spoke', [range(20), [], range(20)]],
    ['an empty leader', [[], range(20), range(20)]],
    ['all empty', [[], [], []]],
    ['unequal sizes', [range(5, 1000), range(3000), range(40, 990)]],
    ['more items than a message has', [range(17_000), range(17_500), range(18_000)]],
  ];
  for (const [what, sets] of shapes) {
    it(`finds the intersection: ${what}`, async () => {
      const common = naive(sets);
      deepEqual(await star(sets), [common, common, common]);
    });
  }

  it('finds no item by chance in 60 000 that two of three have', async () => {
    const [first] = await star([range(60_000), range(60_000), range(10, 70_000)]);
    deepEqual(first, []);
  });

  it('keeps no more bytes than the false positives allow', async () => {
    // l = ceil((40 + ceil(log2 n_1)) / 8) of the leader's size alone.
    for (const [n1, l] of [
      [1, 5],
      [2, 6],
      [256, 6],
      [257, 7],
    ] as const) {
      let width = 0;
      const observe = ({ type, bytes }: PartyFrame): void => {
        if (type === HintSlots.$type) width = HintSlots.decode(bytes).slots.length;
      };
      await star([range(n1), range(500), range(500)], { observe });
      equal(width, l * okvsParameters(500).slots);
    }
  });
});

describe('star PSI: what parties see', () => {
  /** Everything one party gets in a run. */
  async function viewOf(me: number, sets: readonly number[][], run: Run = {}) {
    const frames: PartyFrame[] = [];
    const observe = (frame: PartyFrame): void => {
      if (frame.to === me) frames.push(frame);
    };
    await star(sets, { ...run, observe });
    return frames;
  }

  /** What each spoke tells the leader of an item: F_i(x) ^ Decode(Q_i, x), from the leader's view. */
  function told(
    frames: readonly PartyFrame[],
    spoke: number,
    nY: number,
    X: Uint8Array,
  ): Uint8Array {
    const from = frames.filter((frame) => frame.from === spoke);
    const { seed } = HintSeed.decode(from.find(({ type }) => type === HintSeed.$type)!.bytes);
    const slots = from
      .filter(({ type }) => type === HintSlots.$type)
      .flatMap(({ bytes }) => [...HintSlots.decode(bytes).slots]);
    const parameters = okvsParameters(nY);
    const l = slots.length / parameters.slots;
    const Q = new Uint8Array(16 * parameters.slots);
    slots.forEach((byte, at) => {
      Q[16 * Math.floor(at / l) + (at % l)] = byte;
    });
    const values = decodeOkvs(rowsOf(X, seed, parameters), Q);
    const F = idealFunction(`oprf ${spoke}`, 0, X);
    return xor(values, F).filter((_, at) => at % 16 < l);
  }

  const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!);

  /** AES under the key that parties i < j agreed on: the first l bytes of each block. */
  function shared(keys: ReadonlyMap<string, Uint8Array>, pair: string, X: Uint8Array, l: number) {
    const cipher = createCipheriv('aes-128-ecb', keys.get(pair)!, null).setAutoPadding(false);
    return new Uint8Array(cipher.update(X)).filter((_, at) => at % 16 < l);
  }

  // A = leader, B, C. 2000 items are common to A and B alone, 1000 to A and C alone, 500 to all.
  const A = range(5000);
  const B = [...range(2000), ...range(500, 4000), ...range(1500, 10_000)];
  const C = [...range(1000, 2500), ...range(500, 4000), ...range(2500, 20_000)];
  const l = 7;

  it('what a spoke tells the leader of a pairwise item is one block under a key it does not have', async () => {
    const keys = new Map<string, Uint8Array>();
    const leaderView: PartyFrame[] = [];
    const seen: PartyFrame[] = [];
    await star([A, B, C], {
      observe: (frame) => {
        if (frame.type === ZeroSharingSeed.$type) {
          keys.set(`${frame.from}${frame.to}`, ZeroSharingSeed.decode(frame.bytes).seed);
        }
        if (frame.to === 0) leaderView.push(frame);
        if (frame.to === 0 || frame.from === 0) seen.push(frame);
      },
    });
    equal(
      seen.some(({ from, to }) => from + to === 3),
      false,
      'the key of B and C passes A by',
    );

    const onlyB = itemsOf(range(2000));
    const fromB = told(leaderView, 1, B.length, onlyB);
    const known = shared(keys, '01', onlyB, l);
    deepEqual(xor(fromB, known), shared(keys, '12', onlyB, l), 'exactly');
    // C's answer on the same items does not contain that block: nothing can cancel it.
    const fromC = told(leaderView, 2, C.length, onlyB);
    notDeepEqual(xor(fromC, shared(keys, '02', onlyB, l)), shared(keys, '12', onlyB, l));
    looksUniform(fromC, 'what C tells of items that it does not have');
    looksUniform(xor(xor(fromB, fromC), xor(known, shared(keys, '02', onlyB, l))), 'sums');

    const ofAll = itemsOf(range(500, 4000));
    const both = xor(told(leaderView, 1, B.length, ofAll), told(leaderView, 2, C.length, ofAll));
    const own = xor(shared(keys, '01', ofAll, l), shared(keys, '02', ofAll, l));
    deepEqual(both, own, 'for common items it cancels');
  });

  it('the leader sees uniform values where two of three have an item, as where it has it alone', async () => {
    const view = await viewOf(0, [A, B, C]);
    for (const [what, numbers] of [
      ['A and B', range(2000)],
      ['A and C', range(1000, 2500)],
      ['A alone', range(400, 4600)],
    ] as const) {
      const X = itemsOf(numbers);
      const parts = [told(view, 1, B.length, X), told(view, 2, C.length, X)];
      looksUniform(parts[0]!, `B, items of ${what}`);
      looksUniform(parts[1]!, `C, items of ${what}`);
      looksUniform(xor(parts[0]!, parts[1]!), `sum, items of ${what}`);
    }
  });

  it('a spoke sees keys, sizes and, if it learns, items of its own', async () => {
    const types = (frames: readonly PartyFrame[]): string[] =>
      frames.map(({ from, type }) => `${from} ${type.split('.').at(-1)}`).sort();
    deepEqual(types(await viewOf(1, [A, B, C], { learners: [0, 2] })), [
      '0 StarLeaderSize',
      '0 ZeroSharingSeed',
    ]);
    deepEqual(types(await viewOf(2, [A, B, C], { learners: [0, 2] })), [
      '0 CommonCount',
      '0 CommonItems',
      '0 StarLeaderSize',
      '0 ZeroSharingSeed',
      '1 ZeroSharingSeed',
    ]);
    const frames = await viewOf(2, [A, B, C]);
    const items = frames.flatMap(({ type, bytes }) =>
      type === CommonItems.$type ? [...CommonItems.decode(bytes).items] : [],
    );
    deepEqual(Uint8Array.from(items), itemsOf(naive([A, B, C])));
  });

  it('costs what its header says', async () => {
    const sets = [range(1000), range(2000, 100), range(3000, 50), range(900)];
    const sent = new Map<string, number>();
    const sizes: number[] = [];
    await star(sets, {
      learners: [0, 1],
      observe: ({ from, to, type, bytes }) => {
        const kind = type.split('.').at(-1)!;
        if (kind === 'HintSlots') {
          const { slots } = HintSlots.decode(bytes);
          const key = `${from}${to} slots`;
          sent.set(key, (sent.get(key) ?? 0) + slots.length);
        } else if (kind === 'CommonItems') {
          sent.set(`${from}${to} items`, CommonItems.decode(bytes).items.length);
        } else if (kind.startsWith('Star')) {
          sizes.push(bytes.length);
        }
      },
    });
    deepEqual(Object.fromEntries(sent), {
      '01 items': 16 * 800,
      '10 slots': 7 * okvsParameters(2000).slots,
      '20 slots': 7 * okvsParameters(3000).slots,
      '30 slots': 7 * okvsParameters(900).slots,
    });
    equal(sizes.length, 6);
    equal(Math.max(...sizes) <= 5, true);
  });
});

describe('star PSI: transcript', () => {
  it('is pinned', async () => {
    const frames: string[] = [];
    const sets = [range(300), range(400, 100), range(280, 20).reverse()];
    await star(sets, {
      leader: 1,
      learners: [1, 2],
      observe: ({ from, to, label, type, bytes }) => {
        frames.push(`${from}>${to} ${label} ${type} ${hash('sha256', bytes)}`);
      },
    });
    equal(
      hash('sha256', frames.sort().join('\n')),
      'f8514e421ed9e261110b9945006d7d040bdca1a014359aad616188b06bdb3df5',
    );
  });
});

describe('star PSI: parties that deviate', () => {
  const sets = [range(40), range(40, 10), range(40, 5)];

  /** A run in which messages of one type from one party are changed. */
  function cheat<M>(type: MessageType<M>, from: number, change: Change<M>): Promise<unknown> {
    const wrap = (channel: Channel, me: number): Channel =>
      me === from ? tamperingChannel(channel, type, change) : channel;
    return star(sets, { wrap, maxItems: 1000 });
  }

  const malformed = { code: 'MALFORMED_MESSAGE' };

  it('refuses sizes above the agreed bound, before it computes anything', async () => {
    await rejects(
      cheat(StarLeaderSize, 0, () => ({ items: 1001 })),
      malformed,
    );
    await rejects(
      cheat(StarSpokeSize, 1, () => ({ items: 1001 })),
      malformed,
    );
    await rejects(
      cheat(StarSpokeSize, 2, () => ({ items: 2 ** 32 - 1 })),
      malformed,
    );
  });

  it('refuses a hint that does not have the announced size', async () => {
    await rejects(
      cheat(StarSpokeSize, 1, () => ({ items: 1000 })),
      malformed,
    );
    await rejects(
      cheat(HintSlots, 2, ({ slots }) => ({ slots: slots.subarray(1) })),
      malformed,
    );
    await rejects(
      cheat(HintSlots, 2, ({ slots }) => ({ slots: new Uint8Array(slots.length + 6) })),
      malformed,
    );
  });

  it('refuses more common items than can be', async () => {
    await rejects(
      cheat(CommonCount, 0, () => ({ items: 41 })),
      malformed,
    );
    await rejects(
      cheat(CommonCount, 0, () => ({ items: 2 ** 32 - 1 })),
      malformed,
    );
  });

  it('refuses common items that are fewer or more than announced', async () => {
    await rejects(
      cheat(CommonItems, 0, ({ items }) => ({ items: items.subarray(16) })),
      malformed,
    );
    await rejects(
      cheat(CommonItems, 0, ({ items }) => ({ items: items.subarray(1) })),
      malformed,
    );
    await rejects(
      cheat(CommonItems, 0, ({ items }) => ({ items: new Uint8Array([...items, ...items]) })),
      malformed,
    );
  });

  it('refuses common items that are not its own', async () => {
    const foreign = itemsOf([99_999]);
    const change = ({ items }: CommonItems): CommonItems => ({
      items: new Uint8Array([...items.subarray(0, -16), ...foreign]),
    });
    await rejects(cheat(CommonItems, 0, change), malformed);
  });

  it('refuses common items out of order or twice', async () => {
    const swap = ({ items }: CommonItems): CommonItems => ({
      items: new Uint8Array([
        ...items.subarray(16, 32),
        ...items.subarray(0, 16),
        ...items.subarray(32),
      ]),
    });
    await rejects(cheat(CommonItems, 0, swap), malformed);
    const twice = ({ items }: CommonItems): CommonItems => ({
      items: new Uint8Array([...items.subarray(0, 16), ...items.subarray(0, -16)]),
    });
    await rejects(cheat(CommonItems, 0, twice), malformed);
  });

  it('refuses a peer in the wrong role', async () => {
    const twoLeaders = runParties(2, async (parties) => {
      const zero = await ZeroSharing.setup(parties, seededRng(parties.me));
      const ch = parties.channel(1 - parties.me);
      const oprf = idealOprf('oprf').receiver;
      await starLeader([{ ch, oprf, learns: true }], itemsOf([1]), { zero, maxItems: 5, okvs });
    });
    await rejects(twoLeaders, { code: 'UNEXPECTED_MESSAGE' });
    const twoSpokes = runParties(2, async (parties) => {
      const rng = seededRng(parties.me);
      const zero = await ZeroSharing.setup(parties, rng);
      const ch = parties.channel(1 - parties.me);
      const oprf = idealOprf('oprf').sender;
      await starSpoke({ ch, oprf, learns: true }, itemsOf([1]), { zero, maxItems: 5, okvs }, rng);
    });
    await rejects(twoSpokes, { code: 'UNEXPECTED_MESSAGE' });
  });

  it('refuses own sets above the agreed bound before it sends anything', async () => {
    const sent: string[] = [];
    const observe = ({ from, type }: PartyFrame): void => {
      if (type !== ZeroSharingSeed.$type) sent.push(`${from} ${type}`);
    };
    await rejects(star([range(5), range(4), range(6)], { maxItems: 5, observe }), RangeError);
    equal(
      sent.some((message) => message.startsWith('2')),
      false,
    );
  });
});
