import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  MatchCount,
  MatchedPositions,
  Rr22Correction,
  Rr22Masks,
  Rr22ReceiverSize,
  Rr22SenderSize,
} from '../../../proto/gen/psi.ts';
import { binSlots } from '../../../src/kernels/okvs-kernel.ts';
import type { Channel, MessageType } from '../../../src/protocols/channel.ts';
import type { ProtocolErrorCode } from '../../../src/protocols/errors.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../../src/protocols/memory-channel.ts';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import { ecdhPsiReceiver, ecdhPsiSender } from '../../../src/protocols/psi/ecdh-psi.ts';
import { BATCH_POSITIONS, prefixBytes } from '../../../src/protocols/psi/matching.ts';
import { MAX_EVALUATED } from '../../../src/protocols/psi/rr22-oprf.ts';
import {
  BATCH_MASKS,
  type Rr22PsiOptions,
  rr22PsiReceiver,
  rr22PsiSender,
} from '../../../src/protocols/psi/rr22-psi.ts';
import { looksUniform } from '../../support/chi-square.ts';
import { commonRows, itemsOf, range, SET_PAIRS } from '../../support/item-sets.ts';
import { type Rr22Session, rr22Session } from '../../support/rr22-pair.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { type Change, tamperingChannel } from '../../support/tampering-channel.ts';
import { toyCurveEngine } from '../../support/toy-curve-engine.ts';
import { type Frame, transcript } from '../../support/transcript.ts';
import { runTwoParty } from '../../support/two-party.ts';

const BOTH: Rr22PsiOptions = { maxItems: 100_000, resultTo: 'both' };

interface Pair extends Rr22Session {
  readonly chR: Channel;
  readonly chS: Channel;
}

async function session(channel: MemoryChannelOptions = {}, seed = 'session'): Promise<Pair> {
  const [chR, chS] = memoryChannelPair(channel);
  return { chR, chS, ...(await rr22Session(chR, chS, seed)) };
}

/** One run of a session; runs follow each other on its channel. */
async function intersect(
  { chR, chS, receiver, sender }: Pair,
  X: Uint8Array,
  Y: Uint8Array,
  options: Rr22PsiOptions = BOTH,
  rng = seededRng('S'),
) {
  const [a, b] = await Promise.all([
    rr22PsiReceiver(chR, receiver, X, options),
    rr22PsiSender(chS, sender, Y, options, rng),
  ]);
  return { a, b };
}

async function psi(
  X: readonly number[],
  Y: readonly number[],
  options: Rr22PsiOptions = BOTH,
  channel: MemoryChannelOptions = {},
) {
  const pair = await session(channel);
  return { ...pair, ...(await intersect(pair, itemsOf(X), itemsOf(Y), options)) };
}

const masksOf = (frames: readonly Frame[]): Uint8Array[] =>
  frames
    .filter(({ type }) => type === Rr22Masks.$type)
    .map(({ bytes }) => Rr22Masks.decode(bytes).masks);

