import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { ExtensionColumns, ExtensionHash, MaskedMessages } from '../../../proto/gen/ot.ts';
import { VoleNoise, VoleTrees } from '../../../proto/gen/vole.ts';
import type { MessageType } from '../../../src/protocols/channel.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { voleParameters } from '../../../src/protocols/vole/parameters.ts';
import {
  frugalSilentVole,
  SilentVoleReceiver,
  SilentVoleSender,
} from '../../../src/protocols/vole/silent-vole.ts';
import type { VoleReceiver, VoleSender } from '../../../src/protocols/vole/vole.ts';
import { looksBiased, looksUniform } from '../../support/chi-square.ts';
import { rank } from '../../support/rank.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { tamper } from '../../support/tamper.ts';
import { transcript } from '../../support/transcript.ts';
import { runTwoParty } from '../../support/two-party.ts';
import { LIMIT, twoSampleChiSquare } from '../../support/views.ts';
import { dealtBaseOts, type VolePair, volePair } from '../../support/vole-pair.ts';

/** The element 1. */
const ONE = Uint8Array.of(1, ...new Uint8Array(15));
const MALFORMED = { code: 'MALFORMED_MESSAGE' };

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);
const shorter = (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1);
const longer = (bytes: Uint8Array) => Uint8Array.of(...bytes, 0);

async function extendReceiver(receiver: VoleReceiver, k: number) {
  const { a, c } = await receiver.extend(k);
  return { a, c: await c() };
}

/** A whole call of either end. */
async function extend(end: VoleReceiver | VoleSender, k: number): Promise<void> {
  const vectors = await end.extend(k);
  if (!(vectors instanceof Uint8Array)) await vectors.c();
}

async function extended({ receiver, sender }: VolePair, k: number) {
  const [{ a, c }, b] = await Promise.all([extendReceiver(receiver, k), sender.extend(k)]);
  return { a, b, c };
}

