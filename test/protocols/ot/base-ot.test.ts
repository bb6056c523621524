import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { BaseOtChoices, BaseOtSetup } from '../../../proto/gen/ot.ts';
import { loadCurve25519Kernel } from '../../../src/kernels/curve25519-kernel.wasm.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { baseOtReceiver, baseOtSender } from '../../../src/protocols/ot/base-ot.ts';
import { bitAt, packBits } from '../../../src/protocols/primitives/bits.ts';
import type { Rng } from '../../../src/protocols/primitives/rng.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { runTwoParty } from '../../support/two-party.ts';
import { LIMIT, twoSampleChiSquare } from '../../support/views.ts';

const P = 2n ** 255n - 19n;
/** The order of the subgroup, [RFC7748] §4.1. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const BASE = encode(9n);

/** Not canonical, or of low order: nothing that an honest party sends. */
const INVALID: readonly bigint[] = [
  0n,
  1n,
  P - 1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  P,
  P + 9n,
  2n ** 255n + 9n,
  2n ** 256n - 1n,
];

const row = (keys: Uint8Array, i: number): Uint8Array => keys.subarray(16 * i, 16 * (i + 1));
const point = (points: Uint8Array, i: number): Uint8Array => points.slice(32 * i, 32 * (i + 1));
const concat = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts));
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('base OT [EGL85]', () => {
  it('gives the receiver exactly the chosen key', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 9 }),
        fc.nat(),
        async (choices, seed) => {
          const { a: pairs, b: keys } = await runTwoParty(
            (ch) => baseOtSender(ch, choices.length, seededRng(`s${seed}`)),
            (ch) => baseOtReceiver(ch, packBits(choices), choices.length, seededRng(`r${seed}`)),
          );
          equal(keys.length, 16 * choices.length);
          choices.forEach((c, i) => {
            deepEqual(row(keys, i), row(c ? pairs.k1 : pairs.k0, i), `chosen key ${i}`);
            notDeepEqual(row(keys, i), row(c ? pairs.k0 : pairs.k1, i), `other key ${i}`);
          });
        },
      ),
      { numRuns: 20 },
    );
  });

  it('derives different keys for every transfer', async () => {
    const { a } = await runTwoParty(
      (ch) => baseOtSender(ch, 128, seededRng('s')),
      (ch) => baseOtReceiver(ch, new Uint8Array(16).fill(0xa5), 128, seededRng('r')),
    );
    const rows = Array.from({ length: 128 }, (_, i) => [row(a.k0, i), row(a.k1, i)]).flat();
    equal(new Set(rows.map(toHex)).size, 256);
  });

  it('agrees keys as RFC 7748 §6.1 does', async () => {
    for (const c of [0, 1] as const) {
      const { sent, a, b } = await recorded({
        m: 1,
        choices: Uint8Array.of(c),
        sender: dealing(RFC7748.alice),
        receiver: dealing(RFC7748.bob),
      });
      deepEqual(sent.Y, RFC7748.alicePublic);
      deepEqual(point(sent.P, c), RFC7748.bobPublic, `choice ${c}`);
      const key = keyOf(0, sent.Y, sent.P, RFC7748.shared);
      deepEqual(b, key);
      deepEqual(c ? a.k1 : a.k0, key);
    }
  });

  it('replays a pinned transcript', async () => {
    const { sent, a, b } = await recorded({
      m: 3,
      choices: packBits([1, 0, 1]),
      sender: seededRng('pinned sender'),
      receiver: seededRng('pinned receiver'),
    });
    deepEqual([digest(sent.Y), digest(sent.P)], PINNED_MESSAGES);
    deepEqual([digest(a.k0), digest(a.k1), digest(b)], PINNED_KEYS);
  });

  it('costs what its header says', async () => {
    for (const m of [0, 16, 128]) {
      const { chA, chB } = await runTwoParty(
        (ch) => baseOtSender(ch, m, seededRng('s')),
        (ch) => baseOtReceiver(ch, new Uint8Array(m / 8), m, seededRng('r')),
      );
      const FRAMING = [2, m === 0 ? 0 : 3]; // proto tag and length; an empty field takes none
      deepEqual([chA.stats.rounds, chB.stats.rounds], [1, 1]);
      deepEqual([chA.stats.messagesSent, chB.stats.messagesSent], [1, 1]);
      deepEqual(
        [chA.stats.bytesSent, chB.stats.bytesSent],
        [32 + FRAMING[0]!, 64 * m + FRAMING[1]!],
      );
    }
  });

  it('waits for nothing before it sends', async () => {
    const [sender, receiver] = memoryChannelPair();
    const runs = [
      baseOtSender(sender, 1, seededRng('s')),
      baseOtReceiver(receiver, Uint8Array.of(1), 1, seededRng('r')),
    ];
    deepEqual([sender.stats.messagesSent, receiver.stats.messagesSent], [1, 1]);
    await Promise.all(runs);
  });

  it('sends two points of one distribution', async () => {
    const m = 512;
    const choices = seededRng('choices')(m / 8);
    const { sent } = await recorded({
      m,
      choices,
      sender: seededRng('s'),
      receiver: seededRng('r'),
    });
    const points = Array.from({ length: 2 * m }, (_, i) => point(sent.P, i));
    const isKnown = (i: number): boolean => bitAt(choices, i >> 1) === (i & 1);
    const known = points.filter((_, i) => isKnown(i));
    const oblivious = points.filter((_, i) => !isKnown(i));
    equal(known.length, m);

    const statistic = twoSampleChiSquare(concat(...known), concat(...oblivious));
    ok(statistic < LIMIT, `chi-square ${statistic.toFixed(0)}`);
    const first = twoSampleChiSquare(
      concat(...points.filter((_, i) => i % 2 === 0)),
      concat(...points.filter((_, i) => i % 2 === 1)),
    );
    ok(first < LIMIT, `chi-square of first and second: ${first.toFixed(0)}`);
    for (const [name, of] of [
      ['known', known],
      ['oblivious', oblivious],
    ] as const) {
      const inImage = of.filter(isInImage).length;
      ok(Math.abs(inImage - m / 2) < 6 * Math.sqrt(m / 4), `${name}: ${inImage} of ${m} in image`);
      for (const u of of.slice(0, 40)) {
        ok(isOnCurve(u), `${name}: on the curve, not on its twist`);
        ok(isTorsionFree(u), `${name}: in the subgroup`);
      }
    }
  });

  it('would tell points of the map itself, or of no curve', () => {
    const curve = loadCurve25519Kernel();
    const mapped = curve.mapToCurve(seededRng('mapped')(64 * 40));
    const points = Array.from({ length: 40 }, (_, i) => point(mapped, i));
    equal(points.filter(isInImage).length, 40);
    ok(points.filter(isTorsionFree).length < 20);
    const bytes = seededRng('bytes')(32 * 40).map((byte, i) =>
      i % 32 === 31 ? byte & 0x7f : byte,
    );
    const onCurve = Array.from({ length: 40 }, (_, i) => point(bytes, i)).filter(isOnCurve).length;
    ok(onCurve > 5 && onCurve < 35, `${onCurve} of 40 strings on the curve`);
  });

  it('clamps to within 2^-126 of uniform', () => {
    /** Statistical distance from uniform of +-tQ, 2^(k-1) <= t < 2^k, for Q of order 2^k + d, d odd. */
    const counted = (k: number, d: number): number => {
      const order = 2 ** k + d;
      const hits = new Float64Array((order + 1) / 2);
      for (let t = 2 ** (k - 1); t < 2 ** k; t++) hits[Math.min(t, order - t)]! += 2 ** (1 - k);
      const uniform = 2 / (order - 1);
      return hits.slice(1).reduce((sum, p) => sum + Math.abs(p - uniform), 0) / 2;
    };
    for (const [k, d] of [
      [8, 1],
      [8, 15],
      [12, 77],
    ] as const) {
      const formula = d / ((2 ** k + d - 1) / 2);
      ok(Math.abs(counted(k, d) - formula) < 1e-12, `k = ${k}, d = ${d}`);
    }
    const d = ORDER - 2n ** 252n;
    ok(d * 2n ** 126n < (ORDER - 1n) / 2n);
  });

  it('hands both keys to a receiver that knows both logarithms', async () => {
    const [honest, evil] = memoryChannelPair();
    const curve = loadCurve25519Kernel();
    const logarithms = [seededRng('first')(32), seededRng('second')(32)];
    const run = baseOtSender(honest, 1, seededRng('s'));
    const { y: Y } = await evil.receive(BaseOtSetup);
    const pair = concat(...logarithms.map((x) => curve.multiply(BASE, x)));
    await evil.send(BaseOtChoices, { p: pair });
    const pairs = await run;
    deepEqual(keyOf(0, Y, pair, curve.multiply(Y, logarithms[0]!)), pairs.k0);
    deepEqual(keyOf(0, Y, pair, curve.multiply(Y, logarithms[1]!)), pairs.k1);
  });

  it('draws fresh randomness for every point', async () => {
    const drawn: number[] = [];
    const counting: Rng = (length) => {
      drawn.push(length);
      return seededRng(`${drawn.length}`)(length);
    };
    const m = 8;
    const { sent } = await recorded({
      m,
      choices: Uint8Array.of(0),
      sender: seededRng('s'),
      receiver: counting,
    });
    deepEqual(drawn, [32 * m, 32 * m, 64 * m]); // x, x', r
    equal(new Set(Array.from({ length: 2 * m }, (_, i) => toHex(point(sent.P, i)))).size, 2 * m);
  });

  it('refuses every invalid point and wrong lengths from the sender', async () => {
    for (const y of [
      ...INVALID.map(encode),
      BASE.subarray(1),
      new Uint8Array(0),
      concat(BASE, BASE),
    ]) {
      const [evil, honest] = memoryChannelPair();
      await evil.send(BaseOtSetup, { y });
      const run = baseOtReceiver(honest, Uint8Array.of(1), 1, seededRng('r'));
      await rejects(run, { code: 'MALFORMED_MESSAGE' }, toHex(y));
    }
  });

  it('refuses every invalid point and wrong lengths from the receiver', async () => {
    const four = (at: number, u: Uint8Array): Uint8Array =>
      concat(...[BASE, BASE, BASE, BASE].map((other, i) => (i === at ? u : other)));
    const bad = INVALID.map(encode).flatMap((u) => [four(0, u), four(3, u)]);
    const fine = four(0, BASE);
    for (const p of [...bad, fine.subarray(32), fine.subarray(1), new Uint8Array(0)]) {
      const [honest, evil] = memoryChannelPair();
      await evil.send(BaseOtChoices, { p });
      const run = baseOtSender(honest, 2, seededRng('s'));
      await rejects(run, { code: 'MALFORMED_MESSAGE' }, toHex(p));
    }
  });

  it('refuses a message out of turn', async () => {
    const [honest, evil] = memoryChannelPair();
    await evil.send(BaseOtSetup, { y: BASE });
    await rejects(baseOtSender(honest, 1, seededRng('s')), { code: 'UNEXPECTED_MESSAGE' });
  });

  it('refuses choices that are not m bits', async () => {
    const [ch] = memoryChannelPair();
    await rejects(baseOtReceiver(ch, new Uint8Array(2), 17, seededRng('r')), RangeError);
  });
});