describe('RR22 PSI', () => {
  const shapes: readonly (readonly [what: string, X: number[], Y: number[]])[] = [
    ...SET_PAIRS,
    ['odd sizes', range(6789), range(13_243, 2000)],
    ['one more than a bin', range(2 ** 14 + 1), range(2 ** 14 - 1, 100)],
    ['several messages of masks', range(50, BATCH_MASKS), range(BATCH_MASKS + 7)],
    ['several messages of positions', range(BATCH_POSITIONS + 3, 5), range(BATCH_POSITIONS + 8)],
  ];
  for (const [what, X, Y] of shapes) {
    it(`finds the intersection: ${what}`, async () => {
      const { a, b } = await psi(X, Y);
      deepEqual([...a], commonRows(X, Y));
      deepEqual([...b!], commonRows(Y, X));
    });
  }

  it('agrees with the ideal functionality at every size to 70', async () => {
    const pair = await session();
    for (let nX = 1; nX <= 70; nX++) {
      const [X, Y] = [range(nX), range(1 + ((37 * nX) % 71), nX >> 1)];
      const { a, b } = await intersect(pair, itemsOf(X), itemsOf(Y));
      deepEqual([...a], commonRows(X, Y), `${nX} x ${Y.length}`);
      deepEqual([...b!], commonRows(Y, X), `${nX} x ${Y.length}`);
    }
  });

  it('misses nothing in 1000 small runs', async () => {
    const set = fc.uniqueArray(fc.nat(40), { maxLength: 30 });
    let pair = await session();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(set, set, fc.nat(), async (X, Y, seed) => {
        if (runs++ % 100 === 0) pair = await session({}, `session ${runs}`);
        const { a, b } = await intersect(pair, itemsOf(X), itemsOf(Y), BOTH, seededRng(`${seed}`));
        deepEqual([...a], commonRows(X, Y));
        deepEqual([...b!], commonRows(Y, X));
      }),
      { numRuns: 1000 },
    );
  });

  it('finds the same items whatever their order', async () => {
    const [X, Y] = [range(300), range(300, 150)];
    const found = async (order: (list: number[]) => number[]) => {
      const [x, y] = [order(X), order(Y)];
      const { a, b } = await psi(x, y);
      return [a.map((i) => x[i]!).sort(), b!.map((i) => y[i]!).sort()];
    };
    const straight = await found((list) => list);
    const mixed = await found((list) => list.toSorted((p, q) => ((7 * p) % 31) - ((7 * q) % 31)));
    deepEqual(mixed, straight);
    deepEqual(straight[0], straight[1]);
    equal(straight[0]!.length, 150);
  });

  it('agrees with ECDH PSI on the same sets', async () => {
    const ecdh = { engine: toyCurveEngine(), maxItems: 5000, resultTo: 'both' } as const;
    for (const [X, Y] of [
      [range(900), range(1200, 500)],
      [range(3, 3), range(2500)],
      [range(40), range(40, 40)],
    ] as const) {
      const { a, b } = await psi(X, Y);
      const other = await runTwoParty(
        (ch) => ecdhPsiReceiver(ch, itemsOf(X), ecdh, seededRng('R')),
        (ch) => ecdhPsiSender(ch, itemsOf(Y), ecdh, seededRng('S')),
      );
      deepEqual([a, b], [other.a, other.b]);
    }
  });

  it('tells the sender nothing if only the receiver is to learn', async () => {
    const { frames, taps } = transcript();
    const { a, b } = await psi(range(9), range(9, 4), { ...BOTH, resultTo: 'receiver' }, taps);
    deepEqual([...a], range(5, 4));
    equal(b, undefined);
    deepEqual(
      frames.filter(({ from }) => from === 0).map(({ type }) => type.split('.').at(-1)),
      ['Rr22ReceiverHello', 'Rr22ReceiverSize', 'Rr22Seed', 'Rr22Correction'],
    );
  });

  it('evaluates nothing when a set is empty', async () => {
    for (const [X, Y] of [
      [[], range(4)],
      [range(4), []],
    ] as const) {
      const { chR, chS } = await psi(X, Y);
      deepEqual([chR.stats.messagesSent, chS.stats.messagesSent], [2, 2], 'hello and size');
    }
  });

  it('matches at random as often as the compared bytes are few', async () => {
    const [n, runs] = [300, 40];
    const pair = await session();
    const falseMatches = async (options: Rr22PsiOptions): Promise<number> => {
      let count = 0;
      for (let run = 0; run < runs; run++) {
        const [X, Y] = [itemsOf(range(n, run * n)), itemsOf(range(n, 1e6 + run * n))];
        count += (await intersect(pair, X, Y, options)).a.length;
      }
      return count;
    };
    const expected = (runs * n * n) / 2 ** 16; // 55, standard deviation 7
    const seen = await falseMatches({ ...BOTH, maskBytes: 2 });
    ok(Math.abs(seen - expected) < 35, `${seen} false matches, ${expected} expected`);
    equal(await falseMatches(BOTH), 0);
  });
});

