import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  CardinalityCount,
  CardinalityReceiverSize,
  CardinalitySenderSize,
  EcdhPsiPoints,
  EcdhPsiPrefixes,
  EcdhPsiReceiverSize,
} from '../../../proto/gen/psi.ts';
import { inThreadCurveEngine } from '../../../src/kernels/curve25519-engine.ts';
import { loadCurve25519Kernel } from '../../../src/kernels/curve25519-kernel.wasm.ts';
import type { Channel, MessageType } from '../../../src/protocols/channel.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../../src/protocols/memory-channel.ts';
import type { Rng } from '../../../src/protocols/primitives/rng.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import {
  type CardinalityOptions,
  cardinalityReceiver,
  cardinalitySender,
} from '../../../src/protocols/psi/cardinality.ts';
import { itemDigests } from '../../../src/protocols/psi/item-digest.ts';
import { prefixBytes } from '../../../src/protocols/psi/matching.ts';
import { textColumn } from '../../../src/protocols/psi/text-column.ts';
import { range } from '../../support/item-sets.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { type Change, tamperingChannel } from '../../support/tampering-channel.ts';
import { type EngineCall, toyCurveEngine } from '../../support/toy-curve-engine.ts';
import { runTwoParty } from '../../support/two-party.ts';

const SALT = new Uint8Array(32).fill(1);
const items = (keys: readonly (string | number)[]): Uint8Array =>
  itemDigests([textColumn(keys.map(String))], SALT);

const CURVE: CardinalityOptions = {
  engine: inThreadCurveEngine(loadCurve25519Kernel()),
  maxItems: 5000,
};
const FAST: CardinalityOptions = { engine: toyCurveEngine(), maxItems: 100_000 };

interface Run {
  readonly options?: CardinalityOptions;
  readonly rngs?: readonly [receiver: Rng, sender: Rng];
  /** The receiver holds the first end. */
  readonly channel?: MemoryChannelOptions;
}

function count(X: readonly (string | number)[], Y: readonly (string | number)[], run: Run = {}) {
  const { options = CURVE, rngs = [seededRng('R'), seededRng('S')], channel = {} } = run;
  return runTwoParty(
    (ch) => cardinalityReceiver(ch, items(X), options, rngs[0]),
    (ch) => cardinalitySender(ch, items(Y), options, rngs[1]),
    channel,
  );
}

describe('set intersection cardinality [HFH99], [CGT12]', () => {
  const shapes: readonly (readonly [
    what: string,
    X: (string | number)[],
    Y: (string | number)[],
    common: number,
  ])[] = [
    ['no common item', range(20), range(20, 100), 0],
    ['all items common', range(20), range(20).reverse(), 20],
    ['some items common', range(30), range(30, 17), 13],
    ['X within Y', [5, 3], range(20), 2],
    ['Y within X', range(20), [19, 0], 2],
    ['one and one, equal', [7], [7], 1],
    ['one and one, different', [7], [8], 0],
    ['one against many', [41], range(60), 1],
    ['many against one', range(60), [41], 1],
    ['nothing against something', [], range(5), 0],
    ['something against nothing', range(5), [], 0],
    ['nothing at all', [], [], 0],
  ];
  for (const [what, X, Y, common] of shapes) {
    it(`counts at both parties: ${what}`, async () => {
      const { a, b } = await count(X, Y);
      deepEqual([a, b], [common, common]);
    });
  }

  it('agrees with the ideal functionality in 100 small runs on the curve', async () => {
    const set = fc.uniqueArray(fc.nat(12), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(set, set, fc.nat(), async (X, Y, seed) => {
        const rngs = [seededRng(`r${seed}`), seededRng(`s${seed}`)] as const;
        const { a, b } = await count(X, Y, { rngs });
        const common = X.filter((x) => Y.includes(x)).length;
        deepEqual([a, b], [common, common]);
      }),
      { numRuns: 100 },
    );
  });

  it('counts over several batches, at every border of one', async () => {
    for (const [nX, nY, common] of [
      [2047, 2049, 2047],
      [2048, 4097, 2048],
      [4097, 2048, 100],
      [1, 6000, 1],
      [6000, 1, 0],
    ] as const) {
      const Y = range(nY, nX - common);
      const { a, b } = await count(range(nX), Y, { options: FAST });
      deepEqual([a, b], [common, common], `${nX} against ${nY}`);
    }
  });
});

