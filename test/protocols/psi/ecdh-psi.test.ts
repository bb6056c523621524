import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  EcdhPsiPoints,
  EcdhPsiPrefixes,
  EcdhPsiReceiverSize,
  EcdhPsiSenderSize,
  MatchCount,
  MatchedPositions,
} from '../../../proto/gen/psi.ts';
import { EngineError, inThreadCurveEngine } from '../../../src/kernels/curve25519-engine.ts';
import { loadCurve25519Kernel } from '../../../src/kernels/curve25519-kernel.wasm.ts';
import { curvePool } from '../../../src/kernels/curve25519-pool.ts';
import type { Channel, MessageType } from '../../../src/protocols/channel.ts';
import type { ProtocolErrorCode } from '../../../src/protocols/errors.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../../src/protocols/memory-channel.ts';
import type { Rng } from '../../../src/protocols/primitives/rng.ts';
import { systemRng } from '../../../src/protocols/primitives/rng.ts';
import {
  type EcdhPsiOptions,
  ecdhPsiReceiver,
  ecdhPsiSender,
} from '../../../src/protocols/psi/ecdh-psi.ts';
import { itemDigests } from '../../../src/protocols/psi/item-digest.ts';
import { prefixBytes } from '../../../src/protocols/psi/matching.ts';
import { textColumn } from '../../../src/protocols/psi/text-column.ts';
import { commonRows, range, SET_PAIRS } from '../../support/item-sets.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { type Change, tamperingChannel } from '../../support/tampering-channel.ts';
import { type EngineCall, toyCurveEngine } from '../../support/toy-curve-engine.ts';
import { runTwoParty } from '../../support/two-party.ts';

const SALT = new Uint8Array(32).fill(1);
const items = (keys: readonly (string | number)[]): Uint8Array =>
  itemDigests([textColumn(keys.map(String))], SALT);

const curve = inThreadCurveEngine(loadCurve25519Kernel());
const toy = toyCurveEngine();
const BOTH: EcdhPsiOptions = { engine: curve, maxItems: 5000, resultTo: 'both' };
const FAST: EcdhPsiOptions = { ...BOTH, engine: toy, maxItems: 100_000 };

interface Run {
  readonly options?: EcdhPsiOptions;
  readonly rngs?: readonly [receiver: Rng, sender: Rng];
  /** The receiver holds the first end. */
  readonly channel?: MemoryChannelOptions;
}

function psi(X: readonly (string | number)[], Y: readonly (string | number)[], run: Run = {}) {
  const { options = BOTH, rngs = [seededRng('R'), seededRng('S')], channel = {} } = run;
  return runTwoParty(
    (ch) => ecdhPsiReceiver(ch, items(X), options, rngs[0]),
    (ch) => ecdhPsiSender(ch, items(Y), options, rngs[1]),
    channel,
  );
}