interface Recorded {
  readonly m: number;
  readonly choices: Uint8Array;
  readonly sender: Rng;
  readonly receiver: Rng;
}

/** Runs both roles and also returns what they sent. */
async function recorded({ m, choices, sender, receiver }: Recorded) {
  const sent = { Y: new Uint8Array(0), P: new Uint8Array(0) };
  const { a, b } = await runTwoParty(
    (ch) => baseOtSender(ch, m, sender),
    (ch) => baseOtReceiver(ch, choices, m, receiver),
    {
      tapFirst: (_label, _type, bytes) => {
        sent.Y = BaseOtSetup.decode(bytes).y.slice();
      },
      tapSecond: (_label, _type, bytes) => {
        sent.P = BaseOtChoices.decode(bytes).p.slice();
      },
    },
  );
  return { sent, a, b };
}

/** Gives `first` to the first that asks, fresh bytes to all others. */
function dealing(first: Uint8Array): Rng {
  const rest = seededRng('rest');
  let isDealt = false;
  return (length) => {
    if (isDealt) return rest(length);
    isDealt = true;
    equal(length, first.length);
    return first.slice();
  };
}

/** The key hash by its definition; pair: 2 x 32 bytes. */
function keyOf(i: number, Y: Uint8Array, P: Uint8Array, shared: Uint8Array): Uint8Array {
  const pair = P.subarray(64 * i, 64 * i + 64);
  const input = concat(
    Buffer.from('entente/base-ot/v2'),
    Uint8Array.of(0, 0, 0, i),
    Y,
    pair,
    shared,
  );
  return new Uint8Array(createHash('sha256').update(input).digest().subarray(0, 16));
}