describe('set intersection cardinality: cost and transcript', () => {
  it('costs what its header says', async () => {
    // A protobuf message of one field: tag and varint, or tag, varint length and bytes.
    const varint = (x: number): number => (x < 128 ? 1 : x < 16384 ? 2 : x < 2097152 ? 3 : 4);
    const number = (x: number): number => (x === 0 ? 0 : 1 + varint(x));
    const stream = (n: number, width: number): number[] =>
      range(Math.ceil(n / 2048)).map((k) => {
        const bytes = Math.min(2048, n - k * 2048) * width;
        return 1 + varint(bytes) + bytes;
      });
    const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size);

    for (const [nX, nY, m] of [
      [1, 1, 0],
      [2047, 2049, 5],
      [2048, 1, 1],
      [4097, 300, 300],
    ] as const) {
      const { chA, chB } = await count(range(nX), range(nY, nX - m), { options: FAST });
      const up = [number(nX), ...stream(nX, 32), number(m)];
      const down = [number(nY), ...stream(nX, prefixBytes(nX, nY)), ...stream(nY, 32)];
      const name = `${nX} x ${nY}`;
      equal(chA.stats.bytesSent, sum(up), name);
      equal(chB.stats.bytesSent, sum(down), name);
      equal(chA.stats.messagesSent, up.length, name);
      equal(chB.stats.messagesSent, down.length, name);
      deepEqual([chA.stats.rounds, chB.stats.rounds], [3, 3], name);
    }
  });

  it('multiplies n_x + n_y times a party', async () => {
    const counts = [0, 0];
    const counting = (party: 0 | 1): CardinalityOptions => {
      const width = (call: EngineCall): number => (call.method === 'multiply' ? 32 : 16);
      const engine = toyCurveEngine((call) => {
        counts[party]! += call.rows.length / width(call);
      });
      return { ...FAST, engine };
    };
    await runTwoParty(
      (ch) => cardinalityReceiver(ch, items(range(2500)), counting(0), systemRng),
      (ch) => cardinalitySender(ch, items(range(70)), counting(1), systemRng),
    );
    deepEqual(counts, [2570, 2570]);
  });

  it('replays a pinned transcript', async () => {
    const sent = new Map<string, string>();
    const tap = (party: string) => (label: string, type: string, bytes: Uint8Array) => {
      const key = `${party}${label}`;
      const text = `${sent.get(key) ?? ''}${type}${Buffer.from(bytes).toString('hex')}\n`;
      sent.set(key, text);
    };
    await count(range(12), range(12, 7), { channel: { tapFirst: tap('R'), tapSecond: tap('S') } });
    const streams = [...sent.keys()].sort();
    deepEqual(streams, ['R', 'R/masked-x', 'S', 'S/masked-y', 'S/returned-x']);
    const hash = createHash('sha256');
    for (const key of streams) hash.update(`${key}\n${sent.get(key)}`);
    equal(hash.digest('hex'), '54aff6163fb244799dc6c230fad8d9a075900ba4f6235bc6649d785edfc801f0');
  });

  it('masks afresh in every run', async () => {
    const seen = new Set<string>();
    const tap = (_label: string, type: string, bytes: Uint8Array): void => {
      if (type !== EcdhPsiPoints.$type) return;
      const { points } = EcdhPsiPoints.decode(bytes);
      for (let i = 0; i < points.length; i += 32) {
        seen.add(Buffer.from(points.subarray(i, i + 32)).toString('hex'));
      }
    };
    const rngs = [systemRng, systemRng] as const;
    for (let run = 0; run < 2; run++) {
      await count(range(40), range(40), { rngs, channel: { tapFirst: tap, tapSecond: tap } });
    }
    equal(seen.size, 160, 'no masked value occurs twice');
  });
});

