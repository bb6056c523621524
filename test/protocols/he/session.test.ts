import { deepEqual, equal, notDeepEqual, rejects, throws } from 'node:assert/strict';
import { inspect } from 'node:util';
import { HeCiphertext, HePublicKey } from '../../../proto/gen/he.ts';
import { packedBytes } from '../../../src/kernels/rlwe-kernel.ts';
import { CIPHERTEXT_BYTES } from '../../../src/protocols/he/parameters.ts';
import { HeSession } from '../../../src/protocols/he/session.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { hePair, heKernel as kernel } from '../../support/he-pair.ts';
import { phaseOf } from '../../support/he-phase.ts';
import { seededRng } from '../../support/seeded-rng.ts';

describe('homomorphic session', () => {
  it('gives each party the public key of the other', async () => {
    const { alice, bob } = await hePair();
    const zero = (own: HeSession, other: HeSession): bigint[] => {
      const { b, a } = other.peerKey;
      return phaseOf({ c0: b, c1: a }, own.secretKey);
    };
    const q = 2n ** 107n;
    const small = (x: bigint): boolean => x < 64n || x > q; // an error, centred
    equal(zero(alice, bob).every(small), true, 'b + a s is an error');
    equal(zero(bob, alice).every(small), true);
    equal(zero(alice, alice).every(small), false, 'keys differ');
    notDeepEqual(alice.secretKey, bob.secretKey);
  });

  it('costs what its header says', async () => {
    const [chA, chB] = memoryChannelPair();
    await Promise.all([
      HeSession.setup(chA, kernel, seededRng(1)),
      HeSession.setup(chB, kernel, seededRng(2)),
    ]);
    deepEqual(chA.stats, {
      messagesSent: 1,
      bytesSent: CIPHERTEXT_BYTES + 6,
      messagesReceived: 1,
      bytesReceived: CIPHERTEXT_BYTES + 6,
      rounds: 1,
    });
  });

  it('prints no key', async () => {
    const { alice } = await hePair();
    equal(inspect(alice), 'HeSession [secret]');
    equal(JSON.stringify({ alice }), '{"alice":"[secret]"}');
  });

  it('erases its keys', async () => {
    const { alice } = await hePair();
    alice.close();
    equal(
      alice.secretKey.every((r) => r === 0),
      true,
    );
    throws(() => kernel.forward(alice.secretKey), TypeError);
  });

  it('closes again without touching memory that is lent to others by then', async () => {
    const { alice } = await hePair();
    alice.close();
    const others = [kernel.allocate(), kernel.allocate(), kernel.allocate()];
    for (const x of others) x.fill(7);
    alice.close();
    equal(
      others.every((x) => x.every((r) => r === 7)),
      true,
    );
    for (const x of others) kernel.release(x);
  });

  it('rejects malformed keys by code', async () => {
    const seed = new Uint8Array(16);
    const b = new Uint8Array(packedBytes(4));
    for (const [name, key] of [
      ['short seed', { seed: seed.subarray(1), b }],
      ['short', { seed, b: b.subarray(1) }],
      ['long', { seed, b: new Uint8Array(b.length + 1) }],
      ['out of range', { seed, b: b.slice().fill(255, 0, 8) }],
    ] as const) {
      const [chA, chB] = memoryChannelPair();
      await chB.send(HePublicKey, key);
      const run = HeSession.setup(chA, kernel, seededRng(1));
      await rejects(run, { code: 'MALFORMED_MESSAGE' }, name);
    }
    const [chA, chB] = memoryChannelPair();
    await chB.send(HeCiphertext, { seed, c0: b });
    await rejects(HeSession.setup(chA, kernel, seededRng(1)), { code: 'UNEXPECTED_MESSAGE' });
  });
});
