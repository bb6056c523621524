import { deepEqual, equal, notDeepEqual, ok, rejects } from 'node:assert/strict';
import { inspect } from 'node:util';
import {
  CorrelatedMasks,
  ExtensionColumns,
  ExtensionHash,
  MaskedMessages,
} from '../../../proto/gen/ot.ts';
import { loadWasmBitsKernel } from '../../../src/kernels/bits-kernel.wasm.ts';
import type { Channel, MessageType } from '../../../src/protocols/channel.ts';
import { memoryChannelPair } from '../../../src/protocols/memory-channel.ts';
import { ReceiverRows } from '../../../src/protocols/ot/iknp.ts';
import {
  CHUNK_OTS,
  chosenChunk,
  OtReceiver,
  OtSender,
} from '../../../src/protocols/ot/ot-extension.ts';
import { bitAt } from '../../../src/protocols/primitives/bits.ts';
import { FixedKeyHash } from '../../../src/protocols/primitives/hash.ts';
import type { Rng } from '../../../src/protocols/primitives/rng.ts';
import { looksBiased, looksUniform } from '../../support/chi-square.ts';
import { type OtPair, otPair } from '../../support/ot-pair.ts';
import { randomWords, seededRng } from '../../support/seeded-rng.ts';
import { tamper } from '../../support/tamper.ts';
import { dealtBaseOts } from '../../support/vole-pair.ts';

const SIZES = [0, 1, 7, 8, 127, 128, 129, CHUNK_OTS, CHUNK_OTS + 1, 100_000];

const row = (rows: Uint8Array, i: number, l = 16) => rows.subarray(l * i, l * (i + 1));
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

