import { deepEqual, equal, notDeepEqual, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ristretto255 } from '@noble/curves/ed25519.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { BaseOtChoices, BaseOtSetup } from '../../../proto/gen/ot.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { baseOtReceiver, baseOtSender } from '../../../src/protocols/ot/base-ot.ts';
import { packBits } from '../../../src/protocols/primitives/bits.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { runTwoParty } from '../../support/two-party.ts';
import { INVALID, MULTIPLES } from '../../vectors/rfc9496.ts';

const IDENTITY = new Uint8Array(32);
const POINT = hexToBytes(MULTIPLES[2]!);
const row = (keys: Uint8Array, i: number) => keys.subarray(16 * i, 16 * (i + 1));

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
      { numRuns: 8 },
    );
  });

  it('derives different keys for every transfer', async () => {
    const { a } = await runTwoParty(
      (ch) => baseOtSender(ch, 4, seededRng('s')),
      (ch) => baseOtReceiver(ch, packBits([0, 0, 1, 1]), 4, seededRng('r')),
    );
    const rows = [0, 1, 2, 3].flatMap((i) => [bytesToHex(row(a.k0, i)), bytesToHex(row(a.k1, i))]);
    equal(new Set(rows).size, 8);
  });

  it('works in the group of RFC 9496', () => {
    const { Point } = ristretto255;
    MULTIPLES.forEach((encoding, k) => {
      const point = k === 0 ? Point.ZERO : Point.BASE.multiply(BigInt(k));
      equal(bytesToHex(point.toBytes()), encoding, `${k} G`);
    });
  });

  it('replays a pinned transcript', async () => {
    const sent: string[] = [];
    const { a, b } = await runTwoParty(
      (ch) => baseOtSender(ch, 3, seededRng('pinned sender')),
      (ch) => baseOtReceiver(ch, packBits([1, 0, 1]), 3, seededRng('pinned receiver')),
      {
        tapFirst: (_label, type, bytes) => sent.push(`${type} ${digest(bytes)}`),
        tapSecond: (_label, type, bytes) => sent.push(`${type} ${digest(bytes)}`),
      },
    );
    deepEqual(sent, PINNED_MESSAGES);
    deepEqual([digest(a.k0), digest(a.k1), digest(b)], PINNED_KEYS);
  });

  it('costs what its header says', async () => {
    const m = 16;
    const { chA, chB } = await runTwoParty(
      (ch) => baseOtSender(ch, m, seededRng('s')),
      (ch) => baseOtReceiver(ch, new Uint8Array(2), m, seededRng('r')),
    );
    const FRAMING = [2, 3]; // proto tag and length
    deepEqual([chA.stats.rounds, chB.stats.rounds], [1, 1]);
    deepEqual([chA.stats.messagesSent, chB.stats.messagesSent], [1, 1]);
    deepEqual([chA.stats.bytesSent, chB.stats.bytesSent], [32 + FRAMING[0]!, 32 * m + FRAMING[1]!]);
  });

  it('refuses every invalid encoding, the identity and wrong lengths from the sender', async () => {
    for (const a of [...INVALID.map(hexToBytes), IDENTITY, POINT.subarray(1), new Uint8Array(33)]) {
      const [evil, honest] = memoryChannelPair();
      await evil.send(BaseOtSetup, { a });
      const run = baseOtReceiver(honest, Uint8Array.of(1), 1, seededRng('r'));
      await rejects(run, { code: 'MALFORMED_MESSAGE' }, bytesToHex(a));
      equal(honest.stats.messagesSent, 0, 'nothing is sent before the check');
    }
  });

  it('refuses every invalid encoding, the identity and wrong lengths from the receiver', async () => {
    const two = (last: Uint8Array) => Uint8Array.of(...POINT, ...last);
    const bad = [...INVALID.map(hexToBytes), IDENTITY].map(two);
    for (const b of [...bad, POINT, two(POINT.subarray(1)), new Uint8Array(0)]) {
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

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

const PINNED_MESSAGES = [
  'entente.ot.v1.BaseOtSetup e93d380f4637c08c',
  'entente.ot.v1.BaseOtChoices 362255bae83ebd4e',
];
const PINNED_KEYS = ['f10fb7c486a78796', 'f775add03ae9a344', '414697721f14b84d'];