describe('set intersection cardinality: views', () => {
  /** What the receiver gets back, as positions in the list that it sent; needs its scalar's peer. */
  async function returnedOrder(X: readonly number[], Y: readonly number[], seed: string) {
    const scalars: Uint8Array[] = [];
    let sent: Uint8Array = new Uint8Array(0);
    const engine = toyCurveEngine(({ method, scalar }) => {
      if (method === 'hashToCurveAndMultiply') scalars.push(scalar.slice());
    });
    const returned: string[] = [];
    const l = prefixBytes(X.length, Y.length);
    await runTwoParty(
      (ch) => cardinalityReceiver(ch, items(X), FAST, seededRng(`r${seed}`)),
      (ch) => cardinalitySender(ch, items(Y), { ...FAST, engine }, seededRng(`s${seed}`)),
      {
        tapFirst: (_label, type, bytes) => {
          if (type === EcdhPsiPoints.$type) sent = EcdhPsiPoints.decode(bytes).points;
        },
        tapSecond: (_label, type, bytes) => {
          if (type !== EcdhPsiPrefixes.$type) return;
          const { prefixes } = EcdhPsiPrefixes.decode(bytes);
          for (let i = 0; i < prefixes.length; i += l) {
            returned.push(prefixes.subarray(i, i + l).join());
          }
        },
      },
    );
    // With S's scalar, which R has not: where each point of R's list came back.
    const products = await toyCurveEngine().multiply(sent, scalars[0]!);
    return range(X.length).map((i) =>
      returned.indexOf(products.subarray(32 * i, 32 * i + l).join()),
    );
  }

  it('gives the receiver its list in a uniform order of the sender', async () => {
    const [n, runs] = [8, 800];
    const counts = new Array<number>(n).fill(0);
    for (let run = 0; run < runs; run++) {
      const places = await returnedOrder(range(n), range(n), String(run));
      deepEqual(
        places.toSorted((p, q) => p - q),
        range(n),
        'each point comes back once',
      );
      counts[places[0]!]! += 1;
    }
    const expected = runs / n;
    const chiSquare = counts.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
    ok(chiSquare < 24.3, `${counts.join()}: ${chiSquare}`); // 7 degrees of freedom: p = 0.001
  });

  it('draws the order of return apart from that of the sender’s own list, and in every run', async () => {
    const orders = [];
    for (const seed of ['a', 'b', 'a']) orders.push(await returnedOrder(range(40), [1], seed));
    notDeepEqual(orders[0], orders[1]);
    deepEqual(orders[0], orders[2], 'the same randomness would order alike');
    notDeepEqual(orders[0], range(40));
  });

  it('tells the sender a count and the receiver masked lists, whichever items are common', async () => {
    const shapeOf = async (Y: readonly number[]): Promise<string[]> => {
      const shape: string[] = [];
      const tap = (party: string) => (label: string, type: string, bytes: Uint8Array) =>
        shape.push(`${party}${label} ${type} ${bytes.length}`);
      const channel = { tapFirst: tap('R'), tapSecond: tap('S') };
      await count(range(20), Y, { channel });
      return shape.sort();
    };
    // Other items in common, as many: the same messages of the same sizes.
    const shape = await shapeOf(range(20, 15));
    deepEqual(shape, await shapeOf(range(20, -15)));
    deepEqual(shape, [
      'R entente.psi.v1.CardinalityCount 2',
      'R entente.psi.v1.CardinalityReceiverSize 2',
      'R/masked-x entente.psi.v1.EcdhPsiPoints 643',
      'S entente.psi.v1.CardinalitySenderSize 2',
      'S/masked-y entente.psi.v1.EcdhPsiPoints 643',
      'S/returned-x entente.psi.v1.EcdhPsiPrefixes 143',
    ]);
  });
});