describe('OT extension [IKNP03]', () => {
  let pair: OtPair;
  const sent: { type: string; bytes: Uint8Array }[] = [];
  before(async () => {
    const record = (_label: string, type: string, bytes: Uint8Array) => {
      if (bytes.length < 200_000) sent.push({ type, bytes: bytes.slice() });
    };
    pair = await otPair('extension', { tapFirst: record, tapSecond: record });
  });

  it('random: the receiver gets the chosen one of two different keys', async () => {
    for (const m of SIZES) {
      const choices = seededRng(`random ${m}`)(Math.ceil(m / 8));
      const [pairs, keys] = await Promise.all([
        pair.sender.random(m),
        pair.receiver.random(choices, m),
      ]);
      deepEqual([pairs.k0.length, pairs.k1.length, keys.length], [16 * m, 16 * m, 16 * m]);
      for (let i = 0; i < m; i++) {
        const [chosen, other] = bitAt(choices, i) ? [pairs.k1, pairs.k0] : [pairs.k0, pairs.k1];
        ok(same(row(keys, i), row(chosen, i)), `key ${i} of ${m}`);
        ok(!same(row(keys, i), row(other, i)), `other key ${i} of ${m}`);
      }
    }
  });

  it('streams: keys of several blocks, a chunk at a time', async () => {
    const [size, blocks] = [64, 3];
    for (const m of [0, 1, 63, 64, 65, 200]) {
      const shape = { m, size, blocks };
      const choices = seededRng(`stream ${m}`)(Math.ceil(m / 8));
      const pairs: { k0: Uint8Array; k1: Uint8Array }[] = [];
      const chosen: Uint8Array[] = [];
      await Promise.all([
        pair.sender.stream(shape, async (keys, from, n) => {
          deepEqual([from, keys.k0.length, keys.k1.length], [64 * pairs.length, 48 * n, 48 * n]);
          pairs.push(keys);
        }),
        pair.receiver.stream(
          shape,
          (from, n) => choices.subarray(from / 8, Math.ceil((from + n) / 8)),
          async (keys) => void chosen.push(keys),
        ),
      ]);
      const [k0, k1] = [pairs.map((each) => each.k0), pairs.map((each) => each.k1)];
      const keys = { k0: Buffer.concat(k0), k1: Buffer.concat(k1), own: Buffer.concat(chosen) };
      equal(keys.own.length, 48 * m);
      for (let i = 0; i < m; i++) {
        const [own, other] = bitAt(choices, i) ? [keys.k1, keys.k0] : [keys.k0, keys.k1];
        ok(same(row(keys.own, i, 48), row(own, i, 48)), `key ${i} of ${m}`);
        for (let b = 0; b < blocks; b++) {
          const block = (of: Uint8Array) => row(of, blocks * i + b);
          ok(!same(block(keys.own), block(other)), `other key ${i} of ${m}`);
          ok(b === 0 || !same(block(own), row(own, blocks * i)), `blocks of key ${i} of ${m}`);
        }
      }
    }
  });

  it('streams: refuses sizes that both sides could not cut alike', async () => {
    for (const shape of [
      { m: -1, size: 8, blocks: 1 },
      { m: 8, size: 12, blocks: 1 },
      { m: 8, size: 0, blocks: 1 },
      { m: 8, size: 8, blocks: 0 },
      { m: 8, size: 8, blocks: 1.5 },
    ]) {
      await rejects(
        pair.sender.stream(shape, async () => undefined),
        RangeError,
      );
      await rejects(
        pair.receiver.stream(
          shape,
          () => new Uint8Array(1),
          async () => undefined,
        ),
        RangeError,
      );
    }
  });

  it('correlated: the outputs are shares of choice times delta', async () => {
    for (const m of SIZES) {
      const rng = seededRng(`correlated ${m}`);
      const [choices, delta] = [rng(Math.ceil(m / 8)), randomWords(m, rng)];
      const [s, r] = await Promise.all([
        pair.sender.correlate(delta),
        pair.receiver.correlate(choices, m),
      ]);
      deepEqual([s.length, r.length], [m, m]);
      for (let i = 0; i < m; i++) {
        const product = BigInt.asUintN(64, s[i]! + r[i]!);
        ok(product === (bitAt(choices, i) ? delta[i] : 0n), `product ${i} of ${m}`);
      }
    }
  });

  it('chosen: the receiver gets the chosen message, of any length', async () => {
    for (const [m, l] of [
      [0, 16],
      [1, 1],
      [129, 16],
      [100, 33],
      [1000, 5],
      [70_000, 16],
    ] as const) {
      const rng = seededRng(`chosen ${m}`);
      const [choices, x0, x1] = [rng(Math.ceil(m / 8)), rng(m * l), rng(m * l)];
      const [, x] = await Promise.all([
        pair.sender.transfer(x0, x1, l),
        pair.receiver.choose(choices, m, l),
      ]);
      equal(x.length, m * l);
      for (let i = 0; i < m; i++) {
        const expected = row(bitAt(choices, i) ? x1 : x0, i, l);
        ok(same(row(x, i, l), expected), `message ${i} of ${m}`);
      }
    }
  });

  it('chosen: messages longer than a chunk of pads', async () => {
    const [m, l] = [20, 65_536];
    equal(chosenChunk(l), 16);
    const rng = seededRng('long');
    const [choices, x0, x1] = [rng(3), rng(m * l), rng(m * l)];
    const [, x] = await Promise.all([
      pair.sender.transfer(x0, x1, l),
      pair.receiver.choose(choices, m, l),
    ]);
    for (let i = 0; i < m; i++) {
      ok(same(row(x, i, l), row(bitAt(choices, i) ? x1 : x0, i, l)), `message ${i}`);
    }
  });

  it('keeps at most two chunks under way, however many there are', async () => {
    const [m, l] = [16 * 6, 65_536];
    const order: string[] = [];
    const record = (_label: string, type: string) => order.push(type);
    const { sender, receiver } = await otPair('window', { tapFirst: record, tapSecond: record });
    order.length = 0;
    const x = new Uint8Array(m * l);
    await Promise.all([sender.transfer(x, x, l), receiver.choose(new Uint8Array(m / 8), m, l)]);
    equal(order.length, 12);
    let unanswered = 0;
    for (const type of order) {
      unanswered += type === ExtensionColumns.$type ? 1 : -1;
      ok(unanswered >= 0 && unanswered <= 2, order.join(' '));
    }
  });

  it('costs what its header says', async () => {
    const PROTO = (bytes: number) =>
      1 + (bytes < 128 ? 1 : bytes < 16_384 ? 2 : bytes < 2 ** 21 ? 3 : 4);
    const u = (m: number) => 128 * Math.ceil(m / 8);
    const framed = (...fields: number[]) => fields.reduce((sum, n) => sum + n + PROTO(n), 0);
    const fresh = await otPair('cost');
    const { stats: s } = fresh.chSender;
    const { stats: r } = fresh.chReceiver;
    deepEqual(
      [s.bytesSent, s.messagesSent, s.rounds],
      [framed(32 * 128) + framed(16), 2, 1],
      'setup, sender',
    );
    deepEqual([r.bytesSent, r.messagesSent, r.rounds], [framed(32), 1, 1], 'setup, receiver');

    const m = 1003;
    const bits = new Uint8Array(Math.ceil(m / 8));
    const calls = [
      {
        name: 'random',
        run: () => Promise.all([fresh.sender.random(m), fresh.receiver.random(bits, m)]),
        bytes: [0, framed(u(m))],
        messages: [0, 1],
      },
      {
        name: 'correlated',
        run: () =>
          Promise.all([
            fresh.sender.correlate(new BigUint64Array(m)),
            fresh.receiver.correlate(bits, m),
          ]),
        bytes: [framed(8 * m), framed(u(m))],
        messages: [1, 1],
      },
      {
        name: 'chosen',
        run: () =>
          Promise.all([
            fresh.sender.transfer(new Uint8Array(5 * m), new Uint8Array(5 * m), 5),
            fresh.receiver.choose(bits, m, 5),
          ]),
        bytes: [framed(5 * m, 5 * m), framed(u(m))],
        messages: [1, 1],
      },
      {
        name: 'correlated, two chunks',
        run: () =>
          Promise.all([
            fresh.sender.correlate(new BigUint64Array(CHUNK_OTS + 1)),
            fresh.receiver.correlate(new Uint8Array(CHUNK_OTS / 8 + 1), CHUNK_OTS + 1),
          ]),
        bytes: [framed(8 * CHUNK_OTS) + framed(8), framed(16 * CHUNK_OTS) + framed(128)],
        messages: [2, 2],
      },
    ];
    for (const { name, run, bytes, messages } of calls) {
      const before = [{ ...s }, { ...r }] as const;
      await run();
      deepEqual(
        [s.bytesSent - before[0].bytesSent, r.bytesSent - before[1].bytesSent],
        bytes,
        name,
      );
      const counts = [
        s.messagesSent - before[0].messagesSent,
        r.messagesSent - before[1].messagesSent,
      ];
      deepEqual(counts, messages, name);
    }
  });

  it('masks what it sends: corrections look uniform whatever delta and choices', async () => {
    const m = 4096;
    for (const [delta, choice] of [
      [0n, 0x00],
      [1n, 0xff],
      [2n ** 64n - 1n, 0x0f],
    ] as const) {
      sent.length = 0;
      await Promise.all([
        pair.sender.correlate(new BigUint64Array(m).fill(delta)),
        pair.receiver.correlate(new Uint8Array(m / 8).fill(choice), m),
      ]);
      looksUniform(
        field(CorrelatedMasks, (message) => message.c),
        `c for delta ${delta}`,
      );
      looksUniform(
        field(ExtensionColumns, (message) => message.u),
        `u for choices ${choice}`,
      );
    }
    sent.length = 0;
    const text = new Uint8Array(m * 16).fill(65);
    await Promise.all([
      pair.sender.transfer(text, text, 16),
      pair.receiver.choose(new Uint8Array(m / 8), m, 16),
    ]);
    looksUniform(
      field(MaskedMessages, (message) => message.y0),
      'y0',
    );
    looksUniform(
      field(MaskedMessages, (message) => message.y1),
      'y1',
    );
    looksBiased(text, 'the messages themselves');
  }).timeout(20_000);

  it('uses fresh pads for every call, on equal inputs', async () => {
    const run = async () => {
      sent.length = 0;
      const [s] = await Promise.all([
        pair.sender.correlate(new BigUint64Array(1024).fill(3n)),
        pair.receiver.correlate(new Uint8Array(128), 1024),
      ]);
      return { s, c: field(CorrelatedMasks, (message) => message.c) };
    };
    const [first, second] = [await run(), await run()];
    looksUniform(
      first.c.map((byte, i) => byte ^ second.c[i]!),
      'sum of two corrections',
    );
    notDeepEqual(first.s, second.s);
  });

  /** The field of the one message of this type that was sent since `sent` was emptied. */
  function field<M>(type: MessageType<M>, of: (message: M) => Uint8Array): Uint8Array {
    const found = sent.filter((message) => message.type === type.$type);
    equal(found.length, 1, `one ${type.$type}`);
    return of(type.decode(found[0]!.bytes));
  }

  it('never puts Delta on the wire', async () => {
    const draws: Buffer[] = [];
    const inner = seededRng('delta');
    const recording: Rng = (length) => {
      const bytes = inner(length);
      if (length === 16) draws.push(Buffer.from(bytes));
      return bytes;
    };
    const wire: Buffer[] = [];
    const [a, b] = memoryChannelPair({
      tapFirst: (_l, _t, bytes) => wire.push(Buffer.from(bytes)),
    });
    const [sender, receiver] = await Promise.all([
      OtSender.setup(a, recording),
      OtReceiver.setup(b, seededRng('other')),
    ]);
    const m = 256;
    const x = new Uint8Array(16 * m);
    await Promise.all([sender.transfer(x, x, 16), receiver.choose(new Uint8Array(m / 8), m, 16)]);
    await Promise.all([
      sender.correlate(new BigUint64Array(m)),
      receiver.correlate(new Uint8Array(m / 8), m),
    ]);
    const [delta, key] = draws;
    equal(draws.length, 2, 'Delta and the key of the hash');
    ok(!wire.some((bytes) => bytes.includes(delta!)), 'Delta is on the wire');
    ok(
      wire.some((bytes) => bytes.includes(key!)),
      'the search would find what is sent',
    );
  });

  it('draws fresh randomness at every setup and cannot be printed or saved', async () => {
    const [first, second] = await Promise.all([otPair('one'), otPair('two')]);
    const keys = await Promise.all(
      [first, second].map(async ({ sender, receiver }) => {
        const [{ k0 }] = await Promise.all([
          sender.random(8),
          receiver.random(Uint8Array.of(0), 8),
        ]);
        return k0;
      }),
    );
    notDeepEqual(keys[0], keys[1]);
    for (const secret of [first.sender, first.receiver]) {
      equal(JSON.stringify(secret), '{}');
      ok(!/Uint8Array|Buffer|\[\d/.test(inspect(secret, { depth: 9, showHidden: true })));
    }
  });

  it('carries both directions at once, each on a fork of its own', async () => {
    const [a, b] = memoryChannelPair();
    const [left, right] = await Promise.all([
      Promise.all([
        OtSender.setup(a.fork('ab'), seededRng('1')),
        OtReceiver.setup(a.fork('ba'), seededRng('2')),
      ]),
      Promise.all([
        OtReceiver.setup(b.fork('ab'), seededRng('3')),
        OtSender.setup(b.fork('ba'), seededRng('4')),
      ]),
    ]);
    const delta = BigUint64Array.of(5n, 6n);
    const [s0, r1, r0, s1] = await Promise.all([
      left[0].correlate(delta),
      left[1].correlate(Uint8Array.of(1), 2),
      right[0].correlate(Uint8Array.of(2), 2),
      right[1].correlate(delta),
    ]);
    const sum = (x: BigUint64Array, y: BigUint64Array) => x.map((xi, i) => xi + y[i]!);
    deepEqual(sum(s0, r0), BigUint64Array.of(0n, 6n));
    deepEqual(sum(s1, r1), BigUint64Array.of(5n, 0n));
  });

  it('runs over base OTs that were run before', async () => {
    const delta = seededRng('before')(16);
    const { chosen, ...pairs } = dealtBaseOts('before', delta);
    const [chSender, chReceiver] = memoryChannelPair();
    const [sender, receiver] = await Promise.all([
      OtSender.over(chSender, delta, chosen, seededRng('s')),
      OtReceiver.over(chReceiver, pairs),
    ]);
    equal(chReceiver.stats.messagesSent, 0);
    const [{ k0, k1 }, keys] = await Promise.all([
      sender.random(9),
      receiver.random(Uint8Array.of(0xa5, 1), 9),
    ]);
    for (let i = 0; i < 9; i++) {
      const chosenKeys = bitAt(Uint8Array.of(0xa5, 1), i) ? k1 : k0;
      ok(same(row(keys, i), row(chosenKeys, i)), `key ${i}`);
    }
  });

  it('numbers OTs since setup in the tweak of every call, and calls by kind', async () => {
    const delta = seededRng('tweak')(16);
    const { chosen, ...pairs } = dealtBaseOts('tweak', delta);
    let key = new Uint8Array();
    const [chSender, chReceiver] = memoryChannelPair({
      tapFirst: (_label, type, bytes) => {
        if (type === ExtensionHash.$type) key = new Uint8Array(ExtensionHash.decode(bytes).key);
      },
    });
    const [sender, receiver] = await Promise.all([
      OtSender.over(chSender, delta, chosen, seededRng('s')),
      OtReceiver.over(chReceiver, pairs),
    ]);
    const rows = new ReceiverRows(pairs, loadWasmBitsKernel());
    const hash = new FixedKeyHash(key);
    const none = new Uint8Array(2);
    for (const first of [0, 16, 32]) {
      const { t } = rows.extend(none, 16);
      const [, keys] = await Promise.all([sender.random(16), receiver.random(none, 16)]);
      ok(same(keys, hash.hashIndexed(t, first, 1)), `OTs from ${first}`);
    }
    const { t } = rows.extend(none, 16);
    const [s] = await Promise.all([
      sender.correlate(new BigUint64Array(16)),
      receiver.correlate(none, 16),
    ]);
    const pads = new BigUint64Array(hash.hashIndexed(t, 48, 2).buffer);
    equal(
      s.findIndex((word, i) => word !== pads[2 * i]! && word !== BigInt.asUintN(64, -pads[2 * i]!)),
      -1,
    );
  });

  it('refuses a second extension on the same channel', async () => {
    const { chSender, chReceiver } = pair;
    await rejects(OtSender.setup(chSender, seededRng('5')), RangeError);
    await rejects(OtReceiver.setup(chReceiver, seededRng('6')), RangeError);
  });

  it('refuses a second call while one is pending', async () => {
    const first = pair.receiver.random(Uint8Array.of(1), 3);
    await rejects(pair.receiver.correlate(Uint8Array.of(1), 3), TypeError);
    const [{ k1 }, keys] = await Promise.all([pair.sender.random(3), first]);
    deepEqual(row(keys, 0), row(k1, 0));
  });

  it('refuses arguments that do not fit, and stays usable', async () => {
    await rejects(pair.sender.random(-1), RangeError);
    await rejects(pair.sender.transfer(new Uint8Array(4), new Uint8Array(3), 1), RangeError);
    await rejects(pair.sender.transfer(new Uint8Array(4), new Uint8Array(4), 3), RangeError);
    await rejects(pair.sender.transfer(new Uint8Array(0), new Uint8Array(0), 0), RangeError);
    await rejects(pair.receiver.random(Uint8Array.of(1), 9), RangeError);
    await rejects(pair.receiver.correlate(Uint8Array.of(1, 2), 8), RangeError);
    await rejects(pair.receiver.choose(Uint8Array.of(1), 8, 65_537), RangeError);
    const [{ k0 }, keys] = await Promise.all([
      pair.sender.random(1),
      pair.receiver.random(Uint8Array.of(0), 1),
    ]);
    deepEqual(keys, k0);
  });

  describe('against a peer that deviates in one field', () => {
    const shorter = (bytes: Uint8Array) => bytes.subarray(1);
    const longer = (bytes: Uint8Array) => Uint8Array.of(...bytes, 0);

    /** Sets up with the tampered side at `evil` and returns both roles. */
    async function tampered<M>(
      evil: 'sender' | 'receiver',
      type: MessageType<M>,
      edit: (message: M) => M,
    ): Promise<[OtSender, OtReceiver]> {
      const [a, b] = memoryChannelPair();
      const wrap = (ch: Channel, side: string) => (side === evil ? tamper(ch, type, edit) : ch);
      return Promise.all([
        OtSender.setup(wrap(a, 'sender'), seededRng('s')),
        OtReceiver.setup(wrap(b, 'receiver'), seededRng('r')),
      ]);
    }
    const bits = Uint8Array.of(3);
    const MALFORMED = { code: 'MALFORMED_MESSAGE' };

    it('refuses columns of the wrong length, then every further call', async () => {
      for (const change of [shorter, longer]) {
        const [sender, receiver] = await tampered('receiver', ExtensionColumns, ({ u }) => ({
          u: change(u),
        }));
        const run = sender.random(8);
        await receiver.random(bits, 8);
        await rejects(run, MALFORMED);
        await rejects(sender.random(8), TypeError);
      }
    });

    it('refuses corrections of the wrong length', async () => {
      for (const change of [shorter, longer]) {
        const [sender, receiver] = await tampered('sender', CorrelatedMasks, ({ c }) => ({
          c: change(c),
        }));
        const run = receiver.correlate(bits, 8);
        await Promise.all([sender.correlate(new BigUint64Array(8)), rejects(run, MALFORMED)]);
        await rejects(receiver.correlate(bits, 8), TypeError);
      }
    });

    it('refuses masked messages of the wrong length', async () => {
      for (const which of ['y0', 'y1'] as const) {
        const [sender, receiver] = await tampered('sender', MaskedMessages, (y) => ({
          ...y,
          [which]: shorter(y[which]),
        }));
        const x = new Uint8Array(8);
        await Promise.all([
          sender.transfer(x, x, 1),
          rejects(receiver.choose(bits, 8, 1), MALFORMED),
        ]);
      }
    });

    it('refuses a hash key of the wrong length', async () => {
      await rejects(
        tampered('sender', ExtensionHash, ({ key }) => ({ key: longer(key) })),
        MALFORMED,
      );
    });

    it('refuses an answer of another kind', async () => {
      const { sender, receiver } = await otPair('kinds');
      const run = rejects(receiver.correlate(bits, 8), { code: 'UNEXPECTED_MESSAGE' });
      await Promise.all([sender.transfer(new Uint8Array(8), new Uint8Array(8), 1), run]);
    });
  });
});
