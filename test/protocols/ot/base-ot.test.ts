import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex, concatBytes, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { BaseOtChoices, BaseOtSetup } from '../../../proto/gen/ot.ts';
import { referenceEdwards25519Kernel } from '../../../src/kernels/edwards25519-kernel.reference.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { baseOtReceiver, baseOtSender } from '../../../src/protocols/ot/base-ot.ts';
import { bitAt, packBits } from '../../../src/protocols/primitives/bits.ts';
import type { Rng } from '../../../src/protocols/primitives/rng.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { runTwoParty } from '../../support/two-party.ts';
import { LIMIT, twoSampleChiSquare } from '../../support/views.ts';
import { BASE, KEY_PAIRS, NOT_CANONICAL, NOT_ON_CURVE, TORSION } from '../../vectors/rfc8032.ts';

const { Point } = ed25519;
const group = referenceEdwards25519Kernel;
const POINT = hexToBytes(KEY_PAIRS[0]![1]);
/** Nothing that an honest party sends. */
const INVALID: readonly Uint8Array[] = [
  ...[...TORSION, ...NOT_CANONICAL, ...NOT_ON_CURVE].map(hexToBytes),
  ...TORSION.slice(1).map((torsion) =>
    Point.fromBytes(POINT).add(Point.fromHex(torsion)).toBytes(),
  ),
];

const row = (keys: Uint8Array, i: number): Uint8Array => keys.subarray(16 * i, 16 * (i + 1));
const point = (points: Uint8Array, i: number): Uint8Array => points.slice(32 * i, 32 * (i + 1));

