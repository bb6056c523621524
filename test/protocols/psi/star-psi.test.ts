import { deepEqual, equal, rejects } from 'node:assert/strict';
import { hash } from 'node:crypto';
import fc from 'fast-check';
import {
  CommonCount,
  CommonItems,
  HintSlots,
  StarLeaderSize,
  StarSpokeSize,
  ZeroSharingSeed,
} from '../../../proto/gen/star.ts';
import { loadWasmOkvsKernel } from '../../../src/kernels/okvs-kernel.wasm.ts';
import type { Channel, MessageType } from '../../../src/protocols/channel.ts';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import { starLeader, starSpoke } from '../../../src/protocols/psi/star-psi.ts';
import { ZeroSharing } from '../../../src/protocols/psi/zero-sharing.ts';
import { idealOprf } from '../../support/ideal-oprf.ts';
import { range } from '../../support/item-sets.ts';
import { type PartyFrame, runParties } from '../../support/memory-parties.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { itemsOf, naive, star } from '../../support/star-run.ts';
import { type Change, tamperingChannel } from '../../support/tampering-channel.ts';

const okvs = loadWasmOkvsKernel();

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
