import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import {
  Rr22Correction,
  Rr22ReceiverHello,
  Rr22Seed,
  Rr22SenderHello,
} from '../../../proto/gen/psi.ts';
import { referenceGf128Kernel } from '../../../src/kernels/gf128-kernel.reference.ts';
import {
  binSlots,
  GAP_TOO_LARGE,
  type OkvsKernel,
  RANK_DEFICIENT,
} from '../../../src/kernels/okvs-kernel.ts';
import { loadWasmOkvsKernel } from '../../../src/kernels/okvs-kernel.wasm.ts';
import type { Channel, MessageType } from '../../../src/protocols/channel.ts';
import type { ProtocolErrorCode } from '../../../src/protocols/errors.ts';
import {
  type MemoryChannelOptions,
  memoryChannelPair,
} from '../../../src/protocols/memory-channel.ts';
import { decodeOkvs } from '../../../src/protocols/okvs/okvs.ts';
import { okvsParameters } from '../../../src/protocols/okvs/parameters.ts';
import { rowsOf } from '../../../src/protocols/okvs/rows.ts';
import { xorInto } from '../../../src/protocols/primitives/words.ts';
import { Rr22Items, Rr22Receiver, Rr22Sender } from '../../../src/protocols/psi/rr22-oprf.ts';
import { silentVole } from '../../../src/protocols/vole/silent-vole.ts';
import { looksBiased, looksUniform } from '../../support/chi-square.ts';
import { rr22Session } from '../../support/rr22-pair.ts';
import { seededRng } from '../../support/seeded-rng.ts';
import { type Change, tamperingChannel } from '../../support/tampering-channel.ts';
import { type Frame, transcript } from '../../support/transcript.ts';
import { voleDealer } from '../../support/vole-dealer.ts';

const itemsOf = (seed: string, n: number): Uint8Array => seededRng(seed)(16 * n);
const row = (rows: Uint8Array, i: number): string =>
  Buffer.from(rows.subarray(16 * i, 16 * i + 16)).toString('hex');
const rowSet = (...lists: Uint8Array[]): Set<string> =>
  new Set(
    lists.flatMap((rows) => Array.from({ length: rows.length / 16 }, (_, i) => row(rows, i))),
  );
const varintBytes = (x: number): number => (x < 128 ? 1 : x < 16384 ? 2 : x < 2097152 ? 3 : 4);

/** Y with the first `common` items of X. */
function overlapping(nX: number, nY: number, common: number): [Uint8Array, Uint8Array] {
  const [X, Y] = [itemsOf('X', nX), itemsOf('Y', nY)];
  Y.set(X.subarray(0, 16 * common));
  return [X, Y];
}

async function evaluate(X: Uint8Array, Y: Uint8Array, channel: MemoryChannelOptions = {}) {
  const [chR, chS] = memoryChannelPair(channel);
  const { receiver, sender } = await rr22Session(chR, chS, 'session');
  const [FX, FY] = await Promise.all([receiver.evaluate(X), sender.evaluate(Y, X.length / 16)]);
  return { FX, FY, chR, chS };
}

/** The fields of the receiver's messages in one evaluation. */
function sentByReceiver(frames: readonly Frame[]): { seeds: Uint8Array[]; slots: Uint8Array } {
  const of = (type: string): Uint8Array[] =>
    frames.filter((frame) => frame.type === type).map(({ bytes }) => bytes);
  return {
    seeds: of(Rr22Seed.$type).map((bytes) => Rr22Seed.decode(bytes).seed),
    slots: new Uint8Array(
      Buffer.concat(of(Rr22Correction.$type).map((bytes) => Rr22Correction.decode(bytes).slots)),
    ),
  };
}

/** pi(x) ^ x under the key of a purpose, written out. */
function hashOf(purpose: string, r: Uint8Array, x: Uint8Array): Uint8Array {
  const key = createHash('sha256').update(`entente/rr22/v1 ${purpose}:`).update(r).digest();
  const cipher = createCipheriv('aes-128-ecb', key.subarray(0, 16), null).setAutoPadding(false);
  const y = new Uint8Array(cipher.update(x));
  return y.map((byte, i) => byte ^ x[i]!);
}