describe('base OT [CO15]', () => {
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
    equal(new Set(rows.map(bytesToHex)).size, 256);
  });

  it('sends the points and derives the keys of the paper', async () => {
    const m = 4;
    const choices = packBits([0, 1, 1, 0]);
    const { sent, a, b } = await recorded({
      m,
      choices,
      sender: seededRng('s'),
      receiver: seededRng('r'),
    });
    const [secret] = scalars(seededRng('s')(64));
    const A = Point.BASE.multiply(secret!);
    deepEqual(sent.A, A.toBytes());
    scalars(seededRng('r')(64 * m)).forEach((x, i) => {
      const c = bitAt(choices, i);
      const B = Point.BASE.multiply(x).add(c ? A : Point.ZERO);
      deepEqual(point(sent.B, i), B.toBytes(), `B ${i}`);
      deepEqual(row(a.k0, i), keyOf(i, sent.A, sent.B, B.multiply(secret!)), `k0 ${i}`);
      deepEqual(row(a.k1, i), keyOf(i, sent.A, sent.B, B.subtract(A).multiply(secret!)), `k1 ${i}`);
      deepEqual(row(b, i), keyOf(i, sent.A, sent.B, A.multiply(x)), `chosen ${i}`);
    });
  });

  it('replays a pinned transcript', async () => {
    const { sent, a, b } = await recorded({
      m: 3,
      choices: packBits([1, 0, 1]),
      sender: seededRng('pinned sender'),
      receiver: seededRng('pinned receiver'),
    });
    deepEqual([digest(sent.A), digest(sent.B)], PINNED_MESSAGES);
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
        [32 + FRAMING[0]!, 32 * m + FRAMING[1]!],
      );
    }
  });

  it('sends points of one distribution, whatever the choices', async () => {
    const m = 512;
    const choices = seededRng('choices')(m / 8);
    const { sent } = await recorded({
      m,
      choices,
      sender: seededRng('s'),
      receiver: seededRng('r'),
    });
    const points = Array.from({ length: m }, (_, i) => point(sent.B, i));
    const of = (c: number) => points.filter((_, i) => bitAt(choices, i) === c);
    const n = Math.min(of(0).length, of(1).length);
    const [zeros, ones] = [of(0).slice(0, n), of(1).slice(0, n)];
    const statistic = twoSampleChiSquare(concatBytes(...zeros), concatBytes(...ones));
    ok(statistic < LIMIT, `chi-square ${statistic.toFixed(0)}`);
    group.checkPoints(concatBytes(...zeros.slice(0, 20), ...ones.slice(0, 20)));
  });

  it('leaves a receiver the key of its logarithm alone', async () => {
    const [honest, evil] = memoryChannelPair();
    const run = baseOtSender(honest, 3, seededRng('s'));
    const { a: A } = await evil.receive(BaseOtSetup);
    // 7G and twice A + 7G: the same point in two transfers gives keys of their own
    const other = Point.fromBytes(A).add(Point.BASE.multiply(7n)).toBytes();
    const B = concatBytes(Point.BASE.multiply(7n).toBytes(), other, other);
    await evil.send(BaseOtChoices, { b: B });
    const { k0, k1 } = await run;
    const known = Point.fromBytes(A).multiply(7n);
    deepEqual(row(k0, 0), keyOf(0, A, B, known));
    deepEqual([row(k1, 1), row(k1, 2)], [keyOf(1, A, B, known), keyOf(2, A, B, known)]);
    const [a] = scalars(seededRng('s')(64));
    const square = Point.BASE.multiply(a!).multiply(a!); // what it would need besides: a^2 G
    deepEqual(row(k1, 0), keyOf(0, A, B, known.subtract(square)));
    deepEqual(row(k0, 1), keyOf(1, A, B, known.add(square)));
  });

  it('draws a fresh scalar for every transfer, and another one for zero', async () => {
    const drawn: number[] = [];
    const zeroFirst: Rng = (length) => {
      drawn.push(length);
      return seededRng(`${drawn.length}`)(length).fill(0, 0, drawn.length === 1 ? 64 : 0);
    };
    const m = 8;
    const { sent, a, b } = await recorded({
      m,
      choices: Uint8Array.of(0),
      sender: seededRng('s'),
      receiver: zeroFirst,
    });
    deepEqual(drawn, [64 * m, 64]);
    equal(new Set(Array.from({ length: m }, (_, i) => bytesToHex(point(sent.B, i)))).size, m);
    deepEqual(a.k0, b);
  });

  it('refuses every invalid point and wrong lengths from the sender', async () => {
    const base = hexToBytes(BASE);
    const lengths = [base.subarray(1), new Uint8Array(0), concatBytes(base, base)];
    for (const a of [...INVALID, ...lengths]) {
      const [evil, honest] = memoryChannelPair();
      await evil.send(BaseOtSetup, { a });
      const run = baseOtReceiver(honest, Uint8Array.of(1), 1, seededRng('r'));
      await rejects(run, { code: 'MALFORMED_MESSAGE' }, bytesToHex(a));
      equal(honest.stats.messagesSent, 0, 'nothing is sent before the check');
    }
  });

  it('refuses every invalid point and wrong lengths from the receiver', async () => {
    const bad = INVALID.flatMap((p) => [concatBytes(p, POINT), concatBytes(POINT, p)]);
    const fine = concatBytes(POINT, POINT);
    for (const b of [...bad, POINT, fine.subarray(1), new Uint8Array(0), new Uint8Array(96)]) {
      const [honest, evil] = memoryChannelPair();
      await evil.send(BaseOtChoices, { b });
      const run = baseOtSender(honest, 2, seededRng('s'));
      await rejects(run, { code: 'MALFORMED_MESSAGE' }, bytesToHex(b));
    }
  });

  it('refuses a message out of turn', async () => {
    const [honest, evil] = memoryChannelPair();
    await evil.send(BaseOtSetup, { a: POINT });
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
  const sent = { A: new Uint8Array(0), B: new Uint8Array(0) };
  const { a, b } = await runTwoParty(
    (ch) => baseOtSender(ch, m, sender),
    (ch) => baseOtReceiver(ch, choices, m, receiver),
    {
      tapFirst: (_label, _type, bytes) => {
        sent.A = BaseOtSetup.decode(bytes).a.slice();
      },
      tapSecond: (_label, _type, bytes) => {
        sent.B = BaseOtChoices.decode(bytes).b.slice();
      },
    },
  );
  return { sent, a, b };
}

/** The key hash by its definition. */
function keyOf(i: number, A: Uint8Array, B: Uint8Array, shared: { toBytes(): Uint8Array }) {
  const tweak = Uint8Array.of(0, 0, 0, i);
  const domain = Buffer.from('entente/base-ot/v3');
  const input = concatBytes(domain, tweak, A, point(B, i), shared.toBytes());
  return new Uint8Array(createHash('sha256').update(input).digest().subarray(0, 16));
}

/** Rows of 64 bytes as integers mod l. */
function scalars(wide: Uint8Array): bigint[] {
  return Array.from({ length: wide.length / 64 }, (_, i) => {
    const bytes = wide.slice(64 * i, 64 * (i + 1)).reverse();
    return BigInt(`0x${bytesToHex(bytes)}`) % Point.Fn.ORDER;
  });
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

const PINNED_MESSAGES = ['6b0ae62a894cc165', '87be32546c631866'];
const PINNED_KEYS = ['ce66b71b9c53d06d', '40b315b9b8352e0a', '87ab8986bf0f8a52'];