describe('silent VOLE [BCGI18]', () => {
  let pair: VolePair;
  before(async () => {
    pair = await volePair('silent');
  });

  it('gives C = B + Delta A, call after call, of any length', async () => {
    for (const k of [1, 3, 4095, 4096, 4097, 6789, 10_000, 21_846, 1]) {
      const { a, b, c } = await extended(pair, k);
      deepEqual([a.length, b.length, c.length], [16 * k, 16 * k, 16 * k], `lengths for ${k}`);
      notDeepEqual(b, c, `k = ${k}`);
      pair.sender.multiplyAdd(b, a);
      equal(Buffer.compare(b, c), 0, `k = ${k}`);
      for (const x of [a, b, c]) ok(x.buffer instanceof ArrayBuffer, 'arrays of their own');
    }
  });

  it('lets receivers of one party share the memory of a kernel, whatever turns they take', async () => {
    /** Bytes that the kernels of n receivers take. */
    async function extendAll(n: number): Promise<number> {
      let reserved = 0;
      const budget = {
        reserve: (bytes: number) => {
          reserved += bytes;
        },
      };
      const source = frugalSilentVole();
      const pairs = await Promise.all(
        Array.from({ length: n }, (_, i) =>
          runTwoParty(
            (ch) => source.receiver(ch, seededRng(`${i} R`), { budget }),
            (ch) => source.sender(ch, seededRng(`${i} S`)),
          ),
        ),
      );
      for (const k of [5000, 9000, 4000]) {
        const extending = pairs.map(async ({ a: receiver, b: sender }, i) => {
          const [{ a, c }, b] = await Promise.all([extendReceiver(receiver, k), sender.extend(k)]);
          sender.multiplyAdd(b, a);
          equal(Buffer.compare(b, c), 0, `pair ${i}, k = ${k}`);
        });
        await Promise.all(extending);
      }
      return reserved;
    }
    const alone = await extendAll(1);
    ok(alone > 0);
    equal(await extendAll(3), alone);
  });

  it('gives vectors that look random, of full rank, and other ones in every call', async () => {
    const k = 20_000;
    const [first, second] = [await extended(pair, k), await extended(pair, k)];
    for (const [name, x] of Object.entries(first)) looksUniform(x, name);
    looksUniform(
      first.a.map((byte, i) => byte ^ second.a[i]!),
      'sum of A of two calls',
    );
    looksUniform(
      first.a.subarray(16).map((byte, i) => byte ^ first.a[i]!),
      'sums of neighbours in A',
    );
    const rows = Array.from({ length: 192 }, (_, i) => {
      const at = 16 * ((i * 97) % k);
      return first.a.subarray(at, at + 16);
    });
    equal(rank(rows), 128);
    const bits = new Float64Array(128);
    for (let i = 0; i < k; i++) {
      for (let j = 0; j < 128; j++) bits[j]! += (first.a[16 * i + (j >> 3)]! >> (j & 7)) & 1;
    }
    bits.forEach((count, j) => {
      ok(Math.abs(count - k / 2) < 6 * Math.sqrt(k / 4), `bit ${j}: ${count} of ${k}`);
    });
  });

  it('sets up on base OTs of its own, with a Delta of its own', async () => {
    const {
      a: receiver,
      b: sender,
      chA,
      chB,
    } = await runTwoParty(
      (ch) => SilentVoleReceiver.setup(ch, seededRng('own r')),
      (ch) => SilentVoleSender.setup(ch, seededRng('own s')),
    );
    const framed = (n: number) => n + (n < 128 ? 2 : 3);
    deepEqual([chA.stats.bytesSent, chA.stats.messagesSent, chA.stats.rounds], [framed(32), 1, 1]);
    deepEqual([chB.stats.bytesSent, chB.stats.messagesSent], [framed(32 * 128) + framed(16), 2]);
    for (const k of [10, 5000]) {
      const [{ a, c }, b] = await Promise.all([extendReceiver(receiver, k), sender.extend(k)]);
      sender.multiplyAdd(b, a);
      equal(Buffer.compare(b, c), 0, `k = ${k}`);
    }
    const delta = new Uint8Array(16);
    sender.multiplyAdd(delta, ONE);
    deepEqual(delta, seededRng('own s')(16));
    await rejects(SilentVoleReceiver.setup(chA, seededRng('again')), RangeError, 'one a channel');
  });

  it('costs what its header says', async () => {
    const framed = (...fields: number[]) =>
      fields.reduce(
        (sum, n) => sum + n + 1 + (n < 128 ? 1 : n < 16_384 ? 2 : n < 2 ** 21 ? 3 : 4),
        0,
      );
    const fresh = await volePair('cost');
    const [r, s] = [fresh.chReceiver.stats, fresh.chSender.stats];
    for (const k of [4096, 9000]) {
      const { t, d } = voleParameters(k);
      const before = [{ ...r }, { ...s }] as const;
      await extended(fresh, k);
      deepEqual(
        [r.bytesSent - before[0].bytesSent, s.bytesSent - before[1].bytesSent],
        [
          framed(16, 128 * 16 * t) + framed((128 * t * d) / 8),
          framed(16 * t * d, 16 * t * d) + framed(16, 16 * t),
        ],
        `${k} elements`,
      );
      deepEqual(
        [r.messagesSent - before[0].messagesSent, s.messagesSent - before[1].messagesSent],
        [2, 2],
      );
      deepEqual(
        [r.rounds, s.rounds].map((n, i) => n - before[i]!.rounds),
        [2, 2],
        'of two forks',
      );
    }
  });

  it('replays a pinned transcript', async () => {
    const { frames, taps } = transcript();
    const pinned = await volePair('pinned', taps);
    const { a, b, c } = await extended(pinned, 4100);
    await extended(pinned, 1);
    deepEqual(
      frames.map(({ from, label, type, bytes }) => `${from} ${label} ${type} ${digest(bytes)}`),
      PINNED_MESSAGES,
    );
    deepEqual([a, b, c].map(digest), PINNED_VECTORS);
  });

  it('shows the receiver the same whatever Delta', async () => {
    const [zeros, ones] = await Promise.all(
      [0x00, 0xff].map((byte) =>
        sent(1, `view of ${byte}`, { delta: new Uint8Array(16).fill(byte) }),
      ),
    );
    compare(zeros!, ones!);
    looksBiased(new Uint8Array(4096).fill(0xff), 'the control');
  });

  it('shows the sender messages that look uniform, unrelated in two calls', async () => {
    const both = await sent(0, 'two calls', {});
    const half = (which: 0 | 1) =>
      new Map(
        [...both].map(([name, x]) => [
          name,
          x.subarray((which * x.length) / 2, ((which + 1) * x.length) / 2),
        ]),
      );
    compare(half(0), half(1));
  });

  /** What one end sends in two calls, field by field, as bytes that should be uniform. */
  async function sent(
    from: 0 | 1,
    seed: string,
    options: { delta?: Uint8Array },
  ): Promise<Map<string, Uint8Array>> {
    const { frames, taps } = transcript();
    const run = await volePair(seed, { ...taps, ...options });
    await extended(run, 4096);
    await extended(run, 4096);
    const fields = new Map<string, Uint8Array>();
    const take = <M>(type: MessageType<M>, names: readonly (keyof M & string)[]) => {
      const messages = frames
        .filter((frame) => frame.from === from && frame.type === type.$type)
        .map(({ bytes }) => type.decode(bytes));
      if (messages.length === 0) return;
      for (const name of names) {
        const all = messages.map((message) => message[name] as Uint8Array);
        fields.set(`${type.$type}.${name}`, new Uint8Array(Buffer.concat(all)));
      }
    };
    take(VoleNoise, ['u']);
    take(ExtensionColumns, ['u']);
    take(MaskedMessages, ['y0', 'y1']);
    take(VoleTrees, ['sigma']);
    return fields;
  }

  /** Each view uniform, and each two of one distribution. */
  function compare(
    first: ReadonlyMap<string, Uint8Array>,
    second: ReadonlyMap<string, Uint8Array>,
  ): void {
    deepEqual([...first.keys()], [...second.keys()]);
    ok(first.size >= 2);
    for (const [name, bytes] of first) {
      const other = second.get(name)!;
      looksUniform(bytes, name);
      looksUniform(other, name);
      ok(twoSampleChiSquare(bytes, other) < LIMIT, `${name} differs`);
      looksUniform(
        bytes.map((byte, i) => byte ^ other[i]!),
        `sums of ${name}`,
      );
    }
  }

  it('multiplies by one Delta, which it neither sends nor shows', async () => {
    const { frames, taps } = transcript();
    const run = await volePair('secret', taps);
    const { b } = await extended(run, 100);
    ok(run.delta.some((byte) => byte !== 0));
    const needle = Buffer.from(run.delta);
    ok(!frames.some(({ bytes }) => Buffer.from(bytes).includes(needle)), 'Delta is on the wire');
    ok(
      !frames.some(({ bytes }) => Buffer.from(bytes).includes(Buffer.from(b.subarray(0, 16)))),
      'B is',
    );
    for (const secret of [run.sender, run.receiver]) {
      equal(JSON.stringify(secret), '{}');
      ok(!/Uint8Array|Buffer|\[\d/.test(inspect(secret, { depth: 9, showHidden: true })));
    }
  });

  it('pays for its memory, and for no more in a call of the same length', async () => {
    let reserved = 0;
    const budget = {
      reserve: (bytes: number) => {
        reserved += bytes;
      },
    };
    const k = 120_000;
    const { n } = voleParameters(k);
    const most = 16 * n;
    for (const role of ['sender', 'receiver'] as const) {
      reserved = 0;
      const { receiver, sender } = await volePair('memory', { [`${role}Options`]: { budget } });
      await Promise.all([extendReceiver(receiver, k), sender.extend(k)]);
      const once = reserved;
      ok(once >= most && once <= most + (5 << 20), `${role}: ${once} for ${most}`);
      await Promise.all([extendReceiver(receiver, k), sender.extend(k)]);
      equal(reserved, once, role);
    }
  });

  it('refuses a second call while one is pending, and counts out of range before it sends', async () => {
    const { receiver, sender } = pair;
    const { messagesSent } = pair.chReceiver.stats;
    for (const k of [0, -1, 1.5, 2 ** 23]) {
      await rejects(receiver.extend(k), RangeError);
      await rejects(sender.extend(k), RangeError);
    }
    equal(pair.chReceiver.stats.messagesSent, messagesSent);
    const first = receiver.extend(5);
    await rejects(receiver.extend(5), TypeError);
    const [{ a, c }, b] = await Promise.all([first, sender.extend(5)]);
    await rejects(receiver.extend(5), /ask for C/);
    sender.multiplyAdd(b, a);
    deepEqual(b, await c());
    await extended(pair, 5);
  });

  describe('malformed messages', () => {
    /** Runs a call in which one end's message of a type is edited; the other end has to refuse it. */
    async function refuses<M>(
      cheat: 'receiver' | 'sender',
      type: MessageType<M>,
      edit: (message: M) => M,
    ): Promise<void> {
      const wrap = (ch: Parameters<typeof tamper>[0]) => tamper(ch, type, edit);
      const run = await volePair(
        'cheat',
        cheat === 'receiver' ? { wrapReceiver: wrap } : { wrapSender: wrap },
      );
      const honest = cheat === 'receiver' ? run.sender : run.receiver;
      const cheating = cheat === 'receiver' ? run.receiver : run.sender;
      const lost = extend(cheating, 10).catch(() => undefined); // may wait for ever
      await rejects(extend(honest, 10), MALFORMED, `${type.$type} of the ${cheat}`);
      await rejects(extend(honest, 10), TypeError, 'after a failure');
      void lost;
    }

    it('refuses noise of the wrong length', async () => {
      for (const change of [shorter, longer]) {
        await refuses('receiver', VoleNoise, (m) => ({ ...m, seed: change(m.seed) }));
      }
      await refuses('receiver', VoleNoise, (m) => ({ ...m, u: shorter(m.u) }));
      await refuses('receiver', VoleNoise, (m) => ({ ...m, u: new Uint8Array(0) }));
    });

    it('refuses columns of the wrong length', async () => {
      await refuses('receiver', ExtensionColumns, ({ u }) => ({ u: longer(u) }));
    });

    it('refuses level sums and trees of the wrong length', async () => {
      await refuses('sender', MaskedMessages, (m) => ({ ...m, y1: shorter(m.y1) }));
      for (const change of [shorter, longer]) {
        await refuses('sender', VoleTrees, (m) => ({ ...m, key: change(m.key) }));
        await refuses('sender', VoleTrees, (m) => ({ ...m, sigma: change(m.sigma) }));
      }
    });

    it('refuses a message out of turn', async () => {
      const [honest, evil] = memoryChannelPair();
      const { chosen, ...keys } = dealtBaseOts('turn', new Uint8Array(16));
      const ot = evil.fork('vole').fork('ot');
      await ot.send(ExtensionHash, { key: new Uint8Array(16) });
      const receiver = await SilentVoleReceiver.over(honest, keys, seededRng('honest'));
      await ot.send(ExtensionHash, { key: new Uint8Array(16) });
      await rejects(extend(receiver, 1), { code: 'UNEXPECTED_MESSAGE' });
      equal(chosen.length, 16 * 128);
    });

    it('ends with the channel', async () => {
      const controller = new AbortController();
      const { receiver, sender } = await volePair('closing', { signal: controller.signal });
      const runs = [receiver, sender].map((end) => rejects(extend(end, 1), { code: 'CLOSED' }));
      controller.abort();
      await Promise.all(runs);
    });

    it('refuses what its budget refuses', async () => {
      const budget = {
        reserve: (bytes: number) => {
          if (bytes > 1 << 20) throw new RangeError('too much');
        },
      };
      const run = await volePair('poor', { senderOptions: { budget } });
      await rejects(run.sender.extend(1 << 18), RangeError);
    });
  });
});

const PINNED_MESSAGES = [
  '1 /vole/ot entente.ot.v1.ExtensionHash 50e1d28f0c2e4304',
  '0 /vole entente.vole.v1.VoleNoise 6d909e3fc002e5ce',
  '0 /vole/ot entente.ot.v1.ExtensionColumns 4c75c002493dd1b2',
  '1 /vole/ot entente.ot.v1.MaskedMessages 280d591d58b29c39',
  '1 /vole entente.vole.v1.VoleTrees beee338fe2e3df84',
  '0 /vole entente.vole.v1.VoleNoise aad6763d9ed7aeb8',
  '0 /vole/ot entente.ot.v1.ExtensionColumns b532eae80e5771ec',
  '1 /vole/ot entente.ot.v1.MaskedMessages f2949b891068a5e3',
  '1 /vole entente.vole.v1.VoleTrees 982f436e3d8af0ab',
];
const PINNED_VECTORS = ['d284b9b41a326de6', 'c5ca474890f18589', '93e3c7862e235ad5'];