describe('oblivious pseudorandom function [RR22]', () => {
  it('serves several senders with items that are encoded once: one seed, masks apart', async () => {
    const [X, Y] = overlapping(900, 1100, 300);
    let encodings = 0;
    const wasm = loadWasmOkvsKernel();
    const kernel: OkvsKernel = {
      ...wasm,
      encodeBin: (...bin) => {
        encodings++;
        return wasm.encodeBin(...bin);
      },
    };
    const items = new Rr22Items(X, kernel, seededRng('items'));
    const sent = await Promise.all(
      ['one', 'two', 'three'].map(async (name) => {
        const { frames, taps } = transcript();
        const { receiver, sender } = await rr22Session(...memoryChannelPair(taps), name);
        const [FX, FY] = await Promise.all([receiver.evaluate(items), sender.evaluate(Y, 900)]);
        for (let i = 0; i < 300; i++) equal(row(FX, i), row(FY, i), `${name}, item ${i}`);
        equal(rowSet(FX, FY).size, 900 + 1100 - 300);
        return { FX, ...sentByReceiver(frames) };
      }),
    );
    equal(encodings, 1);
    deepEqual(sent[1]!.seeds, sent[0]!.seeds);
    equal(rowSet(...sent.map(({ FX }) => FX)).size, 3 * 900, 'other functions');
    const [one, two] = sent.map(({ slots }) => slots);
    looksUniform(one!, 'what one sender sees');
    looksUniform(
      one!.map((byte, at) => byte ^ two![at]!),
      'what two of them see together',
    );
  });

  it('gives both parties one value for a common item, and different ones else', async () => {
    for (const [nX, nY, common] of [
      [1, 1, 1],
      [1, 300, 1],
      [300, 1, 0],
      [257, 129, 64],
      [16_385, 20_000, 700],
    ] as const) {
      const { FX, FY } = await evaluate(...overlapping(nX, nY, common));
      for (let i = 0; i < common; i++) equal(row(FX, i), row(FY, i), `${nX} x ${nY}, item ${i}`);
      equal(rowSet(FX, FY).size, nX + nY - common, `${nX} x ${nY}`);
    }
  });

  it('is H2(Decode(C, y) + Delta (H1(y) - Decode(P, y))) for every y', async () => {
    const [X, Y] = overlapping(80, 90, 30);
    const { frames, taps } = transcript();
    const { FY } = await evaluate(X, Y, taps);
    const { seeds, slots: corrections } = sentByReceiver(frames);
    const dealer = voleDealer('session');
    const { a, c } = await (await dealer.receiver(...NO_SETUP)).extend(corrections.length / 16);
    const P = corrections.slice();
    xorInto(P, a);
    const rows = rowsOf(Y, seeds[0]!, okvsParameters(80));
    const difference = hashOf('value', seeds[0]!, Y);
    xorInto(difference, decodeOkvs(rows, P));
    for (let i = 0; i < 90; i++) {
      const isZero = difference.subarray(16 * i, 16 * i + 16).every((byte) => byte === 0);
      equal(isZero, i < 30, `P stores H1 of exactly the common items: ${i}`);
    }
    const u = decodeOkvs(rows, await c());
    referenceGf128Kernel.multiplier(dealer.delta).multiplyAdd(u, difference);
    deepEqual(FY, hashOf('mask', seeds[0]!, u));
  });

  it('gives the same on correlations made in advance, of fewer items than forecast as well', async () => {
    for (const vole of [voleDealer('ahead'), silentVole]) {
      const forecast = { items: 90, evaluations: 2 };
      const { receiver, sender } = await rr22Session(...memoryChannelPair(), 'ahead', {
        ...{ vole, forecast },
      });
      for (const [nX, nY, common] of [
        [90, 70, 20],
        [5, 900, 3],
        [60, 60, 60],
      ] as const) {
        const [X, Y] = overlapping(nX, nY, common);
        const items = receiver.prepare(X);
        const [FX, FY] = await Promise.all([receiver.evaluate(items), sender.evaluate(Y, nX)]);
        for (let i = 0; i < common; i++) equal(row(FX, i), row(FY, i), `item ${i} of ${nX}`);
        equal(rowSet(FX, FY).size, nX + nY - common);
      }
    }
  });

  it('has a second function, independent of the first', async () => {
    const [X, Y] = overlapping(50, 60, 20);
    const [chR, chS] = memoryChannelPair();
    const { receiver, sender } = await rr22Session(chR, chS, 'session');
    const [a, b] = await Promise.all([
      receiver.evaluateWithKeys(X),
      sender.evaluateWithKeys(Y, 50),
    ]);
    for (let i = 0; i < 20; i++) equal(row(a.keys, i), row(b.keys, i), `item ${i}`);
    equal(rowSet(a.masks, a.keys, b.masks, b.keys).size, 2 * 90);
    const { FX, FY } = await evaluate(X, Y);
    deepEqual([a.masks, b.masks], [FX, FY], 'the first is that of an evaluation without keys');
  });

  it('serves several evaluations, of different sizes, each with a function of its own', async () => {
    const { frames, taps } = transcript();
    const [chR, chS] = memoryChannelPair(taps);
    const { receiver, sender } = await rr22Session(chR, chS, 'session');
    const values: Uint8Array[] = [];
    for (const n of [40, 3, 40]) {
      const [X, Y] = overlapping(n, 40, 3);
      const [FX, FY] = await Promise.all([receiver.evaluate(X), sender.evaluate(Y, n)]);
      for (let i = 0; i < 3; i++) equal(row(FX, i), row(FY, i), `${n}, item ${i}`);
      values.push(FX.slice(0, 48));
    }
    equal(rowSet(...values).size, 9, 'one item has another value in every evaluation');
    equal(rowSet(...sentByReceiver(frames).seeds).size, 3);
  });

  it('costs what its header says', async () => {
    for (const [nX, nY] of [
      [1, 500],
      [700, 1],
      [16_385, 10],
    ] as const) {
      const { chR, chS } = await evaluate(...overlapping(nX, nY, 1));
      const parameters = okvsParameters(nX);
      const bin = 16 * binSlots(parameters);
      const corrections = parameters.bins * (1 + varintBytes(bin) + bin);
      equal(parameters.slots * 16, parameters.bins * bin);
      equal(chR.stats.bytesSent, 2 + 16 + corrections, `${nX} x ${nY}`);
      equal(chR.stats.messagesSent, 2 + parameters.bins);
      deepEqual([chS.stats.bytesSent, chS.stats.messagesSent], [0, 1]);
      deepEqual([chR.stats.rounds, chS.stats.rounds], [2, 1], 'hello; seed and corrections');
    }
  });

  it('replays a pinned transcript', async () => {
    const { frames, taps } = transcript();
    const { FX, FY } = await evaluate(...overlapping(33, 21, 9), taps);
    const hash = createHash('sha256');
    for (const { from, label, type, bytes } of frames) {
      hash.update(`${from} ${label} ${type} ${Buffer.from(bytes).toString('hex')}\n`);
    }
    equal(frames.length, 4);
    equal(
      hash.update(FX).update(FY).digest('hex'),
      '9033e7ded147bb72c99e6c92c8e48c46b5970fd85bd4f450e5422ceaa4c8f89c',
    );
  });

  it('shows the sender nothing of the store, whose free slots are zero', async () => {
    const [X, Y] = overlapping(2000, 1, 1);
    const { frames, taps } = transcript();
    await evaluate(X, Y, taps);
    const { slots: corrections } = sentByReceiver(frames);
    looksUniform(corrections, 'A + P');
    const { a } = await (await voleDealer('session').receiver(...NO_SETUP)).extend(
      corrections.length / 16,
    );
    xorInto(corrections, a);
    looksBiased(corrections, 'P');
  });
});

