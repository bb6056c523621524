import { deepEqual, equal, ok } from 'node:assert/strict';
import { EcdhPsiPoints } from '../../../proto/gen/psi.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import {
  BATCH_POINTS,
  receiveAndMask,
  receivePrefixes,
  returnMasked,
  sendMasked,
  sendPrefixes,
} from '../../../src/protocols/psi/masked-streams.ts';
import { MaskingKey } from '../../../src/protocols/psi/masking-key.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { toyCurveEngine } from '../../support/toy-curve-engine.ts';

const SIZES = [0, 1, BATCH_POINTS - 1, BATCH_POINTS, BATCH_POINTS + 1, 3 * BATCH_POINTS + 7];
const engine = toyCurveEngine();
const newKey = (seed: string): MaskingKey => new MaskingKey(engine, seededRng(seed)(32));

describe('masked streams', () => {
  it('mask twice in either order, batch by batch, in order', async () => {
    for (const n of SIZES) {
      const items = seededRng(n)(16 * n);
      const [a, b] = [newKey('a'), newKey('b')];
      const [alice, bob] = memoryChannelPair();
      const l = 7;
      const [, abY, , prefixes] = await Promise.all([
        sendMasked(bob.fork('y'), b, items),
        receiveAndMask(alice.fork('y'), a, n),
        sendMasked(alice.fork('x'), a, items),
        receivePrefixes(alice.fork('back'), n, l),
        returnMasked(bob.fork('x'), bob.fork('back'), b, n, l),
      ]);
      equal(abY.length, 32 * n);
      const expected = Uint8Array.from({ length: n * l }, (_, k) => {
        return abY[32 * Math.floor(k / l) + (k % l)]!;
      });
      deepEqual(prefixes, expected, `${n} items`);
      equal(bob.stats.messagesSent, 2 * Math.ceil(n / BATCH_POINTS), `${n} items`);
    }
  });

  it('return a list in any order, cut to prefixes', async () => {
    for (const n of SIZES) {
      const points = seededRng(n)(32 * n);
      const order = Uint32Array.from({ length: n }, (_, i) => n - 1 - i);
      const [alice, bob] = memoryChannelPair();
      const [, prefixes] = await Promise.all([
        sendPrefixes(bob, points, order, 5),
        receivePrefixes(alice, n, 5),
      ]);
      const expected = Uint8Array.from({ length: n * 5 }, (_, k) => {
        return points[32 * (n - 1 - Math.floor(k / 5)) + (k % 5)]!;
      });
      deepEqual(prefixes, expected, `${n} points`);
      equal(bob.stats.messagesSent, Math.ceil(n / BATCH_POINTS), `${n} points`);
    }
  });

  it('keep parallelism + 1 batches with the engine, and no more', async () => {
    let [underWay, most] = [0, 0];
    const slow = {
      ...engine,
      parallelism: 3,
      hashToCurveAndMultiply: async (digests: Uint8Array): Promise<Uint8Array> => {
        most = Math.max(most, ++underWay);
        await new Promise(setImmediate);
        underWay -= 1;
        return new Uint8Array(2 * digests.length);
      },
    };
    const [ch] = memoryChannelPair();
    const key = new MaskingKey(slow, new Uint8Array(32));
    await sendMasked(ch, key, new Uint8Array(16 * 20 * BATCH_POINTS));
    equal(most, 4);
  });

  it('send what is masked before the whole list is', async () => {
    const order: string[] = [];
    const [ch, peer] = memoryChannelPair({ tapFirst: () => order.push('sent') });
    const watched = toyCurveEngine(() => order.push('masked'));
    const key = new MaskingKey(watched, new Uint8Array(32).fill(1));
    const n = 10 * BATCH_POINTS;
    await sendMasked(ch, key, new Uint8Array(16 * n));
    ok(order.indexOf('sent') < 5 && order.lastIndexOf('masked') > 12, order.join());
    for (let i = 0; i < 10; i++) equal((await peer.receive(EcdhPsiPoints)).points.length, 65536);
  });
});