describe('ECDH PSI [HFH99]', () => {
  const shapes: readonly (readonly [
    what: string,
    X: (string | number)[],
    Y: (string | number)[],
  ])[] = [
    ...SET_PAIRS,
    [
      'text of every kind',
      ['', 'Zoë', 'zoe', '漢字', '😀', '\u0000'],
      ['😀', 'Zoe\u0308', '', '漢字'],
    ],
  ];
  for (const [what, X, Y] of shapes) {
    it(`finds the intersection: ${what}`, async () => {
      const { a, b } = await psi(X, Y);
      deepEqual([...a], commonRows(X, Y));
      deepEqual([...b!], commonRows(Y, X));
    });
  }

  it('agrees with the ideal functionality in 200 small runs on the curve', async () => {
    const set = fc.uniqueArray(fc.nat(12), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(set, set, fc.nat(), async (X, Y, seed) => {
        const rngs = [seededRng(`r${seed}`), seededRng(`s${seed}`)] as const;
        const { a, b } = await psi(X, Y, { rngs });
        deepEqual([...a], commonRows(X, Y));
        deepEqual([...b!], commonRows(Y, X));
      }),
      { numRuns: 200 },
    );
  });

  it('finds the intersection over several batches', async () => {
    const [X, Y] = [range(4100, 1000), range(2049, 4000)];
    const { a, b } = await psi(X, Y, { options: FAST });
    deepEqual([...a], range(1100, 3000));
    deepEqual([...b!], range(1100));
  });

  it('tells the sender nothing if only the receiver is to learn', async () => {
    const types: string[] = [];
    const { a, b } = await psi(range(9), range(9, 4), {
      options: { ...BOTH, resultTo: 'receiver' },
      channel: { tapFirst: (label, type) => types.push(`${label} ${type}`) },
    });
    deepEqual([...a], range(5, 4));
    equal(b, undefined);
    deepEqual(types, [
      ' entente.psi.v1.EcdhPsiReceiverSize',
      '/masked-x entente.psi.v1.EcdhPsiPoints',
    ]);
  });

  it('works with a thread pool at each party', async () => {
    const [r, s] = [curvePool({ threads: 1 }), curvePool({ threads: 2 })];
    const [X, Y] = [range(600), range(600, 300)];
    const { a, b } = await runTwoParty(
      (ch) => ecdhPsiReceiver(ch, items(X), { ...BOTH, engine: r }, systemRng),
      (ch) => ecdhPsiSender(ch, items(Y), { ...BOTH, engine: s }, systemRng),
    );
    await Promise.all([r.close(), s.close()]);
    deepEqual([...a], range(300, 300));
    deepEqual([...b!], range(300));
  });
});