/** A dealer needs neither a channel nor randomness. */
const NO_SETUP = [undefined as unknown as Channel, seededRng('none')] as const;

describe('oblivious pseudorandom function [RR22]: seeds that fail', () => {
  /** A kernel whose first `failures` bins cannot be solved. */
  function failing(failures: number, code: number): OkvsKernel & { tries: number } {
    const kernel = loadWasmOkvsKernel();
    return {
      ...kernel,
      name: 'failing',
      tries: 0,
      rows: (...call) => kernel.rows(...call),
      decodeBin: (...call) => kernel.decodeBin(...call),
      encodeBin(...call) {
        return this.tries++ < failures ? code : kernel.encodeBin(...call);
      },
    };
  }

  it('takes fresh seeds, and tells the sender of the last one alone', async () => {
    for (const code of [GAP_TOO_LARGE, RANK_DEFICIENT]) {
      const [X, Y] = overlapping(50, 50, 50);
      const { frames, taps } = transcript();
      const [chR, chS] = memoryChannelPair(taps);
      const { receiver, sender } = await rr22Session(chR, chS, 's', { okvs: failing(3, code) });
      const [FX, FY] = await Promise.all([receiver.evaluate(X), sender.evaluate(Y, 50)]);
      deepEqual(FX, FY);
      const rng = seededRng('s R');
      const drawn = Array.from({ length: 4 }, () => rng(16));
      const { seeds, slots } = sentByReceiver(frames);
      deepEqual(seeds, drawn.slice(3));
      equal(slots.length, 16 * okvsParameters(50).slots);
    }
  });

  it('gives up after four, before it sends anything of the store', async () => {
    const [chR, chS] = memoryChannelPair();
    const kernel = failing(100, RANK_DEFICIENT);
    const { receiver } = await rr22Session(chR, chS, 's', { okvs: kernel });
    await rejects(receiver.evaluate(itemsOf('X', 9)), RangeError);
    equal(kernel.tries, 4);
    equal(chR.stats.messagesSent, 1, 'the hello');
  });

  it('refuses items that are not distinct', async () => {
    const [chR, chS] = memoryChannelPair();
    const { receiver } = await rr22Session(chR, chS, 's');
    const X = itemsOf('X', 9);
    X.copyWithin(16, 0, 16);
    await rejects(receiver.evaluate(X), /distinct/);
    equal(chR.stats.messagesSent, 1, 'the hello');
  });
});