describe('RR22 PSI: cost and transcript', () => {
  it('costs what its header says', async () => {
    const varint = (x: number): number => (x < 128 ? 1 : x < 16384 ? 2 : x < 2097152 ? 3 : 4);
    const number = (x: number): number => (x === 0 ? 0 : 1 + varint(x));
    const stream = (n: number, batch: number, width: number): number[] =>
      range(Math.ceil(n / batch)).map((k) => {
        const bytes = Math.min(batch, n - k * batch) * width;
        return 1 + varint(bytes) + bytes;
      });
    const sum = (sizes: number[]): number => sizes.reduce((total, size) => total + size, 0);

    for (const [nX, nY, m] of [
      [1, 1, 0],
      [500, 2, 2],
      [20_000, 70_000, 17_000],
    ] as const) {
      const [X, Y] = [range(nX), range(nY, nX - m)];
      for (const resultTo of ['both', 'receiver'] as const) {
        const { chR, chS } = await psi(X, Y, { ...BOTH, resultTo });
        const parameters = okvsParameters(nX);
        const up = [0, number(nX), 18]; // hello, size, seed
        up.push(...stream(parameters.slots, binSlots(parameters), 16));
        if (resultTo === 'both') up.push(number(m), ...stream(m, BATCH_POSITIONS, 4));
        const l = prefixBytes(nX, nY);
        const down = [0, number(nY), ...stream(nY, BATCH_MASKS, l)];
        const name = `${nX} x ${nY}, ${resultTo}`;
        equal(chR.stats.bytesSent, sum(up), name);
        equal(chS.stats.bytesSent, sum(down), name);
        equal(chR.stats.messagesSent, up.length, name);
        equal(chS.stats.messagesSent, down.length, name);
        // Hello and seed; size and, for both, positions. Hello; size and masks.
        deepEqual([chR.stats.rounds, chS.stats.rounds], [resultTo === 'both' ? 4 : 3, 3], name);
      }
    }
  });

  it('replays a pinned transcript', async () => {
    const { frames, taps } = transcript();
    await psi(range(12), range(12, 7), BOTH, taps);
    const streams = ['0', '1'].map((from) =>
      frames
        .filter((frame) => `${frame.from}` === from)
        .map(({ label, type, bytes }) => `${label} ${type} ${Buffer.from(bytes).toString('hex')}`)
        .join('\n'),
    );
    equal(
      createHash('sha256').update(streams.join('\n\n')).digest('hex'),
      '56c78cb94ab8196514a283ab68396176db49d5f6ee762be25a792b4f67bf0f07',
    );
  });

  it('masks afresh in every run of a session', async () => {
    const { frames, taps } = transcript();
    const pair = await session(taps);
    const [X, Y] = [itemsOf(range(40)), itemsOf(range(40))];
    for (let run = 0; run < 3; run++) await intersect(pair, X, Y);
    const l = prefixBytes(40, 40);
    const masks = masksOf(frames).flatMap((list) =>
      range(40).map((i) => Buffer.from(list.subarray(i * l, i * l + l)).toString('hex')),
    );
    equal(new Set(masks).size, 120);
  });

  it('orders the masks uniformly, whatever the order of the items', async () => {
    const [n, runs] = [8, 800];
    const counts = new Array<number>(n).fill(0);
    const { frames, taps } = transcript();
    const pair = await session(taps);
    for (let run = 0; run < runs; run++) {
      await intersect(pair, itemsOf([0]), itemsOf(range(n)), BOTH, seededRng(`order ${run}`));
    }
    for (const { type, bytes } of frames) {
      if (type !== MatchedPositions.$type) continue;
      counts[MatchedPositions.decode(bytes).positions[0]!]! += 1;
    }
    const expected = runs / n;
    const chiSquare = counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
    ok(chiSquare < 24.3, `${counts.join()}: ${chiSquare}`); // 7 degrees of freedom: p = 0.001
  });

  it('shows the receiver uniform masks of what it does not have, whatever that is', async () => {
    const views = [range(4000, 1000), range(4000, 500_000)].map(async (Y) => {
      const { frames, taps } = transcript();
      await psi(range(10), Y, BOTH, taps);
      return new Uint8Array(Buffer.concat(masksOf(frames)));
    });
    const [first, second] = await Promise.all(views);
    looksUniform(first!, 'masks of one set');
    looksUniform(second!, 'masks of another set');
    notDeepEqual(first, second);
  });

  it('gives the sender positions that rise, whatever the receiver’s order', async () => {
    const { frames, taps } = transcript();
    await psi(range(50), range(50).reverse(), BOTH, taps);
    const { bytes } = frames.find(({ type }) => type === MatchedPositions.$type)!;
    const { positions } = MatchedPositions.decode(bytes);
    deepEqual([...new Uint32Array(positions.slice().buffer)], range(50));
  });
});