describe('set intersection cardinality: what it refuses', () => {
  /** Runs both roles, one behind a channel that changes what it sends; the other must refuse. */
  async function refuses<M>(
    victim: 'R' | 'S',
    type: MessageType<M>,
    change: Change<M>,
    options: CardinalityOptions = { ...FAST, maxItems: 50 },
  ): Promise<void> {
    const end = new AbortController();
    const [r, s] = memoryChannelPair({ signal: end.signal });
    const cheat = (ch: Channel, role: 'R' | 'S'): Channel =>
      role === victim ? ch : tamperingChannel(ch, type, change);
    const receiver = cardinalityReceiver(cheat(r, 'R'), items(range(9)), options, seededRng('R'));
    const sender = cardinalitySender(cheat(s, 'S'), items(range(9, 3)), options, seededRng('S'));
    const [honest, other] = victim === 'R' ? [receiver, sender] : [sender, receiver];
    const closed = other.catch(() => {}); // ends when the channel does
    await rejects(honest, { code: 'MALFORMED_MESSAGE' });
    end.abort();
    await closed;
  }

  const ROLES = ['R', 'S'] as const;
  const ROLE = { R: cardinalityReceiver, S: cardinalitySender };
  /** What the peer of each role sends first. */
  const PEER_SIZE = { R: CardinalitySenderSize, S: CardinalityReceiverSize };

  for (const victim of ROLES) {
    it(`${victim}: a set above the agreed bound, or of another size than announced`, async () => {
      for (const size of [51, 2 ** 32 - 1, 8, 10]) {
        await refuses(victim, PEER_SIZE[victim], () => ({ items: size }));
      }
    });

    it(`${victim}: points that are short, long, repeated or of low order`, async () => {
      const changes: readonly ((points: Uint8Array) => Uint8Array)[] = [
        () => new Uint8Array(0),
        (points) => points.subarray(1),
        (points) => new Uint8Array([...points, ...points.subarray(0, 32)]),
        (points) => points.slice().fill(0, 64, 96),
        (points) => points.slice().fill(0xff, 64, 96),
        (points) => points.slice().copyWithin(32, 0, 32),
      ];
      for (const change of changes) {
        await refuses(victim, EcdhPsiPoints, ({ points }) => ({ points: change(points) }));
      }
    });

    it(`${victim}: a peer in the same role, and one that intersects`, async () => {
      const end = new AbortController();
      const [first, second] = memoryChannelPair({ signal: end.signal });
      const runs = [first, second].map((ch) => ROLE[victim](ch, items([1]), FAST, systemRng));
      for (const run of runs) await rejects(run, { code: 'UNEXPECTED_MESSAGE' });
      const [honest, peer] = memoryChannelPair({ signal: end.signal });
      await peer.send(EcdhPsiReceiverSize, { items: 1 });
      const run = ROLE[victim](honest, items([1]), FAST, systemRng);
      await rejects(run, { code: 'UNEXPECTED_MESSAGE' });
      end.abort();
    });

    it(`${victim}: ends when the channel does`, async () => {
      const end = new AbortController();
      const [honest] = memoryChannelPair({ signal: end.signal });
      const ended = rejects(ROLE[victim](honest, items([1]), FAST, systemRng), { code: 'CLOSED' });
      end.abort();
      await ended;
    });

    it(`${victim}: a set of its own that breaks the rules, before it sends anything`, async () => {
      const [ch] = memoryChannelPair();
      const tooMany = { ...FAST, maxItems: 3 };
      await rejects(ROLE[victim](ch, items(range(4)), tooMany, systemRng), RangeError);
      await rejects(ROLE[victim](ch, new Uint8Array(15), FAST, systemRng), RangeError);
      for (const maxItems of [-1, 0.5, 2 ** 24 + 1, Number.NaN]) {
        const run = ROLE[victim](ch, items([1]), { ...FAST, maxItems }, systemRng);
        await rejects(run, RangeError);
      }
      equal(ch.stats.messagesSent, 0);
    });
  }

  it('R: prefixes of another length, and a returned list in which two items match one', async () => {
    const l = prefixBytes(9, 9);
    await refuses('R', EcdhPsiPrefixes, ({ prefixes }) => ({ prefixes: prefixes.subarray(1) }));
    await refuses('R', EcdhPsiPrefixes, ({ prefixes }) => ({ prefixes: prefixes.subarray(l) }));
    // Every row the same as one of them: refused if that one is of a common item.
    let refused = 0;
    for (const row of range(9)) {
      const end = new AbortController();
      const [r, s] = memoryChannelPair({ signal: end.signal });
      const cheat = tamperingChannel(s, EcdhPsiPrefixes, ({ prefixes }) => {
        const same = prefixes.slice(row * l, (row + 1) * l);
        return { prefixes: Uint8Array.from(prefixes, (_, at) => same[at % l]!) };
      });
      const sender = cardinalitySender(cheat, items(range(9, 3)), FAST, seededRng('S'));
      const closed = sender.catch(() => {});
      const outcome = await cardinalityReceiver(r, items(range(9)), FAST, seededRng('R')).catch(
        (error: unknown) => (error as { code?: string }).code,
      );
      if (outcome === 'MALFORMED_MESSAGE') refused++;
      else equal(outcome, 0, 'an item that the sender lacks');
      end.abort();
      await closed;
    }
    equal(refused, 6);
  });

  it('S: a count above the smaller set', async () => {
    await refuses('S', CardinalityCount, () => ({ common: 10 }));
    await refuses('S', CardinalityCount, () => ({ common: 2 ** 32 - 1 }));
  });

  it('never masks with a wiped scalar, even in streams that outlive a failed run', async () => {
    for (const victim of ROLES) {
      const scalars = new Set<string>();
      const engine = toyCurveEngine(({ scalar }) => scalars.add(scalar.join()));
      const end = new AbortController();
      const [honest, peer] = memoryChannelPair({ signal: end.signal });
      const run = ROLE[victim](honest, items(range(9000)), { ...FAST, engine }, seededRng('once'));
      const list = peer.fork(victim === 'R' ? 'masked-y' : 'masked-x');
      const refused = rejects(run, { code: 'MALFORMED_MESSAGE' });
      await peer.send(PEER_SIZE[victim], { items: 1 });
      await list.send(EcdhPsiPoints, { points: new Uint8Array(32) });
      await refused;
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      end.abort();
      equal(scalars.size, 1, victim);
      notDeepEqual([...scalars], [new Uint8Array(32).join()], victim);
    }
  });
});