describe('ECDH PSI: cost and transcript', () => {
  it('costs what its header says', async () => {
    // A protobuf message of one field: tag and varint, or tag, varint length and bytes.
    const varint = (x: number): number => (x < 128 ? 1 : x < 16384 ? 2 : x < 2097152 ? 3 : 4);
    const number = (x: number): number => (x === 0 ? 0 : 1 + varint(x));
    const stream = (n: number, batch: number, width: number): number[] =>
      range(Math.ceil(n / batch)).map((k) => {
        const bytes = Math.min(batch, n - k * batch) * width;
        return 1 + varint(bytes) + bytes;
      });
    const sum = (...sizes: number[]): number => sizes.reduce((total, size) => total + size, 0);

    for (const [nX, nY, m] of [
      [1, 1, 0],
      [2047, 2049, 5],
      [2048, 1, 1],
      [4097, 300, 300],
    ] as const) {
      const [X, Y] = [range(nX), range(nY, nX - m)];
      for (const resultTo of ['both', 'receiver'] as const) {
        const { chA, chB } = await psi(X, Y, { options: { ...FAST, resultTo } });
        const up = [number(nX), ...stream(nX, 2048, 32)];
        if (resultTo === 'both') up.push(number(m), ...stream(m, 16384, 4));
        const l = prefixBytes(nX, nY);
        const down = [number(nY), ...stream(nX, 2048, l), ...stream(nY, 2048, 32)];
        const name = `${nX} x ${nY}, ${resultTo}`;
        equal(chA.stats.bytesSent, sum(...up), name);
        equal(chB.stats.bytesSent, sum(...down), name);
        equal(chA.stats.messagesSent, up.length, name);
        equal(chB.stats.messagesSent, down.length, name);
        equal(chA.stats.rounds, resultTo === 'both' ? 3 : 2, name);
        equal(chB.stats.rounds, 3, name);
      }
    }
  });

  it('multiplies n_x + n_y times a party', async () => {
    const counts = [0, 0];
    const counting = (party: 0 | 1): EcdhPsiOptions => {
      const width = (call: EngineCall): number => (call.method === 'multiply' ? 32 : 16);
      const engine = toyCurveEngine((call) => {
        counts[party]! += call.rows.length / width(call);
      });
      return { ...FAST, engine };
    };
    await runTwoParty(
      (ch) => ecdhPsiReceiver(ch, items(range(2500)), counting(0), systemRng),
      (ch) => ecdhPsiSender(ch, items(range(70)), counting(1), systemRng),
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
    await psi(range(12), range(12, 7), { channel: { tapFirst: tap('R'), tapSecond: tap('S') } });
    const streams = [...sent.keys()].sort();
    deepEqual(streams, ['R', 'R/masked-x', 'S', 'S/masked-y', 'S/returned-x']);
    const hash = createHash('sha256');
    for (const key of streams) hash.update(`${key}\n${sent.get(key)}`);
    equal(hash.digest('hex'), '1d5e21836bf8489634c34eace2938ec45e9ee15254e13ad210a55632207f6f54');
  });

  it('masks afresh in every run', async () => {
    const masked = async (rngs: readonly [Rng, Rng]): Promise<Set<string>[]> => {
      const seen = [new Set<string>(), new Set<string>()];
      const tap = (party: 0 | 1) => (_label: string, type: string, bytes: Uint8Array) => {
        if (type !== EcdhPsiPoints.$type) return;
        const { points } = EcdhPsiPoints.decode(bytes);
        for (let i = 0; i < points.length; i += 32) {
          seen[party]!.add(Buffer.from(points.subarray(i, i + 32)).toString('hex'));
        }
      };
      await psi(range(40), range(40), { rngs, channel: { tapFirst: tap(0), tapSecond: tap(1) } });
      return seen;
    };
    const [r1, s1] = await masked([systemRng, systemRng]);
    const [r2, s2] = await masked([systemRng, systemRng]);
    equal(new Set([...r1!, ...s1!, ...r2!, ...s2!]).size, 160, 'no masked value occurs twice');
    const [r3] = await masked([seededRng('same'), systemRng]);
    const [r4] = await masked([seededRng('same'), systemRng]);
    deepEqual(r3, r4, 'the same randomness would mask alike');
  });

  it('orders both lists uniformly, whatever the order of the items', async () => {
    const [n, runs] = [8, 800];
    const counts = [new Array<number>(n).fill(0), new Array<number>(n).fill(0)];
    const first = items([0]).join();
    for (let run = 0; run < runs; run++) {
      const watching = (party: 0 | 1): EcdhPsiOptions => ({
        ...FAST,
        engine: toyCurveEngine(({ method, rows }) => {
          if (method === 'multiply') return;
          const at = range(n).find((i) => rows.subarray(16 * i, 16 * i + 16).join() === first)!;
          counts[party]![at]! += 1;
        }),
      });
      await runTwoParty(
        (ch) => ecdhPsiReceiver(ch, items(range(n)), watching(0), seededRng(`r${run}`)),
        (ch) => ecdhPsiSender(ch, items(range(n)), watching(1), seededRng(`s${run}`)),
      );
    }
    for (const positions of counts) {
      const expected = runs / n;
      const chiSquare = positions.reduce((sum, c) => sum + (c - expected) ** 2 / expected, 0);
      ok(chiSquare < 24.3, `${positions.join()}: ${chiSquare}`); // 7 degrees of freedom: p = 0.001
    }
  });

  it('gives the sender positions that rise, whatever the receiver’s order', async () => {
    const seen: number[] = [];
    await psi(range(50), range(50).reverse(), {
      channel: {
        tapFirst: (_label, type, bytes) => {
          if (type !== MatchedPositions.$type) return;
          const { positions } = MatchedPositions.decode(bytes);
          seen.push(...new Uint32Array(positions.slice().buffer));
        },
      },
    });
    deepEqual(seen, range(50));
  });
});

describe('ECDH PSI: what it refuses', () => {
  /** Runs both roles, one of them behind a channel that changes what it sends; the other must refuse. */
  async function refuses<M>(
    victim: 'R' | 'S',
    type: MessageType<M>,
    change: Change<M>,
    code: ProtocolErrorCode = 'MALFORMED_MESSAGE',
    options: EcdhPsiOptions = { ...FAST, maxItems: 50 },
  ): Promise<void> {
    const end = new AbortController();
    const [r, s] = memoryChannelPair({ signal: end.signal });
    const cheat = (ch: Channel, role: 'R' | 'S'): Channel =>
      role === victim ? ch : tamperingChannel(ch, type, change);
    const receiver = ecdhPsiReceiver(cheat(r, 'R'), items(range(9)), options, seededRng('R'));
    const sender = ecdhPsiSender(cheat(s, 'S'), items(range(9, 3)), options, seededRng('S'));
    const [honest, other] = victim === 'R' ? [receiver, sender] : [sender, receiver];
    const closed = other.catch(() => {}); // ends when the channel does
    await rejects(honest, { code });
    end.abort();
    await closed;
  }

  const ROLES = ['R', 'S'] as const;
  /** What the peer of each role sends first. */
  const PEER_SIZE = { R: EcdhPsiSenderSize, S: EcdhPsiReceiverSize };
  const P_BYTES = new Uint8Array(32).fill(0xff);
  P_BYTES[0] = 0xed;
  P_BYTES[31] = 0x7f;

  /** The list with row `at` replaced. */
  const withRow = (rows: Uint8Array, row: Uint8Array, at: number): Uint8Array => {
    const changed = rows.slice();
    changed.set(row, at * row.length);
    return changed;
  };

  const POINT_LISTS: readonly (readonly [
    what: string,
    change: (points: Uint8Array) => Uint8Array,
  ])[] = [
    ['no point', () => new Uint8Array(0)],
    ['one point too few', (points) => points.subarray(32)],
    ['one byte too few', (points) => points.subarray(1)],
    ['one point too many', (points) => new Uint8Array([...points, ...points.subarray(0, 32)])],
    ['the integer p', (points) => withRow(points, P_BYTES, 4)],
    ['the high bit set', (points) => withRow(points, points.slice(128, 160).fill(0x80, 31), 4)],
    ['the point zero', (points) => withRow(points, new Uint8Array(32), 8)],
    ['a point of order four', (points) => withRow(points, new Uint8Array(32).fill(1, 0, 1), 0)],
    ['a point twice', (points) => withRow(points, points.slice(0, 32), 8)],
  ];

  for (const victim of ROLES) {
    it(`${victim}: a set above the agreed bound`, async () => {
      await refuses(victim, PEER_SIZE[victim], () => ({ items: 51 }));
      await refuses(victim, PEER_SIZE[victim], () => ({ items: 2 ** 32 - 1 }));
    });

    it(`${victim}: a set of another size than announced`, async () => {
      await refuses(victim, PEER_SIZE[victim], () => ({ items: 8 }));
      await refuses(victim, PEER_SIZE[victim], () => ({ items: 10 }));
    });

    for (const [what, change] of POINT_LISTS) {
      it(`${victim}: a list with ${what}`, async () => {
        await refuses(victim, EcdhPsiPoints, ({ points }) => ({ points: change(points) }));
      });
    }

    it(`${victim}: a point twice in different messages`, async () => {
      const end = new AbortController();
      const [honest, peer] = memoryChannelPair({ signal: end.signal });
      const role = victim === 'R' ? ecdhPsiReceiver : ecdhPsiSender;
      const refused = rejects(role(honest, items([1]), FAST, seededRng('v')), {
        code: 'MALFORMED_MESSAGE',
      });
      await peer.send(PEER_SIZE[victim], { items: 2049 });
      const list = peer.fork(victim === 'R' ? 'masked-y' : 'masked-x');
      const points = new Uint8Array(32 * 2049);
      for (let i = 0; i < 2049; i++) points.set([2 + (i & 0xff), i >> 8, 7], 32 * i);
      await list.send(EcdhPsiPoints, { points: points.subarray(0, 32 * 2048) });
      await list.send(EcdhPsiPoints, { points: points.subarray(32 * 5, 32 * 6) });
      await refused;
      end.abort();
    });

    it(`${victim}: a message of another type`, async () => {
      const end = new AbortController();
      const [honest, peer] = memoryChannelPair({ signal: end.signal });
      const role = victim === 'R' ? ecdhPsiReceiver : ecdhPsiSender;
      await peer.send(MatchCount, { matches: 1 });
      await rejects(role(honest, items([1]), FAST, systemRng), { code: 'UNEXPECTED_MESSAGE' });
      end.abort();
    });

    it(`${victim}: a peer in the same role`, async () => {
      const end = new AbortController();
      const [first, second] = memoryChannelPair({ signal: end.signal });
      const role = victim === 'R' ? ecdhPsiReceiver : ecdhPsiSender;
      const runs = [first, second].map((ch) => role(ch, items([1]), FAST, systemRng));
      for (const run of runs) await rejects(run, { code: 'UNEXPECTED_MESSAGE' });
      end.abort();
    });

    it(`${victim}: ends when the channel does`, async () => {
      const end = new AbortController();
      const [honest] = memoryChannelPair({ signal: end.signal });
      const role = victim === 'R' ? ecdhPsiReceiver : ecdhPsiSender;
      const ended = rejects(role(honest, items([1]), FAST, systemRng), { code: 'CLOSED' });
      end.abort();
      await ended;
    });

    it(`${victim}: a set of its own that breaks the rules, before it sends anything`, async () => {
      const role = victim === 'R' ? ecdhPsiReceiver : ecdhPsiSender;
      const [ch] = memoryChannelPair();
      const tooMany = { ...FAST, maxItems: 3 };
      await rejects(role(ch, items(range(4)), tooMany, systemRng), RangeError);
      await rejects(role(ch, new Uint8Array(15), FAST, systemRng), RangeError);
      for (const maxItems of [-1, 0.5, 2 ** 24 + 1, Number.NaN]) {
        await rejects(role(ch, items([1]), { ...FAST, maxItems }, systemRng), RangeError);
      }
      equal(ch.stats.messagesSent, 0);
    });

    it(`${victim}: passes on that its engine failed`, async () => {
      const pool = curvePool({
        threads: 1,
        worker: new URL('data:text/javascript,process.exit(1)'),
      });
      const end = new AbortController();
      const [honest, peer] = memoryChannelPair({ signal: end.signal });
      const role = victim === 'R' ? ecdhPsiReceiver : ecdhPsiSender;
      await peer.send(PEER_SIZE[victim], { items: 3 });
      const run = role(honest, items([1]), { ...FAST, engine: pool }, systemRng);
      await rejects(run, (error) => error instanceof EngineError && error.code === 'ENGINE_FAILED');
      end.abort();
      await pool.close();
    });
  }

  it('R: prefixes of another length', async () => {
    for (const change of [(p: Uint8Array) => p.subarray(1), (p: Uint8Array) => p.subarray(7)]) {
      await refuses('R', EcdhPsiPrefixes, ({ prefixes }) => ({ prefixes: change(prefixes) }));
    }
    await refuses('R', EcdhPsiPrefixes, ({ prefixes }) => ({
      prefixes: new Uint8Array([...prefixes, 0]),
    }));
  });

  it('R: a returned list in which two items match one position', async () => {
    // With this seed the first row of the shuffled list is one of the six common items.
    await refuses('R', EcdhPsiPrefixes, ({ prefixes }) => ({
      prefixes: withRow(prefixes, prefixes.slice(0, prefixBytes(9, 9)), 1),
    }));
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

  it('never masks with a wiped scalar, even in streams that outlive a failed run', async () => {
    for (const victim of ROLES) {
      const scalars = new Set<string>();
      const engine = toyCurveEngine(({ scalar }) => scalars.add(scalar.join()));
      const end = new AbortController();
      const [honest, peer] = memoryChannelPair({ signal: end.signal });
      const role = victim === 'R' ? ecdhPsiReceiver : ecdhPsiSender;
      const run = role(honest, items(range(9000)), { ...FAST, engine }, seededRng('once'));
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