describe('RR22 PSI: what it refuses', () => {
  /** Runs both roles, one of them behind a channel that changes what it sends; the other must refuse. */
  async function refuses<M>(
    victim: 'R' | 'S',
    type: MessageType<M>,
    change: Change<M>,
    code: ProtocolErrorCode = 'MALFORMED_MESSAGE',
    maxItems = 50,
  ): Promise<void> {
    const end = new AbortController();
    const [r, s] = memoryChannelPair({ signal: end.signal });
    const chR = victim === 'R' ? r : tamperingChannel(r, type, change);
    const chS = victim === 'S' ? s : tamperingChannel(s, type, change);
    const { receiver, sender } = await rr22Session(chR, chS, 's');
    const options = { ...BOTH, maxItems };
    const runs = {
      R: rr22PsiReceiver(chR, receiver, itemsOf(range(9)), options),
      S: rr22PsiSender(chS, sender, itemsOf(range(9, 3)), options, seededRng('S')),
    };
    const closed = runs[victim === 'R' ? 'S' : 'R'].catch(() => {}); // ends when the channel does
    await rejects(runs[victim], { code });
    end.abort();
    await closed;
  }

  it('a set larger than agreed, before it allocates anything for it', async () => {
    for (const n of [51, 2 ** 31, 2 ** 32 - 1]) {
      await refuses('R', Rr22SenderSize, () => ({ items: n }));
      await refuses('S', Rr22ReceiverSize, () => ({ items: n }));
    }
    const most = { items: MAX_EVALUATED + 1 }; // whatever was agreed
    await refuses('R', Rr22SenderSize, () => most, 'MALFORMED_MESSAGE', 2 ** 24);
    await refuses('S', Rr22ReceiverSize, () => most, 'MALFORMED_MESSAGE', 2 ** 24);
  });

  it('a set of another size than announced', async () => {
    await refuses('R', Rr22SenderSize, () => ({ items: 8 }));
    await refuses('R', Rr22SenderSize, () => ({ items: 10 }));
  });

  it('R: masks of another length', async () => {
    const l = prefixBytes(9, 9);
    const lists: ((masks: Uint8Array) => Uint8Array)[] = [
      () => new Uint8Array(0),
      (masks) => masks.subarray(1),
      (masks) => masks.subarray(l),
      (masks) => new Uint8Array([...masks, 0]),
      (masks) => new Uint8Array([...masks, ...masks.subarray(0, l)]),
    ];
    for (const change of lists) {
      await refuses('R', Rr22Masks, ({ masks }) => ({ masks: change(masks) }));
    }
  });

  it('R: a mask that matches, twice', async () => {
    const l = prefixBytes(9, 9);
    // Six of the nine match: if every mask is the first or the last that matches, one occurs again.
    await refuses('R', Rr22Masks, ({ masks }) => {
      const changed = masks.slice();
      for (let i = 0; i < 8; i += 2) changed.copyWithin((i + 1) * l, i * l, (i + 1) * l);
      return { masks: changed };
    });
  });

  it('S: more matches than items, and positions out of range or order', async () => {
    const positions = (...list: number[]) => ({
      positions: new Uint8Array(Uint32Array.from(list).buffer),
    });
    await refuses('S', MatchCount, () => ({ matches: 10 }));
    await refuses('S', MatchedPositions, () => positions(0, 1, 2, 3, 4, 9));
    await refuses('S', MatchedPositions, () => positions(0, 1, 2, 3, 4, 4));
    await refuses('S', MatchedPositions, () => positions(1, 0, 2, 3, 4, 5));
    await refuses('S', MatchedPositions, () => positions(0, 1, 2, 3, 4));
  });

  it('S: a correction that is cut', async () => {
    await refuses('S', Rr22Correction, ({ slots }) => ({ slots: slots.subarray(16) }));
  });

  it('a peer in the same role, and one that says something else', async () => {
    const { chR, chS, receiver, sender } = await session();
    const other = await session({}, 'other');
    for (const run of [
      rr22PsiReceiver(chR.fork('same'), receiver, itemsOf([1]), BOTH),
      rr22PsiReceiver(chS.fork('same'), other.receiver, itemsOf([1]), BOTH),
      rr22PsiSender(chR.fork('too'), sender, itemsOf([1]), BOTH, systemRng),
      rr22PsiSender(chS.fork('too'), other.sender, itemsOf([1]), BOTH, systemRng),
    ]) {
      await rejects(run, { code: 'UNEXPECTED_MESSAGE' });
    }
  });

  it('ends when the channel does, between any two messages', async () => {
    const run = async (stopAt: number): Promise<number> => {
      const end = new AbortController();
      let sent = 0;
      const tap = (): void => {
        if (sent++ === stopAt) end.abort();
      };
      const pair = await session({ signal: end.signal, tapFirst: tap, tapSecond: tap });
      await intersect(pair, itemsOf(range(20)), itemsOf(range(20, 5)));
      return sent;
    };
    const messages = await run(Number.POSITIVE_INFINITY);
    equal(messages, 9);
    for (let k = 0; k < messages - 1; k++)
      await rejects(run(k), { code: 'CLOSED' }, `message ${k}`);
  });

  it('a set of its own that breaks the rules, before it sends anything', async () => {
    const { chR, chS, receiver, sender } = await session();
    const before = [chR.stats.messagesSent, chS.stats.messagesSent];
    const bad = [
      [itemsOf(range(4)), { ...BOTH, maxItems: 3 }],
      [new Uint8Array(15), BOTH],
      [itemsOf([1]), { ...BOTH, maxItems: -1 }],
      [itemsOf([1]), { ...BOTH, maxItems: 0.5 }],
      [itemsOf([1]), { ...BOTH, maxItems: Number.NaN }],
    ] as const;
    for (const [own, options] of bad) {
      await rejects(rr22PsiReceiver(chR, receiver, own, options), RangeError);
      await rejects(rr22PsiSender(chS, sender, own, options, systemRng), RangeError);
    }
    deepEqual([chR.stats.messagesSent, chS.stats.messagesSent], before);
  });
});