describe('oblivious pseudorandom function [RR22]: what it refuses', () => {
  async function senderRefuses<M>(
    type: MessageType<M>,
    change: Change<M>,
    code: ProtocolErrorCode = 'MALFORMED_MESSAGE',
  ): Promise<void> {
    const end = new AbortController();
    const [chR, chS] = memoryChannelPair({ signal: end.signal });
    const cheating = tamperingChannel(chR, type, change);
    const { receiver, sender } = await rr22Session(cheating, chS, 's');
    const [X, Y] = overlapping(9, 9, 3);
    const other = receiver.evaluate(X).catch(() => {});
    await rejects(sender.evaluate(Y, 9), { code });
    end.abort();
    await other;
  }

  it('S: a seed of another length, or zero', async () => {
    await senderRefuses(Rr22Seed, ({ seed }) => ({ seed: seed.subarray(1) }));
    await senderRefuses(Rr22Seed, ({ seed }) => ({ seed: new Uint8Array([...seed, 0]) }));
    await senderRefuses(Rr22Seed, () => ({ seed: new Uint8Array(0) }));
    await senderRefuses(Rr22Seed, () => ({ seed: new Uint8Array(16) }));
  });

  it('S: a bin of another size', async () => {
    for (const bytes of [0, 15, 16, 16 * binSlots(okvsParameters(9)) - 16]) {
      await senderRefuses(Rr22Correction, ({ slots }) => ({ slots: slots.subarray(0, bytes) }));
    }
    await senderRefuses(Rr22Correction, ({ slots }) => ({
      slots: new Uint8Array([...slots, ...new Uint8Array(16)]),
    }));
  });

  it('S: a store for fewer items than the receiver announced', async () => {
    const end = new AbortController();
    const [chR, chS] = memoryChannelPair({ signal: end.signal });
    const { receiver, sender } = await rr22Session(chR, chS, 's');
    const other = receiver.evaluate(itemsOf('X', 100)).catch(() => {});
    await rejects(sender.evaluate(itemsOf('Y', 5), 400), { code: 'MALFORMED_MESSAGE' });
    end.abort();
    await other;
  });

  it('more items than were forecast', async () => {
    const forecast = { items: 10, evaluations: 1 };
    const [chR, chS] = memoryChannelPair();
    const { receiver, sender } = await rr22Session(chR, chS, 's', { forecast });
    await rejects(sender.evaluate(itemsOf('Y', 5), 400), { code: 'MALFORMED_MESSAGE' });
    await rejects(receiver.evaluate(itemsOf('X', 400)), RangeError);
  });

  it('a peer in the same role, at once', async () => {
    for (const role of [Rr22Receiver, Rr22Sender]) {
      const options = { vole: voleDealer('s') };
      const runs = memoryChannelPair().map((ch) => role.setup(ch, seededRng('x'), options));
      for (const run of runs) await rejects(run, { code: 'UNEXPECTED_MESSAGE' });
    }
  });

  it('a message out of turn', async () => {
    const options = { vole: voleDealer('s') };
    const [chR, chS] = memoryChannelPair();
    const setup = Rr22Sender.setup(chS, seededRng('x'), options);
    const peer = chR.fork('rr22');
    await peer.send(Rr22ReceiverHello, {});
    await peer.receive(Rr22SenderHello);
    await peer.send(Rr22Correction, { slots: new Uint8Array(16) });
    await rejects((await setup).evaluate(itemsOf('Y', 1), 1), { code: 'UNEXPECTED_MESSAGE' });
  });

  it('to begin again after a failure, or twice at once', async () => {
    const end = new AbortController();
    const [chR, chS] = memoryChannelPair({ signal: end.signal });
    const { sender } = await rr22Session(chR, chS, 's');
    const first = sender.evaluate(itemsOf('Y', 3), 3);
    await rejects(sender.evaluate(itemsOf('Y', 3), 3), /await the pending call/);
    end.abort();
    await rejects(first, { code: 'CLOSED' });
    await rejects(sender.evaluate(itemsOf('Y', 3), 3), /set up afresh/);
  });

  it('ends when the channel does, in setup and half-way', async () => {
    for (const role of [Rr22Receiver, Rr22Sender]) {
      const end = new AbortController();
      const [ch] = memoryChannelPair({ signal: end.signal });
      const run = role.setup(ch, seededRng('x'), { vole: voleDealer('s') });
      const ended = rejects(run, { code: 'CLOSED' });
      end.abort();
      await ended;
    }
    const end = new AbortController();
    const { frames, taps } = transcript();
    const [chR, chS] = memoryChannelPair({ signal: end.signal, ...taps });
    let corrections = 0;
    const stopping = tamperingChannel(chR, Rr22Correction, (message) => {
      if (corrections++ === 1) end.abort();
      return message;
    });
    const { receiver, sender } = await rr22Session(stopping, chS, 's');
    const runs = [
      receiver.evaluate(itemsOf('X', 40_000)),
      sender.evaluate(itemsOf('Y', 9), 40_000),
    ];
    for (const run of runs) await rejects(run, { code: 'CLOSED' });
    ok(
      frames.some(({ type }) => type === Rr22Correction.$type),
      'it was half-way',
    );
  });

  it('sizes that are none, or too large, before it takes part', async () => {
    const [chR, chS] = memoryChannelPair();
    const { receiver, sender } = await rr22Session(chR, chS, 's');
    await rejects(receiver.evaluate(new Uint8Array(0)), RangeError);
    await rejects(receiver.evaluate(new Uint8Array(15)), RangeError);
    await rejects(sender.evaluate(new Uint8Array(0), 4), RangeError);
    for (const nX of [0, -1, 0.5, 2 ** 24 + 1, Number.NaN]) {
      await rejects(sender.evaluate(itemsOf('Y', 1), nX), RangeError, `${nX}`);
    }
    deepEqual([chR.stats.messagesSent, chS.stats.messagesSent], [1, 1], 'the hellos');
  });
});
