import { deepEqual, equal, rejects, throws } from 'node:assert/strict';
import { ControlRequest, Refusal } from '../../proto/gen/control.ts';
import type { Channel, MessageType } from '../../src/protocols/channel.ts';
import { ProtocolError, type ProtocolErrorCode } from '../../src/protocols/errors.ts';

/** Two connected ends of one kind of channel. */
export interface ChannelPair {
  readonly channels: readonly [Channel, Channel];
  /** Frees what carries the channels. */
  close(): Promise<void>;
}

/** The longest message that every kind of channel carries. */
const LONGEST = 64 << 20;

const MIB = 1 << 20;

/** Bytes as they are, under a type name of their own. */
export function rawType(name: string): MessageType<Uint8Array> {
  return { $type: name, encode: (bytes) => ({ finish: () => bytes }), decode: (bytes) => bytes };
}

const Raw = rawType('entente.test.Raw');

/** What whoever uses a channel may rely on, as `it` cases. `signal` ends both ends. */
export function channelSuite(open: (signal: AbortSignal) => Promise<ChannelPair>): void {
  let pair: ChannelPair;
  let abort: AbortController;
  let a: Channel;
  let b: Channel;

  beforeEach(async () => {
    abort = new AbortController();
    pair = await open(abort.signal);
    [a, b] = pair.channels;
  });

  afterEach(() => pair.close());

  it('delivers messages unchanged and in order, both ways', async () => {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      for (let i = 0; i < 10; i++) await from.send(ControlRequest, message(i, 100));
      for (let i = 0; i < 10; i++) deepEqual(await to.receive(ControlRequest), message(i, 100));
    }
  });

  it('delivers sends that nobody awaited in order', async () => {
    const sent = [3 * MIB, 0, MIB + 1, 1].map((n, i) => a.send(ControlRequest, message(i, n)));
    for (const [i, n] of [3 * MIB, 0, MIB + 1, 1].entries()) {
      same((await b.receive(ControlRequest)).body, message(i, n).body);
    }
    await Promise.all(sent);
  });

  for (const n of [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 5 * MIB + 7]) {
    it(`delivers a message of ${n} bytes`, async () => {
      const [received] = await Promise.all([b.receive(Raw), a.send(Raw, pattern(n, n))]);
      same(received, pattern(n, n));
    });
  }

  it('keeps forks apart, whatever their labels', async () => {
    const labels = [['x'], ['x', 'y'], ['x/y'], ['x~1y'], ['~'], ['/']];
    const walk = (channel: Channel): Channel[] => {
      const x = channel.fork('x');
      return labels.map((path) =>
        path[0] === 'x' ? (path[1] ? x.fork(path[1]) : x) : channel.fork(path[0]!),
      );
    };
    const [from, to] = [walk(a), walk(b)];
    for (const [i, fork] of from.entries()) await fork.send(ControlRequest, message(i, 1));
    await a.send(ControlRequest, message(99, 1));
    deepEqual(await b.receive(ControlRequest), message(99, 1));
    for (const [i, fork] of [...to.entries()].reverse()) {
      deepEqual(await fork.receive(ControlRequest), message(i, 1));
    }
  });

  it('lets a fork through while another one waits unread', async () => {
    const [bulkA, bulkB] = [a.fork('bulk'), b.fork('bulk')];
    const bulk = bulkA.send(Raw, pattern(1, 24 * MIB));
    await a.send(ControlRequest, message(1, 1));
    deepEqual(await b.receive(ControlRequest), message(1, 1));
    equal((await bulkB.receive(Raw)).length, 24 * MIB);
    await bulk;
  });

  it('refuses a label twice', () => {
    a.fork('once');
    throws(() => a.fork('once'), RangeError);
  });

  it('finishes when both ends send 64 MiB before they receive', async () => {
    const burst = async (channel: Channel): Promise<void> => {
      for (let i = 0; i < 64; i++) await channel.send(Raw, pattern(i, MIB));
      for (let i = 0; i < 64; i++) same(await channel.receive(Raw), pattern(i, MIB));
    };
    await Promise.all([burst(a), burst(b)]);
  });

  it('carries one message of 64 MiB', async () => {
    const [received] = await Promise.all([b.receive(Raw), a.send(Raw, pattern(5, LONGEST))]);
    same(received, pattern(5, LONGEST));
  });

  it('counts the same on both ends', async () => {
    const [forkA, forkB] = [a.fork('f'), b.fork('f')];
    await a.send(ControlRequest, message(1, 10));
    await a.send(ControlRequest, message(2, 20));
    await forkA.send(Raw, pattern(0, 2 * MIB));
    await b.receive(ControlRequest);
    await b.receive(ControlRequest);
    await forkB.receive(Raw);
    await b.send(ControlRequest, message(3, 0));
    await a.receive(ControlRequest);
    await a.send(Raw, pattern(0, 0));
    await b.receive(Raw);
    const size = (i: number, n: number): number =>
      ControlRequest.encode(message(i, n)).finish().length;
    const forth = size(1, 10) + size(2, 20) + 2 * MIB;
    deepEqual(a.stats, {
      bytesSent: forth,
      bytesReceived: size(3, 0),
      messagesSent: 4,
      messagesReceived: 1,
      rounds: 3, // the first two sends are one, the fork's, and the one after the answer
    });
    deepEqual(b.stats, {
      bytesSent: a.stats.bytesReceived,
      bytesReceived: a.stats.bytesSent,
      messagesSent: a.stats.messagesReceived,
      messagesReceived: a.stats.messagesSent,
      rounds: 1,
    });
  });

  it('refuses a message of another type', async () => {
    await a.send(Refusal, { code: 'X', reason: '' });
    await rejectsWith('UNEXPECTED_MESSAGE', b.receive(ControlRequest));
  });

  it('refuses bytes that do not decode', async () => {
    await a.send(rawType(ControlRequest.$type), Uint8Array.of(0x0a, 200));
    await rejectsWith('MALFORMED_MESSAGE', b.receive(ControlRequest));
  });

  it('ends pending and later calls when it is aborted', async () => {
    const pending = [a.receive(Raw), b.receive(Raw), b.fork('f').receive(Raw)];
    const ended = pending.map((call) => rejectsWith('CLOSED', call));
    abort.abort();
    await Promise.all(ended);
    for (const channel of [a, b, a.fork('g')]) {
      await rejectsWith('CLOSED', channel.send(Raw, pattern(0, 1)));
      await rejectsWith('CLOSED', channel.receive(Raw));
    }
  });
}

/** The promise rejects with a `ProtocolError` of this code. */
export async function rejectsWith(
  code: ProtocolErrorCode,
  promise: Promise<unknown>,
): Promise<void> {
  await rejects(promise, (error) => error instanceof ProtocolError && error.code === code);
}

function message(i: number, n: number): ControlRequest {
  return { method: `m${i}`, body: pattern(i, n) };
}

/** n bytes that differ by seed and by place. */
function pattern(seed: number, n: number): Uint8Array {
  const bytes = new Uint8Array(n);
  for (let i = 0; i < n; i += 4096) bytes[i] = (seed + i / 4096) & 0xff;
  if (n > 0) bytes[n - 1] = seed & 0xff;
  return bytes;
}

/** As deepEqual, which takes seconds for megabytes. */
function same(actual: Uint8Array, expected: Uint8Array): void {
  equal(Buffer.compare(actual, expected), 0);
}