function isOnCurve(point: Uint8Array): boolean {
  const u = decode(point);
  return isSquare(u ** 3n + 486662n * u ** 2n + u);
}

/** Whether Elligator 2 with Z = 2 has a preimage of it: -2u(u + J) is a square. */
function isInImage(point: Uint8Array): boolean {
  const u = decode(point);
  return isSquare(-2n * u * (u + 486662n));
}

/** Whether the point of the curve is in the subgroup, by the birational map to edwards25519. */
function isTorsionFree(point: Uint8Array): boolean {
  const u = decode(point);
  const y = mod((u - 1n) * power(u + 1n, P - 2n));
  return ed25519.Point.fromBytes(encode(y)).isTorsionFree();
}

function isSquare(x: bigint): boolean {
  return power(x, (P - 1n) / 2n) <= 1n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = mod(base);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * square);
    square = mod(square * square);
  }
  return result;
}

function mod(x: bigint): bigint {
  return ((x % P) + P) % P;
}

function encode(x: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(x.toString(16).padStart(64, '0'), 'hex').reverse());
}

function decode(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

/** [RFC7748] §6.1. */
const RFC7748 = {
  alice: hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'),
  alicePublic: hex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a'),
  bob: hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'),
  bobPublic: hex('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f'),
  shared: hex('4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'),
};

const PINNED_MESSAGES = ['4afdd061569496ae', 'f2408fe0bc346dcd'];
const PINNED_KEYS = ['7a795ca2ad729183', '175bd4ecd7121159', 'fe5243a6c9372c09'];
